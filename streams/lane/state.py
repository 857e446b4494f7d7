"""The state of the partitions: rows of bytes, cursors, and the changelog offset up to which they are complete."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from streams.lane.cursors import CURSOR_PREFIX, read_cursor
from streams.lane.records import Batch
from streams.lane.stop import LaneFault


class StoredRows(MutableMapping[bytes, bytes]):
    """The rows of one partition, in memory or on disk. Steps change them before their transactions are committed; the
    changelog is the source of truth.
    """

    @abstractmethod
    def take_in(
        self, changed: Mapping[bytes, bytes | None], cursors: Mapping[bytes, bytes], contained: int, newest_ms: int
    ) -> None:
        """Apply a part of the changelog: its rows and cursors, its last offset, and the timestamp of its newest
        record."""

    @abstractmethod
    def change(self, changed: Mapping[bytes, bytes | None]) -> None:
        """Apply a step's changes. `committed` follows for each step, in the order of the steps."""

    @abstractmethod
    def committed(self, lines: Sequence[tuple[bytes, bytes | None]], contained: int) -> None:
        """Record that a step's changes and cursor are committed, and that `contained` is the last of their offsets."""


class RowsInMemory(dict[bytes, bytes], StoredRows):
    """All rows in memory, including changes that are not committed yet."""

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
        """Nothing to do: `change` has applied them."""


@dataclass(slots=True)
class PartitionState:
    """One partition: `rows` as steps see them, `cursors` by source topic, and `contained`, the last offset of the
    changelog that is applied here (markers included; -1 for none). While it is open, only steps change it.
    """

    rows: StoredRows = field(default_factory=RowsInMemory)
    cursors: dict[str, int] = field(default_factory=dict)
    contained: int = -1
    is_open: bool = False

    def begin_at(self, begin: int, changelog: str) -> None:
        """Set the changelog's first retained offset. Raises LaneFault if offsets that are not applied yet were
        deleted."""
        if self.contained == -1:
            self.contained = begin - 1
        if self.contained < begin - 1:
            raise LaneFault(f"{changelog}: begins at {begin}, but contained only to {self.contained}")

    def read(self, batch: Batch, changelog: str) -> None:
        """Apply a batch of the changelog, skipping what is applied already.

        Raises LaneFault if there is a gap before it, or if another worker wrote while this partition was open here.
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
        """Apply a step's changes, and set the cursor of its source."""
        self.rows.change(changed)
        self.cursors[topic] = cursor

    def committed(self, lines: Sequence[tuple[bytes, bytes | None]], contained: int) -> None:
        """Record that a step's changes and cursor are committed, and that `contained` is the last of their offsets."""
        self.rows.committed(lines, contained)
        self.contained = contained


class States(Protocol):
    """Partition number -> state, for the partitions that this worker owns or is a standby for.

    `outlive_process`: the state survives the process and may be old, so `take_up` must be called for a partition first.
    """

    outlive_process: bool

    def take_up(self, partition: int, begin: int, end: int | None) -> None:
        """Prepare an assigned partition, active or standby. Its changelog holds [begin, end); `end` is None if another
        worker writes to it. Raises Refused if state and changelog do not fit.
        """

    def part(self, partition: int) -> PartitionState:
        """The state of a partition."""

    def drop(self, partition: int) -> None:
        """Close a partition that this worker neither owns nor is a standby for."""

    def partitions(self) -> set[int]:
        """The partitions of which there is a state."""

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions, for Faust's introspection."""

    def close(self) -> None:
        """Close everything at the end of the process."""


class StateInMemory:
    """All states in memory; dropping one discards it."""

    outlive_process = False

    def __init__(self) -> None:
        self._parts: dict[int, PartitionState] = {}

    def take_up(self, partition: int, begin: int, end: int | None) -> None:
        """Create an empty state if there is none yet."""
        self.part(partition)

    def part(self, partition: int) -> PartitionState:
        """The state of a partition; an empty one the first time."""
        return self._parts.setdefault(partition, PartitionState())

    def drop(self, partition: int) -> None:
        """Discard a partition's state."""
        self._parts.pop(partition, None)

    def partitions(self) -> set[int]:
        """The partitions of which there is a state."""
        return set(self._parts)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions."""
        return (item for part in self._parts.values() for item in part.rows.items())

    def close(self) -> None:
        """Nothing to close."""
