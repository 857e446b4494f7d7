"""The alerts of one generation in memory, and positions in them that hold in every process and generation.

A position says for each partition of the journal which entry's alerts were seen last, and how many of them. The journal
is the same for all generations and only grows, so a position stays good after a restart, at another process of the
door, and after a rebuild.
"""

import base64
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from typing import Final, NamedTuple, TypeAlias

from schemas.records import Alert, Instant
from schemas.subscriptions import RESOLVED

CURSOR_LENGTH_MAX: Final = 20_000  # characters; a position in 1,000 partitions has less
NUMBER_MAX: Final = 1 << 63
VARINT_BYTES_MAX: Final = 9
CHECK_MASK: Final = 0xFFFF


class Mark(NamedTuple):
    """How far a partition was seen: the first `ordinal` alerts of the entry at `offset`, and all before that entry.

    `check` is a checksum of which alerts those were. It tells whether another generation has the same ones there.
    """

    offset: int
    ordinal: int
    check: int


Position: TypeAlias = Mapping[int, Mark]
BEGINNING: Final[Position] = {}


class Known(NamedTuple):
    """An alert with its place. The fields before `alert` order all alerts, those of a partition as in the topic.

    `at` is its time of recording, not before that of alerts before it in its partition.
    """

    at: Instant
    partition: int
    offset: int
    ordinal: int
    check: int
    alert: Alert

    @property
    def mark(self) -> Mark:
        """How far its partition was seen by who has seen this alert."""
        return Mark(self.offset, self.ordinal, self.check)


class WrongCursor(ValueError):
    """A text that is no cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A position, and the generation in which it was taken."""

    generation: int
    position: Position

    def after(self, known: Known) -> "Cursor":
        """The cursor once this alert was seen."""
        return Cursor(self.generation, {**self.position, known.partition: known.mark})

    def encode(self) -> str:
        """As text of letters, digits, `-` and `_`. Callers treat it as opaque."""
        numbers = [self.generation]
        for partition, mark in sorted(self.position.items()):
            numbers += (partition, *mark)
        packed = b"".join(map(_varint, numbers))
        return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> "Cursor":
        """Raises WrongCursor for a text that `encode` has not made."""
        numbers = _numbers(text)
        generation, rest = numbers[0], numbers[1:]
        marks = {
            partition: Mark(*mark)
            for partition, *mark in zip(rest[::4], rest[1::4], rest[2::4], rest[3::4], strict=False)
        }
        cursor = cls(generation, marks)
        if generation < 1 or cursor.encode() != text:
            raise WrongCursor("not a cursor of this service")
        return cursor


@dataclass(slots=True)
class AlertLog:
    """The alerts of a generation in the order of their topic, by partition and by company."""

    generation: int = 1
    _partitions: dict[int, list[Known]] = field(default_factory=dict)
    _companies: dict[str, list[Known]] = field(default_factory=dict)
    _episodes: dict[str, Known] = field(default_factory=dict)
    _entry: dict[int, set[tuple[str, str]]] = field(default_factory=dict)

    def take(self, alert: Alert) -> bool:
        """Add the next alert of its partition. Returns False for one that is there already."""
        partition, offset = alert.journal_partition, alert.journal_offset
        own = self._partitions.setdefault(partition, [])
        last = own[-1] if own else None
        identity = (alert.alert_id, alert.status)
        if last is not None and (
            offset < last.offset or (offset == last.offset and identity in self._entry[partition])
        ):
            return False
        goes_on = last is not None and offset == last.offset
        if not goes_on:
            self._entry[partition] = set()
        self._entry[partition].add(identity)
        ordinal, check = (last.ordinal, last.check) if last is not None and goes_on else (0, 0)
        at = alert.recorded_at if last is None else max(last.at, alert.recorded_at)
        known = Known(at, partition, offset, ordinal + 1, _checked(check, identity), alert)
        own.append(known)
        self._companies.setdefault(alert.company_id, []).append(known)
        self._episodes[alert.alert_id] = known
        return True

    def __len__(self) -> int:
        return sum(map(len, self._partitions.values()))

    def episode(self, alert_id: str) -> Alert | None:
        """The latest alert of an episode: its firing, or its end."""
        known = self._episodes.get(alert_id)
        return None if known is None else known.alert

    def is_over(self, alert_id: str) -> bool:
        """Whether the episode is known and has ended."""
        latest = self.episode(alert_id)
        return latest is not None and latest.status == RESOLVED

    def beginning(self) -> Cursor:
        """The cursor before all alerts."""
        return Cursor(self.generation, BEGINNING)

    def end(self) -> Cursor:
        """The cursor behind all alerts that are here."""
        return Cursor(self.generation, {n: own[-1].mark for n, own in self._partitions.items() if own})

    def after(self, cursor: Cursor, companies: Collection[str] | None = None) -> Iterator[Known]:
        """The alerts behind a cursor of this generation, oldest first; of these companies, or of all for None."""
        sources = (
            self._partitions.values()
            if companies is None
            else [self._companies[company] for company in companies if company in self._companies]
        )
        return merge(*(_behind(own, cursor.position.get(own[0].partition)) for own in sources if own))

    def placed(self, cursor: Cursor) -> Cursor:
        """A cursor of any generation as one of this generation.

        In another generation an entry that was seen in part may have other alerts. All of its alerts then come
        (again); if they are the same, none does.
        """
        if cursor.generation == self.generation:
            return cursor
        return Cursor(self.generation, {n: self._placed(n, mark) for n, mark in cursor.position.items()})

    def _placed(self, partition: int, mark: Mark) -> Mark:
        seen = next(_behind(self._partitions.get(partition, []), Mark(mark.offset, mark.ordinal - 1, 0)), None)
        is_same = seen is not None and seen.mark == mark
        return mark if is_same or mark.ordinal == 0 else Mark(mark.offset, 0, 0)


def _behind(own: list[Known], mark: Mark | None) -> Iterator[Known]:
    """The alerts of a sorted list behind a mark. The list may grow meanwhile."""
    index = 0 if mark is None else bisect_right(own, (mark.offset, mark.ordinal), key=_place)
    while index < len(own):
        yield own[index]
        index += 1


def _place(known: Known) -> tuple[int, int]:
    return known.offset, known.ordinal


def _checked(before: int, identity: tuple[str, str]) -> int:
    return zlib.crc32("\0".join(identity).encode(), before) & CHECK_MASK


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the last byte is below 128."""
    found = bytearray()
    while number >= 128:
        found.append(number & 127 | 128)
        number >>= 7
    found.append(number)
    return bytes(found)


def _numbers(text: str) -> list[int]:
    wrong = WrongCursor("not a cursor of this service")
    if not text or len(text) > CURSOR_LENGTH_MAX or not text.isascii():
        raise wrong
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise wrong from None
    numbers, number, shift = [], 0, 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte >= 128 and shift >= 7 * VARINT_BYTES_MAX:
            raise wrong
        if byte < 128:
            numbers.append(number)
            number, shift = 0, 0
    if not numbers or max(numbers) >= NUMBER_MAX:
        raise wrong
    return numbers
