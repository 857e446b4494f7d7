"""Changes of class and ledger lines as single integers, so that sorting numbers sorts the ledger.

A **change** is value_on << 20 | class before << 10 | class after; a **line** is change << 1 | 1 for a change that now
holds (quantity +1) and change << 1 for one that no longer holds (quantity -1). Their order as numbers is the order of
SEMANTICS 4: value_on, before, after, quantity. A **pair** is before << 10 | after.
"""

from typing import Final

from schemas.records import Day, Posting
from schemas.vocabulary import CLASSES

CLASS_BITS: Final = 10
CLASS_MASK: Final = (1 << CLASS_BITS) - 1
PAIR_MASK: Final = (1 << 2 * CLASS_BITS) - 1

DayRow = dict[int, int]  # the postings of a date: pair -> sum of quantities

assert len(CLASSES) <= CLASS_MASK


def change(value_on: Day, before: int, after: int) -> int:
    return value_on << 20 | before << 10 | after


def difference(was: list[int], now: list[int]) -> list[int]:
    """The lines that lead from one sorted list of changes to another, sorted; what stands in both is not posted."""
    if not was:
        return [c << 1 | 1 for c in now]
    if was == now:
        return []
    lines = [c << 1 for c in was if c not in now] + [c << 1 | 1 for c in now if c not in was]
    lines.sort()
    return lines


def posting(line: int) -> Posting:
    """A line spelled out."""
    return Posting(line >> 21, CLASSES[line >> 11 & CLASS_MASK], CLASSES[line >> 1 & CLASS_MASK], 1 if line & 1 else -1)
