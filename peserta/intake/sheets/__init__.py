"""Sheets (SEMANTICS 11): an officer's file becomes a table of cells, then rows with tokens, then facts.

`table_files.open_table` reads a file, `layout.understand` finds header and columns, `rows.read_rows` gives each row its
fate, and `facts.read_facts` makes facts of the rows. Nothing here depends on Kafka. The content of a person column
becomes a token before anything else is done with its row, and no remark repeats the content of a cell.
"""
