"""The state of the partitions: rows of bytes, cursors, and how far each changelog is contained."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.lane.cursors import CURSOR_PREFIX, read_cursor
from streams.lane.records import Batch
from streams.lane.stop import LaneFault


class StoredRows(MutableMapping[bytes, bytes]):
    """The rows of one partition, wherever they are. Steps change them ahead of their transactions; what counts is what
    the changelog says.
    """

    @abstractmethod
    def take_in(
        self, changed: Mapping[bytes, bytes | None], cursors: Mapping[bytes, bytes], contained: int, newest_ms: int
    ) -> None:
        """A stretch of the changelog was read: its rows, its cursors, the offset and the time of its end."""

    @abstractmethod
    def change(self, changed: Mapping[bytes, bytes | None]) -> None:
        """A step changed these rows. `committed` follows for each step, in the order of the steps."""

    @abstractmethod
    def committed(self, lines: Sequence[tuple[bytes, bytes | None]], contained: int) -> None:
        """A step's changes and its cursor are in the changelog, which is contained to this offset."""


class RowsInMemory(dict[bytes, bytes], StoredRows):
    """All rows in memory: they are as steps have left them."""

    def take_in(
        self, changed: Mapping[bytes, bytes | None], cursors: Mapping[bytes, bytes], contained: int, newest_ms: int
    ) -> None:
        """Change the rows."""
        self.change(changed)

    def change(self, changed: Mapping[bytes, bytes | None]) -> None:
        """Change the rows."""
        for key, value in changed.items():
            if value is None:
                self.pop(key, None)
            else:
                self[key] = value

    def committed(self, lines: Sequence[tuple[bytes, bytes | None]], contained: int) -> None:
        """They are here already."""


@dataclass(slots=True)
class PartitionState:
    """One partition: `rows` as the steps see them, `cursors` by source topic, `contained` = last offset of the
    changelog that is in here (markers included), -1 for none. While it is open, only steps change it.
    """

    rows: StoredRows = field(default_factory=RowsInMemory)
    cursors: dict[str, int] = field(default_factory=dict)
    contained: int = -1
    is_open: bool = False

    def begin_at(self, begin: int, changelog: str) -> None:
        """The changelog's first kept offset is `begin`. Raises LaneFault if something not yet contained is gone."""
        if self.contained == -1:
            self.contained = begin - 1
        if self.contained < begin - 1:
            raise LaneFault(f"{changelog}: begins at {begin}, but contained only to {self.contained}")

    def read(self, batch: Batch, changelog: str) -> None:
        """Take in a stretch of the changelog; what is contained already is passed over.

        Raises LaneFault when it does not follow what is contained, or if somebody else has written while this was open.
        """
        if batch.start > self.contained + 1:
            raise LaneFault(f"{changelog}: read from {batch.start}, but contained only to {self.contained}")
        new = [record for record in batch.records if record.offset > self.contained]
        if new and self.is_open:
            raise LaneFault(f"{changelog}: another worker wrote at {new[0].offset} while the partition was open here")
        contained = max(self.contained, batch.next_offset - 1)
        changed: dict[bytes, bytes | None] = {}
        cursors: dict[bytes, bytes] = {}
        for record in new:
            key, value = record.key, record.value
            if key is None:
                raise LaneFault(f"{changelog}: the record at {record.offset} has no key")
            if not key.startswith(CURSOR_PREFIX):
                changed[key] = value
            elif value is None:
                raise LaneFault("a cursor was removed from a changelog")
            else:
                cursors[key] = value
        if new:
            self.rows.take_in(changed, cursors, contained, new[-1].timestamp)
        self.cursors |= dict(read_cursor(*row) for row in cursors.items())
        self.contained = contained

    def change(self, changed: Mapping[bytes, bytes | None], topic: str, cursor: int) -> None:
        """Take in what a step changed, and the cursor of its source."""
        self.rows.change(changed)
        self.cursors[topic] = cursor

    def committed(self, lines: Sequence[tuple[bytes, bytes | None]], contained: int) -> None:
        """A step's changes and its cursor are in the changelog; the offset of the last of them is `contained`."""
        self.rows.committed(lines, contained)
        self.contained = contained


class States(Protocol):
    """Partition number -> state, for the partitions that this worker owns or stands by for.

    `outlive_process`: what is in them was perhaps put there long ago, so that a partition must be taken up first.
    """

    outlive_process: bool

    def take_up(self, partition: int, begin: int, end: int | None) -> None:
        """The partition is ours from now on, in whatever role; its changelog keeps [begin, end), None: somebody else
        writes to it. Raises Refused.
        """

    def part(self, partition: int) -> PartitionState:
        """The state of a partition."""

    def drop(self, partition: int) -> None:
        """Let go of a partition that is no longer ours in any role."""

    def partitions(self) -> set[int]:
        """The partitions of which there is a state."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions, for Faust's introspection."""

    def close(self) -> None:
        """Let go of everything: the process ends."""


class StateInMemory:
    """All states in memory; a dropped one is forgotten."""

    outlive_process = False

    def __init__(self) -> None:
        self._parts: dict[int, PartitionState] = {}

    def take_up(self, partition: int, begin: int, end: int | None) -> None:
        """An empty state, if there is none yet."""
        self.part(partition)

    def part(self, partition: int) -> PartitionState:
        """The state of a partition; an empty one the first time."""
        return self._parts.setdefault(partition, PartitionState())

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        self._parts.pop(partition, None)

    def partitions(self) -> set[int]:
        """The partitions of which there is a state."""
        return set(self._parts)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions."""
        return (item for part in self._parts.values() for item in part.rows.items())

    def close(self) -> None:
        """Nothing to let go of."""
