"""Counting balances: active, covered and the other figures of SEMANTICS 5, for any set of programmes and types."""

from bisect import bisect_left, bisect_right

from schemas.records import Window
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, REQUIRED_DEFAULT
from streams.core.company import Balances, CompanyBook
from streams.core.moves import ACTIVE, COVERED, FIELD, FIELD_BITS, moves
from streams.core.rules import WHOLE_BP, ratio_bp
from streams.core.tally import Counts, counts_at, weights_of


def count(balances: Balances, required: int = REQUIRED_DEFAULT, employment_types: int = ALL_EMPLOYMENT_TYPES) -> Counts:
    """The counts of workers of these types, where covered means all of these programmes."""
    weights, total = weights_of(required, employment_types), 0
    for number, people in balances.items():
        total += people * weights[number]
    return counts_at(total, 0)


def windows(company: CompanyBook, counts: Counts, sizes: tuple[int, ...]) -> tuple[Window, ...]:
    """The rolling windows of these sizes (ascending) that end on the company's date, in one walk backwards.

    `counts` are those of that date. The walk visits only days with postings and the first day of each window: between
    them nothing changes.
    """
    days, known, today = company.days, company.moves_of_day, company.today
    order = company.posted_on
    people = counts.active * ACTIVE + counts.covered * COVERED
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
                on_day = WHOLE_BP * (people >> FIELD_BITS) // (people & FIELD)
                if on_day < lowest:
                    lowest = on_day
            counted_from = on
            if on in days:
                of_day, gain = known.get(on) or moves(days[on])
                moved += of_day
                people -= gain
        out.append(_window(moved, person_days, lowest))
    return tuple(out)


def _window(moved: int, person_days: int, lowest: int) -> Window:
    """The window with these sums."""
    joined, left, gained, lost = (moved >> i * FIELD_BITS & FIELD for i in range(4))
    mean = ratio_bp(person_days >> FIELD_BITS, person_days & FIELD)
    return Window(joined, left, gained, lost, mean, None if lowest > WHOLE_BP else lowest)
