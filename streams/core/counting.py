"""Counting balances: active, covered and the other figures of SEMANTICS 5, for any set of programmes and types."""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from schemas.records import Day, Window
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, CLASSES, EMPLOYMENT_TYPES, OUTSIDE, PROGRAMMES, REQUIRED_DEFAULT
from streams.core.company import Balances, DayRow, inside
from streams.core.postings import CLASS_BITS, CLASS_MASK
from streams.core.rules import ratio_bp


class Counts(NamedTuple):
    """Headcounts of those who count."""

    active: int
    covered: int
    uncovered_new: int

    def divisor(self, clock: str) -> int:
        """D of SEMANTICS 6."""
        return self.active - self.uncovered_new if clock == "due" else self.active


class Moves(NamedTuple):
    """What happened in some days."""

    joined: int
    left: int
    gained_cover: int
    lost_cover: int


@lru_cache(maxsize=1 << 10)
def _weights(required: int, employment_types: int) -> tuple[tuple[int, int, int], ...]:
    """class -> what one head in it adds to active, covered and uncovered_new."""
    weights = [(0, 0, 0)]
    for parts in CLASSES[1:]:
        assert parts is not None
        counts = employment_types >> parts.employment_type & 1
        covered = counts and parts.programmes & required == required
        weights.append((int(counts), int(covered), int(counts and parts.new and not covered)))
    return tuple(weights)


def count(balances: Balances, required: int = REQUIRED_DEFAULT, employment_types: int = ALL_EMPLOYMENT_TYPES) -> Counts:
    """The counts of those types, with these programmes as cover."""
    weights = _weights(required, employment_types)
    active = covered = uncovered_new = 0
    for number, heads in balances.items():
        one_active, one_covered, one_new = weights[number]
        active += heads * one_active
        covered += heads * one_covered
        uncovered_new += heads * one_new
    return Counts(active, covered, uncovered_new)


def enrolled(balances: Balances) -> tuple[int, ...]:
    """Workers inside and enrolled, by programme in the order of PROGRAMMES."""
    heads_of = [0] * len(PROGRAMMES)
    for number, heads in balances.items():
        parts = CLASSES[number]
        if parts is not None and heads:
            for i in range(len(PROGRAMMES)):
                heads_of[i] += heads * (parts.programmes >> i & 1)
    return tuple(heads_of)


def by_employment_type(balances: Balances) -> tuple[tuple[int, int, int], ...]:
    """(type, active, covered) of the types with somebody inside."""
    counted = ((t, count(balances, employment_types=1 << t)) for t in range(len(EMPLOYMENT_TYPES)))
    return tuple((t, counts.active, counts.covered) for t, counts in counted if counts.active)


_COVERED = tuple(parts is not None and parts.programmes & REQUIRED_DEFAULT == REQUIRED_DEFAULT for parts in CLASSES)


def moves(rows: Iterable[DayRow]) -> Moves:
    """The moves of these days together."""
    joined = left = gained = lost = 0
    for row in rows:
        for pair, quantity in row.items():
            before, after = pair >> CLASS_BITS, pair & CLASS_MASK
            if before == OUTSIDE:
                joined += quantity
            elif after == OUTSIDE:
                left += quantity
            gained += quantity * (_COVERED[after] and not _COVERED[before])
            lost += quantity * (_COVERED[before] and not _COVERED[after])
    return Moves(joined, left, gained, lost)


def moves_until(days: dict[Day, DayRow], on: Day, window_days: int) -> Moves:
    """The moves with value date in (on - window_days, on]."""
    return moves(days[d] for d in range(on - window_days + 1, on + 1) if d in days)


def windows(balances: Balances, days: dict[Day, DayRow], on: Day, sizes: tuple[int, ...]) -> tuple[Window, ...]:
    """The rolling windows that end on `on`, whose balances are given: one walk backwards, day by day."""
    active, covered = inside(balances), count(balances).covered
    sum_active = sum_covered = 0
    lowest: int | None = None
    total = Moves(0, 0, 0, 0)
    out = []
    for back in range(max(sizes)):
        if active:
            sum_active += active
            sum_covered += covered
            on_day = ratio_bp(covered, active)
            lowest = on_day if lowest is None or on_day is None else min(lowest, on_day)
        row = days.get(on - back)
        if row:
            of_day = moves((row,))
            total = Moves(*map(sum, zip(total, of_day, strict=True)))
            active += of_day.left - of_day.joined
            covered += of_day.lost_cover - of_day.gained_cover
        if back + 1 in sizes:
            out.append(Window(*total, ratio_bp(sum_covered, sum_active), lowest))
    return tuple(out)
