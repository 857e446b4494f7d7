"""A scenario: its name, what it does to a world while facts flow, and what it needs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.chaos.world import REPLAY, World

WALL: Final = "wall"
PIECE: Final = 40  # facts published at a time

Act = Callable[[World], None]


@dataclass(frozen=True)
class Scenario:
    """`nodes` of Kafka; the book's `clock`; `alone`: nothing else on the same book; `goes_on`: whether the world can be
    judged at the end (else the act itself judges, alone)."""

    name: str
    act: Act
    nodes: int = 1
    clock: str = REPLAY
    alone: bool = False
    goes_on: bool = True

    @property
    def ground(self) -> tuple[int, str, bool]:
        """What scenarios on the same book must have in common."""
        return self.nodes, self.clock, self.alone
