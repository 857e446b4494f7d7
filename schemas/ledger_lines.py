"""Changes of class and ledger lines as single integers, so that sorting numbers sorts the ledger.

| number | bits, from the highest |
|---|---|
| `Pair` | class before, class after |
| `Change` | value_on, pair |
| `Line` | change, 1 when it now holds (quantity +1) or 0 when it no longer holds (quantity -1) |

So their order as numbers is the order of SEMANTICS 4: value_on, before, after, quantity. This file alone knows the
widths. The names are aliases and not new types: a new type would cost a call for each line.
"""

from typing import Final, TypeAlias

from schemas.records import Day, Posting
from schemas.vocabulary import CLASSES

Pair: TypeAlias = int
Change: TypeAlias = int
Line: TypeAlias = int

CLASS_BITS: Final = 10
CLASS_MASK: Final = (1 << CLASS_BITS) - 1
PAIR_BITS: Final = 2 * CLASS_BITS
PAIR_MASK: Final = (1 << PAIR_BITS) - 1
HOLDS: Final = 1  # the lowest bit of a line

assert len(CLASSES) <= CLASS_MASK


def change(value_on: Day, before: int, after: int) -> Change:
    return value_on << PAIR_BITS | before << CLASS_BITS | after


def line(changed: Change, quantity: int) -> Line:
    return changed << 1 | (HOLDS if quantity > 0 else 0)


def parts(number: Line) -> tuple[Day, int, int, int]:
    """value_on, class before, class after and quantity of a line."""
    changed = number >> 1
    quantity = 1 if number & HOLDS else -1
    return changed >> PAIR_BITS, changed >> CLASS_BITS & CLASS_MASK, changed & CLASS_MASK, quantity


def posting(number: Line) -> Posting:
    """A line spelled out."""
    value_on, before, after, quantity = parts(number)
    return Posting(value_on, CLASSES[before], CLASSES[after], quantity)
