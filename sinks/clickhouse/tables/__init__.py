"""Turning the records of a topic into rows, as columns ready to be inserted.

Everything here is a pure function of records: the same records give the same rows.
"""
