"""The table of all rows. To add a row, write a module with `prepare` and add a line here."""

from typing import Final

from tests.bench.broker_rows import BROKER_ROWS
from tests.bench.row import Row

FACTS: Final = "facts/s"

ROWS: Final = (
    Row("fold, 1 policy", FACTS, "tests.bench.fold", {"policies": 1}),
    Row("fold, 3 policies", FACTS, "tests.bench.fold", {"policies": 3}, is_quick=True, target=100_000),
    Row("fold, 20 policies", FACTS, "tests.bench.fold", {"policies": 20}, is_quick=True, target=75_000),
    Row("fold, rows and snapshots taken", FACTS, "tests.bench.fold", {"policies": 3, "taken": True}, is_quick=True),
    Row("recorder's step", FACTS, "tests.bench.recorder", is_quick=True, target=120_000),
    Row("book-keeper's step", FACTS, "tests.bench.bookkeeper", is_quick=True, target=55_000),
    Row("simulate", "lines/s", "tests.bench.offline", is_quick=True, target=50_000),
    Row("sink: records to columns", "rows/s", "tests.bench.sink", is_quick=True, target=250_000),
    Row(
        "memory of a worker with four facts",
        "bytes",
        "tests.bench.memory",
        {"per": "worker"},
        more_is_better=False,
        target=500,
    ),
    Row("memory of a company of one worker", "bytes", "tests.bench.memory", {"per": "company"}, more_is_better=False),
    *BROKER_ROWS,
)
