"""Benchmarks: measure the speed of the parts and assert nothing. Each row has a module; `rows.py` lists all rows.

Nothing here is a test. `python -m tests.bench` and `make bench-quick` run it.
"""
