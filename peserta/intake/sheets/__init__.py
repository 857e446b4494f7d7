"""Sheets (SEMANTICS 11): a file of an officer becomes a table of cells, the table rows with tokens, the rows facts.

`table_files.open_table` reads a file, `layout.understand` finds header and columns, `rows.read_rows` gives each row its
fate, `facts.read_facts` makes facts of them. Nothing here knows Kafka. What stands in a person column becomes a token
before anything else is done with its row, and no remark repeats the content of a cell.
"""
