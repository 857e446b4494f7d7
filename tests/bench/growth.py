"""How the cost of a fact grows with the facts in the book, the size of a company, its history and its late facts.

A case gives microseconds of CPU for a fact at each size, including changed rows and snapshots. The cost should be
constant. No test asserts that; the chart shows the slope.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from schemas.records import FactEntry
from schemas.vocabulary import CORRECTION, ENROLLMENT
from streams.core.book import Book
from tests.bench.load import ENTRIES_PER_BATCH, Load
from tests.bench.workforce import FIRST_ON, HIRING_DAYS, JMO, LIFE, fact_of, journal
from tests.support.facts import entry, noon

COMPANIES: Final = 1_000
FACTS_MEASURED: Final = 5_000  # for each size
POLICIES: Final = 3

Points = dict[int, float]  # size -> microseconds


@dataclass(frozen=True, slots=True)
class Case:
    """One curve of the chart. `unit` names what `sizes` count."""

    name: str
    unit: str
    sizes: Sequence[int]
    measure: Callable[[Load, Sequence[int]], Points]


def book_grows(load: Load, sizes: Sequence[int]) -> Points:
    """Fold the facts of 1,000 companies batch by batch, and measure the batches after each size."""
    workers = max(sizes) // len(LIFE) + 2 * FACTS_MEASURED
    return _along(load.book(POLICIES), journal(COMPANIES, workers), sizes)


def company_grows(load: Load, sizes: Sequence[int]) -> Points:
    """Fold most facts of a company with so many workers, then measure its last facts."""
    return {workers: _last_of_one_company(load, workers) for workers in sizes}


def _last_of_one_company(load: Load, workers: int) -> float:
    facts = workers * (len(LIFE) - 1) - FACTS_MEASURED // 2
    return _along(load.book(POLICIES), journal(1, workers), [max(facts, 0)]).popitem()[1]


def history_grows(load: Load, sizes: Sequence[int]) -> Points:
    """Fold a company with postings on each of so many days. Then measure batches of one fact, each with its rows and
    windows of 90 days."""
    return {days: _at_the_end_of(load, days) for days in sizes}


def _at_the_end_of(load: Load, days: int) -> float:
    book, workers = load.book(POLICIES), 8 * days
    for number in range(workers):
        hired_on = FIRST_ON + number % days
        fact = fact_of("JT-1", number, 0, hired_on)
        book.apply(entry(fact, number, noon(hired_on)), number)
    book.take_changes()
    today = FIRST_ON + days
    single = [[entry(fact_of("JT-1", n, 1, today - LIFE[1][0]), workers + n, noon(today))] for n in range(500)]
    return _microseconds(book, single)


def late_facts(load: Load, sizes: Sequence[int]) -> Points:
    """Measure facts and corrections that are effective in the middle of the history of a company with so many
    workers."""
    return {workers: _late_of(load, workers) for workers in sizes}


def _late_of(load: Load, workers: int) -> float:
    book = load.book(POLICIES)
    _fill(book, journal(1, workers))
    step = max(1, workers // FACTS_MEASURED)
    late = late_entries("JT-00000-A", range(0, workers, step), workers * len(LIFE))
    return _microseconds(book, list(_batches(late)))


def late_entries(company_id: str, numbers: Iterable[int], first: int) -> list[FactEntry]:
    """For each of these workers of a company: a late fact that is effective in the middle of the history, or the
    correction of such a fact. All are recorded last, at offsets from `first` on."""
    late = []
    for n, number in enumerate(numbers):
        told = fact_of(company_id, number, 1, FIRST_ON + number % HIRING_DAYS)
        on = told.effective_on + 30
        fact = told._replace(event_id=f"late-{number}", kind=ENROLLMENT, detail=JMO, effective_on=on)
        if n % 2:
            fact = told._replace(event_id=f"late-{number}", kind=CORRECTION, detail=0, corrects=told.event_id)
        last_at = noon(FIRST_ON + HIRING_DAYS + LIFE[-1][0])
        late.append(entry(fact, first + n, last_at))
    return late


CASES: Final = (
    Case("a book of 1,000 companies", "facts", (10_000, 30_000, 100_000, 300_000, 1_000_000), book_grows),
    Case("one company", "workers", (1_000, 10_000, 100_000), company_grows),
    Case("days of history", "days", (10, 90, 360, 1_000), history_grows),
    Case("late facts of one company", "workers", (1_000, 10_000, 100_000), late_facts),
)


def _along(book: Book, entries: Iterator[FactEntry], sizes: Sequence[int]) -> Points:
    points, done = {}, 0
    for size in sizes:
        done += _fill(book, islice(entries, size - done))
        part = list(islice(entries, FACTS_MEASURED))
        points[size] = _microseconds(book, list(_batches(part)))
        done += len(part)
    return points


def _fill(book: Book, entries: Iterable[FactEntry]) -> int:
    """Fold without measuring. Returns the number of entries."""
    done = 0
    for one in entries:
        book.apply(one, one.came_from.offset)
        done += 1
        if done % ENTRIES_PER_BATCH == 0:
            book.take_changes()
            book.take_alerts()
    book.take_changes()
    return done


def _batches(entries: Sequence[FactEntry]) -> Iterator[Sequence[FactEntry]]:
    return (entries[first : first + ENTRIES_PER_BATCH] for first in range(0, len(entries), ENTRIES_PER_BATCH))


def _microseconds(book: Book, batches: Sequence[Sequence[FactEntry]]) -> float:
    """Mean CPU time of a fact in these batches."""
    began_s = time.process_time()
    for batch in batches:
        for one in batch:
            book.apply(one, one.came_from.offset)
        book.take_changes()
        book.take_alerts()
    return (time.process_time() - began_s) * 1e6 / sum(map(len, batches))
