"""Tables: how the records of a topic become rows, as columns ready to be inserted.

What may enter: a function of records and nothing else; no connection. Same records, same rows.
"""
