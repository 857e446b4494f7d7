"""One simple piece of work, done in every way that can be compared: decode, worker and company state, one ledger record
for each fact that changes something, an alert when a company crosses a threshold.

Each way is a module that runs as a process of its own (`python -m tests.bench.simple.NAME OPTIONS`), reads one loaded
topic to its end, and writes to topics of its own. All of them share `work.py`, so that they differ in nothing but how
records come in, state is kept and records go out.
"""
