"""Benchmarks: how fast the parts are, as ratios and never as assertions. A module for each row, all in `rows.py`.

Nothing here is a test: `python -m tests.bench` and `make bench-quick` run it.
"""
