"""Plain records and batches for the lane's unit tests."""

from collections.abc import Sequence
from dataclasses import dataclass

from streams.lane.records import Batch


@dataclass(frozen=True)
class PlainRecord:
    """What a lane looks at in a record."""

    offset: int
    key: bytes | None = b"k"
    value: bytes | None = b"v"
    topic: str = "in"
    partition: int = 0
    timestamp: int = 0


def batch(offsets: Sequence[int], start: int | None = None, next_offset: int | None = None) -> Batch:
    """A batch of these offsets; by default exactly from the first to the last."""
    first = offsets[0] if start is None else start
    return Batch(
        [PlainRecord(offset) for offset in offsets], first, offsets[-1] + 1 if next_offset is None else next_offset
    )
