"""Ways in for facts: from files and systems of payroll to records on the inbound topics.

What may enter: reading what publishers have, the rules of admission, sending. What a fact means is decided elsewhere.
"""
