"""Doors held against bodies that nobody meant: `python -m tests.fuzz.http --bodies 100000`."""
