"""Counting balances: active, covered and the other figures of SEMANTICS 5, for any set of programmes and types."""

from typing import Final

from schemas.records import Day, Window
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, CLASSES, OUTSIDE, REQUIRED_DEFAULT
from streams.core.company import Balances, CompanyBook, DayRow, Moves
from streams.core.postings import CLASS_BITS, CLASS_MASK
from streams.core.rules import WHOLE_BP, ratio_bp
from streams.core.tally import Counts, counts_at, weights_of

MOVES_KEPT_MAX: Final = 200  # days of a company: twice the longest window


def count(balances: Balances, required: int = REQUIRED_DEFAULT, employment_types: int = ALL_EMPLOYMENT_TYPES) -> Counts:
    """The counts of those types, with these programmes as cover."""
    weights, total = weights_of(required, employment_types), 0
    for number, people in balances.items():
        total += people * weights[number]
    return counts_at(total, 0)


_COVERED: Final = tuple(
    parts is not None and parts.programmes & REQUIRED_DEFAULT == REQUIRED_DEFAULT for parts in CLASSES
)


def moves(row: DayRow) -> Moves:
    """The moves of a day."""
    joined = left = gained = lost = 0
    for pair, quantity in row.items():
        before, after = pair >> CLASS_BITS, pair & CLASS_MASK
        if before == OUTSIDE:
            joined += quantity
        elif after == OUTSIDE:
            left += quantity
        if _COVERED[after] and not _COVERED[before]:
            gained += quantity
        elif _COVERED[before] and not _COVERED[after]:
            lost += quantity
    return joined, left, gained, lost


def _moves_of(company: CompanyBook, on: Day) -> Moves:
    """The moves of a day, kept unless it is changing."""
    moved = moves(company.days[on])
    if on not in company.changed_days:
        company.moves_of_day[on] = moved
    return moved


def windows(company: CompanyBook, counts: Counts, sizes: tuple[int, ...]) -> tuple[Window, ...]:
    """The rolling windows that end on the company's date, whose counts are given: one walk backwards.

    Only days with postings and the first days of the windows are looked at; on those between nothing changes.
    """
    days, known, today = company.days, company.moves_of_day, company.today
    if len(known) > MOVES_KEPT_MAX:
        known.clear()
    active, covered = counts.active, counts.covered
    joined = left = gained = lost = sum_active = sum_covered = 0
    lowest: int | None = None
    counted_from = today + 1
    first_days = [today - size + 1 for size in sizes]
    out = []
    for on in [on for on in range(today, min(first_days) - 1, -1) if on in days or on in first_days]:
        if active:
            sum_active += active * (counted_from - on)
            sum_covered += covered * (counted_from - on)
            on_day = WHOLE_BP * covered // active
            lowest = on_day if lowest is None or on_day < lowest else lowest
        counted_from = on
        if on in days:
            came, went, gain, loss = known.get(on) or _moves_of(company, on)
            joined, left, gained, lost = joined + came, left + went, gained + gain, lost + loss
            active, covered = active + went - came, covered + loss - gain
        if on in first_days:
            out.append(Window(joined, left, gained, lost, ratio_bp(sum_covered, sum_active), lowest))
    return tuple(out)
