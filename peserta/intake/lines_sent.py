"""The dispositions of sent lines, from acknowledgements, the journal, the dead letters and the ledger."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from schemas.records import Coordinates
from schemas.vocabulary import APPLIED, DUPLICATE, ID_CONFLICT, NO_EFFECT, TOO_MANY_FACTS


class Fate(IntEnum):
    """How far an acknowledged line has come."""

    SENT = 0  # the recorder has not processed it
    RECORDED = 1  # it is in the journal, and the book-keeper has not processed it
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
    """Offsets of one partition, and the line of each. They nearly always arrive in order."""

    __slots__ = ("lines", "offsets")

    def __init__(self) -> None:
        self.offsets, self.lines = array("q"), array("q")

    def add(self, offset: int, line: int) -> None:
        """Add an offset."""
        at = len(self.offsets)
        if at and offset < self.offsets[-1]:
            at = bisect_left(self.offsets, offset)
        self.offsets.insert(at, offset)
        self.lines.insert(at, line)

    def line(self, offset: int) -> int | None:
        at = bisect_left(self.offsets, offset)
        return self.lines[at] if at < len(self.offsets) and self.offsets[at] == offset else None


class Sent(NamedTuple):
    """A sent line: its number, and how far it has come."""

    number: int
    fate: Fate


class LinesSent:
    """Every acknowledged line, about 40 bytes each.

    The recorder may write a line to the journal twice. The first entry counts, because the book skips the second.
    Records of other publishers are ignored. Reporting a record twice changes nothing.
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
        """The broker has acknowledged a line."""
        places = self._sources.setdefault((at.topic, at.partition), _Places())
        places.add(at.offset, len(self._numbers))
        self._numbers.append(number)
        self._fates.append(Fate.SENT)
        self._counts[Fate.SENT] += 1

    def recorded(self, came_from: Coordinates, partition: int, offset: int) -> bool:
        """Report a journal entry; returns whether it is news of one of these lines. It overrides a dead letter, which
        the recorder wrote when it read the record again with other settings or at another time."""
        line = self._sent(came_from)
        if line is None or self._fates[line] not in (Fate.SENT, Fate.REFUSED_BY_RECORDER):
            return False
        self._journal.setdefault(partition, _Places()).add(offset, line)
        self._become(line, Fate.RECORDED)
        return True

    def refused_by_recorder(self, came_from: Coordinates) -> Sent | None:
        """Report a dead letter of the recorder; returns the line if it is news of one of these."""
        line = self._sent(came_from)
        if line is None or self._fates[line] != Fate.SENT:
            return None
        return self._become(line, Fate.REFUSED_BY_RECORDER)

    def kept(self, partition: int, offset: int, disposition: str) -> Sent | None:
        """Report a ledger record of a journal entry; returns the line if it is news of one of these."""
        places = self._journal.get(partition)
        line = None if places is None else places.line(offset)
        if line is None or self._fates[line] != Fate.RECORDED:
            return None
        return self._become(line, OF_DISPOSITION[disposition])

    def fate(self, came_from: Coordinates) -> Fate | None:
        """How far the line at these coordinates has come; None for a record of another publisher."""
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
