"""`python -m tests.bench.large`: the cost of a fact in books of ten thousand to ten million facts, as for a province.

The book has 5,000 companies and five facts for each worker. One company has a twentieth of all workers. Each size has
its own book in its own process, so its memory can be measured. The time to make the facts is not counted.
"""

import json
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Final, NamedTuple

import psutil  # type: ignore[import-untyped]
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from schemas.records import FactEntry
from streams.core.book import Book
from streams.core.rows import Rows
from streams.lane.disk import StateOnDisk
from streams.lane.settings import LaneSettings
from streams.lane.state import StateInMemory, States, StoredRows
from streams.settings import IN_MEMORY, ON_DISK
from tests.bench.chart import lines
from tests.bench.growth import late_entries
from tests.bench.load import Load
from tests.bench.machine import machine
from tests.bench.workforce import LARGEST, LIFE, employer, journal

SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)  # number of facts
COMPANIES: Final = 5_000
ONE_IN_LARGEST: Final = 20
FEW_POLICIES: Final = 3
SERIES: Final = ((IN_MEMORY, FEW_POLICIES), (IN_MEMORY, 20), (ON_DISK, FEW_POLICIES))  # (state, policies)
NAMES: Final = {IN_MEMORY: "", ON_DISK: ", on disk"}
CACHE_BYTES: Final = 64 << 20  # holds a tenth of the rows of the largest book
MANY_POLICIES_UP_TO: Final = 1_000_000  # number of facts
LATE_FACTS: Final = 100  # late facts of a company in one batch
LATE_COMPANIES: Final = 21
BATCH: Final = LaneSettings.batch_records_max  # the size of a lane's batch under full load
WIDTH: Final = 120
RESULTS: Final = Path("var/bench")
console = Console(width=WIDTH)


class Cost(NamedTuple):
    """The costs of one book. `fold_us` and `changes_us` are microseconds of CPU for a fact: its fold, and its share of
    rows and snapshots. `snapshots` is for a thousand facts. `bytes_a_worker` is the memory of the process. `late_*_us`
    is for a late fact of the largest company, and of the others. On disk the costs include writing committed rows."""

    state: str
    policies: int
    facts: int
    fold_us: float
    changes_us: float
    snapshots: float
    bytes_a_worker: float
    late_largest_us: float
    late_other_us: float

    @property
    def total_us(self) -> float:
        return self.fold_us + self.changes_us


def cost_of(state: str, facts: int, policies: int) -> Cost:
    """Fold so many facts, and some late facts after them."""
    workers, process = facts // len(LIFE), psutil.Process()
    with _rows_in(state) as rows:
        book = Load(1).book(policies, rows)
        before = process.memory_info().rss
        stretches = Stretches(book)
        entries = journal(COMPANIES, workers, ONE_IN_LARGEST)
        with Progress(transient=True, console=console) as shown:
            task = shown.add_task(f"{facts:,} facts, {policies} policies, state {state}", total=facts)
            while batch := list(islice(entries, BATCH)):
                stretches.fold(batch)
                shown.advance(task, len(batch))
        grown = process.memory_info().rss - before
        late = [_late(book, facts, workers, largest=largest) for largest in (True, False)]
    fold_us, changes_us = (one * 1e6 / facts for one in (stretches.fold_s, stretches.changes_s))
    snapshots = stretches.snapshots * 1e3 / facts
    return Cost(state, policies, facts, fold_us, changes_us, snapshots, grown / workers, late[0], late[1])


@contextmanager
def _rows_in(state: str) -> Iterator[StoredRows]:
    with TemporaryDirectory() as folder:
        states: States = StateInMemory()
        if state == ON_DISK:
            states = on_disk = StateOnDisk(Path(folder), CACHE_BYTES)
            on_disk.settle("changelog", "1")
        states.take_up(0, 0, 0)
        yield states.part(0).rows
        states.close()


class NotFolded(Exception):
    """The book skipped facts that the measurement counts."""


class Stretches:
    """Folds batches into a book and measures their CPU time."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._offset = 0  # simulates the changelog's offset
        self.fold_s = self.changes_s = 0.0
        self.snapshots = 0

    def fold(self, batch: Sequence[FactEntry]) -> None:
        """Fold another batch. Raises NotFolded if the book skips some of it as repeats."""
        began_s, apply = time.process_time(), self._book.apply
        outcomes = [apply(one, one.came_from.offset) for one in batch]
        self._book.take_alerts()
        folded_s = time.process_time()
        changes = self._book.take_changes()
        self.snapshots += len(changes.snapshots)
        self._commit(changes.rows)
        self.fold_s += folded_s - began_s
        self.changes_s += time.process_time() - folded_s
        if None in outcomes:
            raise NotFolded(f"{outcomes.count(None)} facts of {len(batch)} were passed over as repeats")

    def _commit(self, changed: Rows) -> None:
        """Write the rows like the lane after the commit of a transaction."""
        rows = self._book.rows
        if isinstance(rows, StoredRows):
            self._offset += len(changed)
            rows.committed(list(changed.items()), self._offset)


def _late(book: Book, facts: int, workers: int, *, largest: bool) -> float:
    """Microseconds for a late fact of one company: the median of some batches."""
    spent = []
    for number in range(LATE_COMPANIES):
        first = facts + (LATE_COMPANIES * (not largest) + number) * LATE_FACTS
        late = late_entries(*staff(number, workers, largest=largest), first)
        stretches = Stretches(book)
        stretches.fold(late)
        spent.append((stretches.fold_s + stretches.changes_s) * 1e6 / len(late))
    return median(spent)


def staff(number: int, workers: int, *, largest: bool) -> tuple[str, Iterable[int]]:
    """A company and some of its workers. For the largest company each `number` gives other workers."""
    if largest:
        first, step = number * ONE_IN_LARGEST, LATE_COMPANIES * ONE_IN_LARGEST
        return LARGEST, islice(range(first, workers, step), LATE_FACTS)
    one = ONE_IN_LARGEST * number + 1
    company_id = employer(one, COMPANIES, ONE_IN_LARGEST)
    of_it = (each for each in range(one, workers, COMPANIES) if employer(each, COMPANIES, ONE_IN_LARGEST) == company_id)
    return company_id, islice(of_it, LATE_FACTS)


def table(costs: Iterable[Cost]) -> Table:
    shown = Table(title=f"{COMPANIES:,} companies, batches of {BATCH:,}; microseconds of CPU for a fact")
    columns = "state, policies, facts, fold, rows and snapshots, together, snapshots a 1,000 facts, bytes a worker"
    for name in (*columns.split(", "), "late, largest company", "late, others"):
        shown.add_column(name, justify="right")
    for c in costs:
        counted = (
            c.state,
            f"{c.policies}",
            f"{c.facts:,}",
            f"{c.fold_us:.1f}",
            f"{c.changes_us:.1f}",
            f"{c.total_us:.1f}",
        )
        late = f"{c.late_largest_us:.0f}", f"{c.late_other_us:.0f}"
        shown.add_row(*counted, f"{c.snapshots:.0f}", f"{c.bytes_a_worker:,.0f}", *late)
    return shown


def write(folder: Path, where: dict[str, str], costs: Sequence[Cost]) -> list[Path]:
    """Write JSON and a chart. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    points = {
        f"{number} policies{NAMES[state]}, {part}": {
            c.facts: getattr(c, field) for c in costs if (c.state, c.policies) == (state, number)
        }
        for state, number in SERIES
        for part, field in (("fold", "fold_us"), ("rows, snapshots", "changes_us"))
    }
    told = {"machine": where, "costs": [c._asdict() for c in costs]}
    texts = {
        "large.json": json.dumps(told, indent=1) + "\n",
        "large.svg": lines(points, "Microseconds of CPU for a fact, by facts in the book"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def main(
    largest: Annotated[int, typer.Option(help="No more facts than this.")] = SIZES[-1],
    into: Annotated[Path, typer.Option(help="Where JSON and chart go.")] = RESULTS,
) -> None:
    """Fold books of ten thousand to ten million facts, each in a process of its own; some twenty minutes, 4 GB."""
    where = machine()
    for name, said in where.items():
        console.print(f"{name:>20}  {said}", highlight=False)
    sizes = [size for size in SIZES if size <= largest]
    asked = [
        (state, size, n) for state, n in SERIES for size in sizes if n == FEW_POLICIES or size <= MANY_POLICIES_UP_TO
    ]
    new = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, max_tasks_per_child=1, mp_context=new) as processes:
        costs = list(processes.map(cost_of, *zip(*asked, strict=True)))
    console.print(table(costs))
    for path in write(into, where, costs):
        console.print(f"written: {path}")


if __name__ == "__main__":
    typer.run(main)
