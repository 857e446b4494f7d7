"""The state of the partitions in memory: rows of bytes, cursors, and how far each changelog is contained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from streams.lane.cursors import CURSOR_PREFIX, read_cursor
from streams.lane.records import Batch, Record, Rows
from streams.lane.stop import LaneFault


@dataclass(slots=True)
class PartitionState:
    """One partition: `rows` as the steps see them, `cursors` by source topic, `contained` = last offset of the
    changelog that is in here (markers included), -1 for none. While it is open, only steps change it.
    """

    rows: Rows = field(default_factory=dict)
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
        self._apply(new, changelog)
        self.contained = max(self.contained, batch.next_offset - 1)

    def change(self, changed: Mapping[bytes, bytes | None], topic: str, cursor: int) -> None:
        """Take in what a step changed, and the cursor of its source."""
        for key, value in changed.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value
        self.cursors[topic] = cursor

    def _apply(self, records: Iterable[Record], changelog: str) -> None:
        rows = self.rows
        for record in records:
            key, value = record.key, record.value
            if key is None:
                raise LaneFault(f"{changelog}: the record at {record.offset} has no key")
            if key.startswith(CURSOR_PREFIX):
                self._apply_cursor(key, value)
            elif value is None:
                rows.pop(key, None)
            else:
                rows[key] = value

    def _apply_cursor(self, key: bytes, value: bytes | None) -> None:
        if value is None:
            raise LaneFault("a cursor was removed from a changelog")
        topic, offset = read_cursor(key, value)
        self.cursors[topic] = offset


class StateInMemory:
    """Partition number -> state, for the partitions that this worker owns or stands by for.

    A store for state larger than memory takes this class's place; it needs the same four methods.
    """

    def __init__(self) -> None:
        self._parts: dict[int, PartitionState] = {}

    def part(self, partition: int) -> PartitionState:
        """The state of a partition; an empty one the first time."""
        return self._parts.setdefault(partition, PartitionState())

    def drop(self, partition: int) -> None:
        """Forget a partition that is no longer ours in any role."""
        self._parts.pop(partition, None)

    def partitions(self) -> set[int]:
        """The partitions of which there is a state."""
        return set(self._parts)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions, for Faust's introspection."""
        return (item for part in self._parts.values() for item in part.rows.items())
