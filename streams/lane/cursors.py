"""Cursors: up to which offset a partition's state contains each source, and where reading therefore starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.lane.records import Record
from streams.lane.stop import LaneFault, Refused

RESERVED = b"@"  # the prefix of row keys that belong to the lane
CURSOR_PREFIX = RESERVED + b"cursor "


@dataclass(frozen=True, slots=True)
class SourceLog:
    """A source partition as the broker reports it: first retained offset, last stable offset, the group's offset."""

    topic: str
    partition: int
    begin: int
    end: int
    committed: int | None

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


def cursor_row(topic: str, offset: int) -> tuple[bytes, bytes]:
    """The row that records that the state contains this topic's partition up to and including `offset`."""
    return CURSOR_PREFIX + topic.encode(), str(offset).encode()


def read_cursor(key: bytes, value: bytes) -> tuple[str, int]:
    """Topic and offset of a cursor row."""
    return key.removeprefix(CURSOR_PREFIX).decode(), int(value)


def refuse_reserved(changed: Mapping[bytes, bytes | None]) -> None:
    """Raise LaneFault if a step changes rows that belong to the lane."""
    if any(key.startswith(RESERVED) for key in changed):
        raise LaneFault(f"a step changed a row that begins with {RESERVED!r}, which is the lane's own")


def above(records: Sequence[Record], cursor: int) -> Sequence[Record]:
    """The records after the cursor, in order."""
    if not records or records[0].offset > cursor:
        return records
    return [record for record in records if record.offset > cursor]


def start_after_cursor(log: SourceLog, cursor: int | None) -> int:
    """Where a lane with state starts: after the cursor. The group's offset only shows whether there should be a cursor.

    Raises Refused if a group's offset exists without a cursor, or if the start is outside the topic.
    """
    if cursor is None:
        if log.committed is not None:
            raise Refused(
                f"{log}: offset {log.committed} is committed, but the state has no cursor: its changelog was lost. "
                "To rebuild the state from the source (a book's: `peserta rebuild --state`), start under a new app id, "
                "or delete the consumer group's offsets and the partition's changelog and outputs"
            )
        return log.begin
    return _kept(log, cursor + 1, "the state's cursor")


def start_after_commit(log: SourceLog) -> int:
    """Where a lane without state starts: at the group's offset, or else at the first retained offset.

    Raises Refused if the group's offset is outside the topic.
    """
    return log.begin if log.committed is None else _kept(log, log.committed, "the group's offset")


def _kept(log: SourceLog, start: int, said_by: str) -> int:
    if start < log.begin:
        raise Refused(
            f"{log}: {said_by} continues at {start}, but the topic begins at {log.begin}: records were deleted unread. "
            "Restore them, or rebuild under a new app id knowing that they are missing"
        )
    if start > log.end:
        raise Refused(
            f"{log}: {said_by} continues at {start}, but the topic ends at {log.end}: it was truncated or recreated. "
            "Restore it, or rebuild under a new app id"
        )
    return start
