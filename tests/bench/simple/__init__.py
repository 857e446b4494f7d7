"""One simple piece of work, implemented with every framework that is compared: decode a fact, update worker and company
state, write a ledger record for each fact that changes something, and an alert when a company crosses a threshold.

Each way is a module that runs as its own process (`python -m tests.bench.simple.NAME OPTIONS`). It reads one loaded
topic to its end and writes to its own topics. All ways share `work.py`. They differ only in how they read records,
store state and write records.
"""
