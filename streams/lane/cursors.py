"""Cursors: how far each source is contained in a partition's state, and where reading starts because of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streams.lane.records import Record
from streams.lane.stop import LaneFault, Refused

RESERVED = b"@"  # rows whose keys begin so are the lane's own
CURSOR_PREFIX = RESERVED + b"cursor "


@dataclass(frozen=True, slots=True)
class SourceLog:
    """What the broker says of a source partition: first offset kept, end of what is committed, the group's offset."""

    topic: str
    partition: int
    begin: int
    end: int
    committed: int | None

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


def cursor_row(topic: str, offset: int) -> tuple[bytes, bytes]:
    """The row that says: everything up to `offset` of this topic's partition is contained."""
    return CURSOR_PREFIX + topic.encode(), str(offset).encode()


def read_cursor(key: bytes, value: bytes) -> tuple[str, int]:
    """Topic and offset of a cursor row."""
    return key.removeprefix(CURSOR_PREFIX).decode(), int(value)


def refuse_reserved(changed: Mapping[bytes, bytes | None]) -> None:
    """Raise LaneFault if a step changes rows that are the lane's own."""
    if any(key.startswith(RESERVED) for key in changed):
        raise LaneFault(f"a step changed a row that begins with {RESERVED!r}, which is the lane's own")


def above(records: Sequence[Record], cursor: int) -> Sequence[Record]:
    """The records after the cursor, in order."""
    if not records or records[0].offset > cursor:
        return records
    return [record for record in records if record.offset > cursor]


def start_after_cursor(log: SourceLog, cursor: int | None) -> int:
    """Where a lane with state starts. The cursor decides; the group's offset only shows whether there should be one.

    Raises Refused when state and source do not fit each other.
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
    """Where a lane without state starts: at the group's offset, else at the first record kept. Raises Refused."""
    return log.begin if log.committed is None else _kept(log, log.committed, "the group's offset")


def _kept(log: SourceLog, start: int, said_by: str) -> int:
    if start < log.begin:
        raise Refused(
            f"{log}: {said_by} continues at {start}, but the topic begins at {log.begin}: records were deleted unread. "
            "Restore them, or rebuild under a new app id knowing that they are missing"
        )
    if start > log.end:
        raise Refused(
            f"{log}: {said_by} continues at {start}, but the topic ends at {log.end}: it was cut or made anew. "
            "Restore it, or rebuild under a new app id"
        )
    return start
