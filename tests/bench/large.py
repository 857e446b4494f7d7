"""`python -m tests.bench.large`: what a fact costs on the way from ten thousand to ten million, for a whole province.

A book of 5,000 companies, one of which has a twentieth of all workers; five facts for each worker. Each size is a book
and a process of its own, so that its memory is its own. Making the facts is not counted.
"""

import json
import multiprocessing
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Final, NamedTuple

import psutil  # type: ignore[import-untyped]
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from schemas.records import FactEntry
from streams.core.book import Book
from streams.lane import LaneSettings
from tests.bench.chart import lines
from tests.bench.growth import late_entries
from tests.bench.load import Load
from tests.bench.machine import machine
from tests.bench.workforce import LARGEST, LIFE, employer, journal

SIZES: Final = (10_000, 100_000, 1_000_000, 10_000_000)  # facts
COMPANIES: Final = 5_000
ONE_IN_LARGEST: Final = 20
POLICIES: Final = (3, 20)
MANY_POLICIES_UP_TO: Final = 1_000_000  # facts
LATE_FACTS: Final = 100  # of a company, in one batch
LATE_COMPANIES: Final = 21
BATCH: Final = LaneSettings.batch_records_max  # as the lane hands over when there is more than enough to do
WIDTH: Final = 120
RESULTS: Final = Path("var/bench")
console = Console(width=WIDTH)


class Cost(NamedTuple):
    """Microseconds of CPU for a fact: folding it, and its share of rows and snapshots; snapshots for a thousand facts;
    bytes of the process for a worker. Microseconds for a late fact of the largest company, and of the others."""

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


def cost_of(facts: int, policies: int) -> Cost:
    """Fold so many facts, and some late ones behind them."""
    workers, process = facts // len(LIFE), psutil.Process()
    load = Load(1)
    book = load.book(policies)
    before = process.memory_info().rss
    stretches = Stretches(book)
    entries = journal(COMPANIES, workers, ONE_IN_LARGEST)
    with Progress(transient=True, console=console) as shown:
        task = shown.add_task(f"{facts:,} facts, {policies} policies", total=facts)
        while batch := list(islice(entries, BATCH)):
            stretches.fold(batch)
            shown.advance(task, len(batch))
    grown = process.memory_info().rss - before
    late = [_late(book, facts, workers, largest=largest) for largest in (True, False)]
    fold_us, changes_us = (one * 1e6 / facts for one in (stretches.fold_s, stretches.changes_s))
    return Cost(
        policies, facts, fold_us, changes_us, stretches.snapshots * 1e3 / facts, grown / workers, late[0], late[1]
    )


class NotFolded(Exception):
    """Less was done than is counted."""


class Stretches:
    """A book, and the CPU time that its batches took."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.fold_s = self.changes_s = 0.0
        self.snapshots = 0

    def fold(self, batch: Sequence[FactEntry]) -> None:
        """Another batch; NotFolded when some of it has been folded before."""
        began_s, apply = time.process_time(), self._book.apply
        outcomes = [apply(one, one.came_from.offset) for one in batch]
        self._book.take_alerts()
        folded_s = time.process_time()
        self.snapshots += len(self._book.take_changes().snapshots)
        self.fold_s += folded_s - began_s
        self.changes_s += time.process_time() - folded_s
        if None in outcomes:
            raise NotFolded(f"{outcomes.count(None)} facts of {len(batch)} were passed over as repeats")


def _late(book: Book, facts: int, workers: int, *, largest: bool) -> float:
    """The median of some batches: microseconds for a late fact of one company."""
    spent = []
    for number in range(LATE_COMPANIES):
        first = facts + (LATE_COMPANIES * (not largest) + number) * LATE_FACTS
        late = late_entries(*staff(number, workers, largest=largest), first)
        stretches = Stretches(book)
        stretches.fold(late)
        spent.append((stretches.fold_s + stretches.changes_s) * 1e6 / len(late))
    return median(spent)


def staff(number: int, workers: int, *, largest: bool) -> tuple[str, Iterable[int]]:
    """A company, and some of its workers; of the largest others each time."""
    if largest:
        first, step = number * ONE_IN_LARGEST, LATE_COMPANIES * ONE_IN_LARGEST
        return LARGEST, islice(range(first, workers, step), LATE_FACTS)
    one = ONE_IN_LARGEST * number + 1
    company_id = employer(one, COMPANIES, ONE_IN_LARGEST)
    of_it = (each for each in range(one, workers, COMPANIES) if employer(each, COMPANIES, ONE_IN_LARGEST) == company_id)
    return company_id, islice(of_it, LATE_FACTS)


def table(costs: Iterable[Cost]) -> Table:
    shown = Table(title=f"{COMPANIES:,} companies, batches of {BATCH:,}; microseconds of CPU for a fact")
    columns = "policies, facts, fold, rows and snapshots, together, snapshots a 1,000 facts, bytes a worker"
    for name in (*columns.split(", "), "late, largest company", "late, others"):
        shown.add_column(name, justify="right")
    for c in costs:
        counted = f"{c.policies}", f"{c.facts:,}", f"{c.fold_us:.1f}", f"{c.changes_us:.1f}", f"{c.total_us:.1f}"
        late = f"{c.late_largest_us:.0f}", f"{c.late_other_us:.0f}"
        shown.add_row(*counted, f"{c.snapshots:.0f}", f"{c.bytes_a_worker:,.0f}", *late)
    return shown


def write(folder: Path, where: dict[str, str], costs: Sequence[Cost]) -> list[Path]:
    """JSON and a chart; the files."""
    folder.mkdir(parents=True, exist_ok=True)
    points = {
        f"{number} policies, {part}": {c.facts: getattr(c, field) for c in costs if c.policies == number}
        for number in POLICIES
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
    """Fold books of ten thousand to ten million facts, each in a process of its own; some fifteen minutes, 4 GB."""
    where = machine()
    for name, said in where.items():
        console.print(f"{name:>20}  {said}", highlight=False)
    sizes = [size for size in SIZES if size <= largest]
    asked = [(size, n) for n in POLICIES for size in sizes if n == POLICIES[0] or size <= MANY_POLICIES_UP_TO]
    new = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, max_tasks_per_child=1, mp_context=new) as processes:
        costs = list(processes.map(cost_of, *zip(*asked, strict=True)))
    console.print(table(costs))
    for path in write(into, where, costs):
        console.print(f"written: {path}")


if __name__ == "__main__":
    typer.run(main)
