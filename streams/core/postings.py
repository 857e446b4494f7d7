"""What is posted (SEMANTICS 4): the lines from one timeline to another. schemas.ledger_lines has their numbers."""

from schemas.ledger_lines import HOLDS, Change, Line, Pair

DayRow = dict[Pair, int]  # the postings of a date: pair of classes -> sum of quantities


def difference(was: list[Change], now: list[Change]) -> list[Line]:
    """The lines that lead from one sorted list of changes to another, sorted. A change in both is not posted."""
    if not was:
        return [c << 1 | HOLDS for c in now]
    if was == now:
        return []
    lines = [c << 1 for c in was if c not in now] + [c << 1 | HOLDS for c in now if c not in was]
    lines.sort()
    return lines


def difference_of_many(was: list[Change], now: list[Change]) -> list[Line]:
    """As `difference`, in linear time: a timeline has no change twice."""
    before, after = set(was), set(now)
    return sorted([c << 1 for c in before - after] + [c << 1 | HOLDS for c in after - before])
