"""What the postings of a day moved (SEMANTICS 5): who joined, left, gained or lost cover, in one number.

A day's moves, and the people there are (active, covered), are one number each with a field for each figure, so that
a window passes a day with one addition. A field has room for 90 days of any company.
"""

from typing import Final

from schemas.ledger_lines import CLASS_BITS, CLASS_MASK, Pair
from schemas.vocabulary import CLASSES, OUTSIDE, REQUIRED_DEFAULT
from streams.core.postings import DayRow

Moves = tuple[int, int]  # what moved on a day, and the change of the people

_IS_COVERED: Final = tuple(
    parts is not None and parts.programmes & REQUIRED_DEFAULT == REQUIRED_DEFAULT for parts in CLASSES
)


FIELD_BITS: Final = 64
FIELD: Final = (1 << FIELD_BITS) - 1
_JOINED, _LEFT, _GAINED, _LOST = (1 << i * FIELD_BITS for i in range(4))
ACTIVE, COVERED = 1, 1 << FIELD_BITS


class _MovesOfOne(dict[int, Moves]):
    """pair of classes -> the moves of one person who goes from the first class to the second. Cached when first
    asked for."""

    def __missing__(self, pair: Pair) -> Moves:
        before, after = pair >> CLASS_BITS, pair & CLASS_MASK
        moved = gain = 0
        if before == OUTSIDE:
            moved, gain = _JOINED, ACTIVE
        elif after == OUTSIDE:
            moved, gain = _LEFT, -ACTIVE
        if _IS_COVERED[after] and not _IS_COVERED[before]:
            moved, gain = moved + _GAINED, gain + COVERED
        elif _IS_COVERED[before] and not _IS_COVERED[after]:
            moved, gain = moved + _LOST, gain - COVERED
        self[pair] = moved, gain
        return moved, gain


_MOVES_OF_ONE: Final = _MovesOfOne()


def moves(row: DayRow) -> Moves:
    """The moves of a day, and by how much its people differ from those of the day before."""
    moved = gain = 0
    for pair, quantity in row.items():
        of_one, gain_of_one = _MOVES_OF_ONE[pair]
        moved += of_one * quantity
        gain += gain_of_one * quantity
    return moved, gain
