"""How rarely the garbage collector looks through everything."""

# (objects, young collections, middle collections) before the next; rows, books and batches hold many objects and no
# cycles: looking through them all often costs more than is found.
GC_THRESHOLDS = (100_000, 20, 100)
