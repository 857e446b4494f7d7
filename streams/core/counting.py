"""Counting balances: active, covered and the other figures of SEMANTICS 5, for any set of programmes and types."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from schemas.records import Window
from schemas.vocabulary import ALL_EMPLOYMENT_TYPES, CLASSES, EMPLOYMENT_TYPES, OUTSIDE, PROGRAMMES, REQUIRED_DEFAULT
from streams.core.company import Balances, CompanyBook, DayRow, Moves
from streams.core.postings import CLASS_BITS, CLASS_MASK
from streams.core.rules import WHOLE_BP, ratio_bp
from streams.core.tally import FIELD_BITS, Counts, counts_at, weights_of

MOVES_KEPT_MAX: Final = 200  # days of a company: twice the longest window


def count(balances: Balances, required: int = REQUIRED_DEFAULT, employment_types: int = ALL_EMPLOYMENT_TYPES) -> Counts:
    """The counts of those types, with these programmes as cover."""
    weights, total = weights_of(required, employment_types), 0
    for number, people in balances.items():
        total += people * weights[number]
    return counts_at(total, 0)


class Heads(NamedTuple):
    """Everything that is counted of a company's workers on a date, with the default programmes as cover."""

    counts: Counts
    enrolled: tuple[int, ...]  # by programme in the order of PROGRAMMES
    by_employment_type: tuple[tuple[int, int, int], ...]  # (type, active, covered) of the types with somebody inside


# Behind active, covered and uncovered_new: enrolled by programme, then active and covered by employment type.
_FIELDS: Final = struct.Struct(f"<{3 + len(PROGRAMMES) + 2 * len(EMPLOYMENT_TYPES)}I")
_TYPES_AT: Final = 3 + len(PROGRAMMES)


def _all_weights() -> Iterator[int]:
    """class -> what one head in it adds to each of the fields."""
    for parts, counts in zip(CLASSES, weights_of(REQUIRED_DEFAULT, ALL_EMPLOYMENT_TYPES), strict=True):
        fields = counts
        if parts is not None:
            for i in range(len(PROGRAMMES)):
                fields |= (parts.programmes >> i & 1) << (3 + i) * FIELD_BITS
            active_and_covered = counts & (1 << 2 * FIELD_BITS) - 1
            fields |= active_and_covered << (_TYPES_AT + 2 * parts.employment_type) * FIELD_BITS
        yield fields


_ALL_WEIGHTS: Final = tuple(_all_weights())


def heads(balances: Balances) -> Heads:
    """Count everybody once, for all figures together."""
    total = 0
    for number, people in balances.items():
        total += people * _ALL_WEIGHTS[number]
    fields = _FIELDS.unpack(total.to_bytes(_FIELDS.size, "little"))
    by_type = zip(range(len(EMPLOYMENT_TYPES)), fields[_TYPES_AT::2], fields[_TYPES_AT + 1 :: 2], strict=True)
    return Heads(Counts(*fields[:3]), fields[3:_TYPES_AT], tuple(of_type for of_type in by_type if of_type[1]))


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
            came, went, gain, loss = known.get(on) or known.setdefault(on, moves(days[on]))
            joined, left, gained, lost = joined + came, left + went, gained + gain, lost + loss
            active, covered = active + went - came, covered + loss - gain
        if on in first_days:
            out.append(Window(joined, left, gained, lost, ratio_bp(sum_covered, sum_active), lowest))
    return tuple(out)
