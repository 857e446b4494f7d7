"""Thresholds of Python's garbage collector for a worker."""

# Arguments of `gc.set_threshold`. Rows, books and batches hold many objects and no cycles, so frequent full collections
# cost much and free little.
GC_THRESHOLDS = (100_000, 20, 100)
