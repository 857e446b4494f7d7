"""Rounds: every row runs once, then every row runs again, so a busy minute of the machine affects all rows alike."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from tests.bench.load import Load
from tests.bench.row import Row


class Measured(NamedTuple):
    """The figures of a row, one for each round."""

    row: Row
    figures: list[float]

    @property
    def median(self) -> float:
        return median(self.figures)


def measure(rows: Sequence[Row], load: Load, rounds: int, tell: Callable[[str], None]) -> list[Measured]:
    """Measure all rows in alternating rounds."""
    prepared = [(Measured(row, []), row.prepare(load)) for row in rows]
    for number in range(rounds):
        due = [one for one in prepared if one[0].row.rounds_max is None or number < one[0].row.rounds_max]
        for measured, once in due:
            tell(f"round {number + 1} of {rounds}: {measured.row.name}")
            measured.figures.append(once())
    return [measured for measured, _ in prepared]
