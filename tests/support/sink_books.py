"""Random ledgers of one company: workers whose timelines are posted, and perhaps replaced by others later."""

from typing import Final, TypeAlias

from hypothesis import strategies as st

from schemas.records import Posting
from schemas.vocabulary import ALL_PROGRAMMES, ClassParts
from tests.support.sink_records import day, inside

Timeline: TypeAlias = list[tuple[int, ClassParts | None]]  # (days after DAY_0, class from then on)
Book: TypeAlias = list[tuple[Timeline, Timeline | None]]  # a worker's first timeline, and the one that replaces it

DAY_0: Final = day("2025-06-01")
classes = st.one_of(st.none(), st.builds(ClassParts, st.integers(0, 4), st.integers(0, ALL_PROGRAMMES), st.booleans()))
covered_often = st.one_of(classes, st.just(inside("permanent", "JKK", "JKM")))
timelines = st.lists(st.tuples(st.integers(0, 120), covered_often), max_size=6, unique_by=lambda change: change[0])
books: st.SearchStrategy[Book] = st.lists(st.tuples(timelines, st.one_of(st.none(), timelines)), min_size=1, max_size=6)


def timeline_lines(timeline: Timeline, quantity: int) -> list[Posting]:
    """The ledger lines that add a worker's timeline (quantity 1) or void it (quantity -1)."""
    lines: list[Posting] = []
    before: ClassParts | None = None
    for on, after in sorted(timeline, key=lambda change: change[0]):
        if after != before:
            lines.append(Posting(DAY_0 + on, before, after, quantity))
        before = after
    return lines


def book_entries(book: Book) -> list[list[Posting]]:
    """The lines of each entry of the ledger, in order."""
    entries = [timeline_lines(first, 1) for first, _ in book]
    entries += [timeline_lines(first, -1) + timeline_lines(second, 1) for first, second in book if second is not None]
    return entries
