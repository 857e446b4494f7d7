"""Memory of a book, as allocated by Python. The figure is the same in every round."""

import gc
import tracemalloc

from streams.core.book import Book
from tests.bench.load import GRACE_DAYS, Load
from tests.bench.row import Measure
from tests.bench.workforce import life_of
from tests.support.facts import entry

FACTS_PER_WORKER = 4
COMPANIES = 500
WORKERS = 10_000


def prepare(load: Load, per: str) -> Measure:
    """Bytes `per` worker with four facts, where all workers belong to one company; or `per` company with one worker."""
    sizes = ((1, WORKERS), (1, 2 * WORKERS)) if per == "worker" else ((COMPANIES, 1), (2 * COMPANIES, 1))
    more = WORKERS if per == "worker" else COMPANIES

    def measure() -> float:
        small, large = (_bytes_of(*size) for size in sizes)
        return (large - small) / more

    return measure


def _bytes_of(companies: int, workers: int) -> int:
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    book = Book(GRACE_DAYS)
    offset = 0
    for number in range(companies * workers):
        for fact in life_of(f"JT-{number % companies:04}-A", number)[:FACTS_PER_WORKER]:
            book.apply(entry(fact, offset), offset)
            offset += 1
        if number % 1_000 == 0:
            book.take_changes()
    book.take_changes()
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return size
