"""Counting balances: active, covered and the other figures of SEMANTICS 5, for any set of programmes and types."""

from bisect import bisect_left, bisect_right
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


_IS_COVERED: Final = tuple(
    parts is not None and parts.programmes & REQUIRED_DEFAULT == REQUIRED_DEFAULT for parts in CLASSES
)


# Moves of a day or of several (joined, left, gained, lost cover), and people (active, covered), are one number each,
# with a field for each figure, so that a day is passed with one addition. A field has room for 90 days of any company.
_FIELD_BITS: Final = 64
_FIELD: Final = (1 << _FIELD_BITS) - 1
_JOINED, _LEFT, _GAINED, _LOST = (1 << i * _FIELD_BITS for i in range(4))
_ACTIVE, _COVERED = 1, 1 << _FIELD_BITS


class _MovesOfOne(dict[int, Moves]):
    """pair of classes -> what one person moves who goes from the first to the second. As Steps: worked out when first
    asked for, and kept."""

    def __missing__(self, pair: int) -> Moves:
        before, after = pair >> CLASS_BITS, pair & CLASS_MASK
        moved = gain = 0
        if before == OUTSIDE:
            moved, gain = _JOINED, _ACTIVE
        elif after == OUTSIDE:
            moved, gain = _LEFT, -_ACTIVE
        if _IS_COVERED[after] and not _IS_COVERED[before]:
            moved, gain = moved + _GAINED, gain + _COVERED
        elif _IS_COVERED[before] and not _IS_COVERED[after]:
            moved, gain = moved + _LOST, gain - _COVERED
        self[pair] = moved, gain
        return moved, gain


_MOVES_OF_ONE: Final = _MovesOfOne()


def moves(row: DayRow) -> Moves:
    """The moves of a day, and what they made of the people of its eve."""
    moved = gain = 0
    for pair, quantity in row.items():
        of_one, gain_of_one = _MOVES_OF_ONE[pair]
        moved += of_one * quantity
        gain += gain_of_one * quantity
    return moved, gain


def _moves_of(company: CompanyBook, on: Day) -> Moves:
    """The moves of a day, kept unless it is changing."""
    moved = moves(company.days[on])
    if on not in company.changed_days:
        company.moves_of_day[on] = moved
    return moved


def windows(company: CompanyBook, counts: Counts, sizes: tuple[int, ...]) -> tuple[Window, ...]:
    """The rolling windows of these sizes, ascending, that end on the company's date, whose counts are given: one walk
    backwards.

    Only days with postings and the first days of the windows are looked at; on those between nothing changes.
    """
    days, known, today = company.days, company.moves_of_day, company.today
    if len(known) > MOVES_KEPT_MAX:
        known.clear()
    order = company.posted_on
    people = counts.active * _ACTIVE + counts.covered * _COVERED
    moved = person_days = 0
    lowest = WHOLE_BP + 1  # nobody was active yet
    counted_from = today + 1
    begin = bisect_right(order, today)
    out = []
    for size in sizes:
        first = today - size + 1
        end, begin = begin, bisect_left(order, first, 0, begin)
        stops = order[begin:end]
        stops.reverse()
        if not stops or stops[-1] != first:
            stops.append(first)
        for on in stops:
            if people:
                person_days += people * (counted_from - on)
                on_day = WHOLE_BP * (people >> _FIELD_BITS) // (people & _FIELD)
                if on_day < lowest:
                    lowest = on_day
            counted_from = on
            if on in days:
                of_day, gain = known.get(on) or _moves_of(company, on)
                moved += of_day
                people -= gain
        out.append(_window(moved, person_days, lowest))
    return tuple(out)


def _window(moved: int, person_days: int, lowest: int) -> Window:
    """The window that these sums are of."""
    joined, left, gained, lost = (moved >> i * _FIELD_BITS & _FIELD for i in range(4))
    mean = ratio_bp(person_days >> _FIELD_BITS, person_days & _FIELD)
    return Window(joined, left, gained, lost, mean, None if lowest > WHOLE_BP else lowest)
