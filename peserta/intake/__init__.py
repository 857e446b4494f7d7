"""Ways in: facts, policies and registry entries from files to records on the inbound topics.

A door only reads what publishers have and sends what is well formed. `schemas.admission` judges a fact, for every
door and for the recorder alike; what a fact means is decided by the book.
"""
