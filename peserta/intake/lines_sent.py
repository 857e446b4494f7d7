"""What became of lines that were sent: from their acknowledgements, the journal, the dead letters and the ledger."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from schemas.records import Coordinates
from schemas.vocabulary import APPLIED, DUPLICATE, ID_CONFLICT, NO_EFFECT, TOO_MANY_FACTS


class Fate(IntEnum):
    """Where a line is that a broker acknowledged."""

    SENT = 0  # the recorder has not come to it
    RECORDED = 1  # it is in the journal, and the book-keeper has not come to it
    APPLIED = 2
    NO_EFFECT = 3
    DUPLICATE = 4
    REFUSED_BY_RECORDER = 5
    ID_CONFLICT = 6
    TOO_MANY_FACTS = 7


OF_DISPOSITION: Final[Mapping[str, Fate]] = {
    APPLIED: Fate.APPLIED,
    NO_EFFECT: Fate.NO_EFFECT,
    DUPLICATE: Fate.DUPLICATE,
    ID_CONFLICT: Fate.ID_CONFLICT,
    TOO_MANY_FACTS: Fate.TOO_MANY_FACTS,
}
REFUSED_BY_BOOK: Final = frozenset((Fate.ID_CONFLICT, Fate.TOO_MANY_FACTS))


class _Places:
    """Offsets of one partition, and the line of each. They nearly always come in order."""

    __slots__ = ("lines", "offsets")

    def __init__(self) -> None:
        self.offsets, self.lines = array("q"), array("q")

    def add(self, offset: int, line: int) -> None:
        """A further offset."""
        at = len(self.offsets)
        if at and offset < self.offsets[-1]:
            at = bisect_left(self.offsets, offset)
        self.offsets.insert(at, offset)
        self.lines.insert(at, line)

    def line(self, offset: int) -> int | None:
        at = bisect_left(self.offsets, offset)
        return self.lines[at] if at < len(self.offsets) and self.offsets[at] == offset else None


class Sent(NamedTuple):
    """A line that was sent: its number, and what became of it."""

    number: int
    fate: Fate


class LinesSent:
    """Every line that was acknowledged, some forty bytes each.

    The recorder may write a line into the journal twice; the first entry counts, as the book passes over the second.
    What others sent is passed over. A record that is told twice changes nothing.
    """

    def __init__(self) -> None:
        self._numbers = array("q")
        self._fates = bytearray()
        self._sources: dict[tuple[str, int], _Places] = {}
        self._journal: dict[int, _Places] = {}
        self._counts: Counter[Fate] = Counter()

    def __len__(self) -> int:
        return len(self._numbers)

    def counts(self) -> Counter[Fate]:
        """How many lines have each fate."""
        return +self._counts

    def count(self, fate: Fate) -> int:
        """How many lines have this fate."""
        return self._counts[fate]

    def acknowledged(self, number: int, at: Coordinates) -> None:
        """The broker has taken a line."""
        places = self._sources.setdefault((at.topic, at.partition), _Places())
        places.add(at.offset, len(self._numbers))
        self._numbers.append(number)
        self._fates.append(Fate.SENT)
        self._counts[Fate.SENT] += 1

    def recorded(self, came_from: Coordinates, partition: int, offset: int) -> bool:
        """An entry of the journal stands there; whether that is news of one of these lines. It holds against a dead
        letter: the recorder judged the record a second time, with other settings or at another time."""
        line = self._sent(came_from)
        if line is None or self._fates[line] not in (Fate.SENT, Fate.REFUSED_BY_RECORDER):
            return False
        self._journal.setdefault(partition, _Places()).add(offset, line)
        self._become(line, Fate.RECORDED)
        return True

    def refused_by_recorder(self, came_from: Coordinates) -> Sent | None:
        """There is a dead letter of the recorder's; the line if that is news of one of these."""
        line = self._sent(came_from)
        if line is None or self._fates[line] != Fate.SENT:
            return None
        return self._become(line, Fate.REFUSED_BY_RECORDER)

    def kept(self, partition: int, offset: int, disposition: str) -> Sent | None:
        """The ledger has a record of this entry of the journal; the line if that is news of one of these."""
        places = self._journal.get(partition)
        line = None if places is None else places.line(offset)
        if line is None or self._fates[line] != Fate.RECORDED:
            return None
        return self._become(line, OF_DISPOSITION[disposition])

    def fate(self, came_from: Coordinates) -> Fate | None:
        """What has become of the line that stands there; None for somebody else's record."""
        line = self._sent(came_from)
        return None if line is None else Fate(self._fates[line])

    def _sent(self, came_from: Coordinates) -> int | None:
        places = self._sources.get((came_from.topic, came_from.partition))
        return None if places is None else places.line(came_from.offset)

    def _become(self, line: int, fate: Fate) -> Sent:
        self._counts[Fate(self._fates[line])] -= 1
        self._counts[fate] += 1
        self._fates[line] = fate
        return Sent(self._numbers[line], fate)
