"""All random choices of a schedule, from one seed: the fate of each request and of its sender."""

from collections.abc import Callable
from enum import Enum
from random import Random
from typing import Final

SOON_S: Final = (0.0002, 0.004)
LATE_S: Final = (0.05, 0.9)  # shorter than a client's timeout, so that no request arrives after its retry
STOPPED_S: Final = (0.5, 14.0)  # mostly longer than a session
DEATHS_MAX: Final = 8  # of one schedule
RATES: Final = (0.0, 0.001, 0.004, 0.012)


class Fate(Enum):
    """The fate of one request."""

    ANSWERED = "is answered"
    LOST = "never arrives"
    ANSWER_LOST = "is done, and the answer is lost"
    DIES_BEFORE = "is not sent: the process dies"
    DIES_WAITING = "is on its way when the process dies"
    DIES_AFTER = "is answered, and the process dies"
    STOPS = "is on its way when the process stands still"


FAULTS: Final = tuple(fate for fate in Fate if fate is not Fate.ANSWERED)
DEADLY: Final = frozenset((Fate.DIES_BEFORE, Fate.DIES_WAITING, Fate.DIES_AFTER, Fate.STOPS))


class Chance:
    """The only source of random choices of a schedule. It reports each choice to `trace`."""

    def __init__(self, seed: int, trace: Callable[[str], None] | None = None) -> None:
        self.rng = Random(seed)
        self.is_calm = False
        self.trace = trace
        self.faults: dict[str, int] = {}
        self._deaths_left = self.rng.randrange(DEATHS_MAX + 1)
        rates = {fate: self.rng.choice(RATES) for fate in FAULTS}
        self._edges = [(fate, sum(list(rates.values())[: i + 1])) for i, fate in enumerate(FAULTS)]
        self._late = self.rng.choice((0.0, 0.02, 0.15))

    def fate(self) -> Fate:
        """The fate of the next request."""
        if self.is_calm:
            return Fate.ANSWERED
        at = self.rng.random()
        if at >= self._edges[-1][1]:
            return Fate.ANSWERED
        fate = next(fate for fate, edge in self._edges if at < edge)
        if fate in DEADLY:
            if not self._deaths_left:
                return Fate.ANSWERED
            self._deaths_left -= 1
        self.note(fate.name)
        return fate

    def note(self, fault: str) -> None:
        """Count a fault."""
        self.faults[fault] = self.faults.get(fault, 0) + 1
        if self.trace is not None:
            self.trace(fault)

    def delay_s(self) -> float:
        """The delay of one direction of a request, or of a transaction's marker."""
        late = not self.is_calm and self.rng.random() < self._late
        return self.rng.uniform(*(LATE_S if late else SOON_S))

    def standstill_s(self) -> float:
        return self.rng.uniform(*STOPPED_S)

    def happens(self, rate: float) -> bool:
        """Whether an event with this rate happens now."""
        return not self.is_calm and self.rng.random() < rate
