"""Rows of the dead letters' topic: why and where from, never what was in them."""

from collections.abc import Sequence

from schemas.records import DeadLetter
from sinks.tables.block import Block, block

COLUMNS = (
    "topic",
    "partition",
    "offset",
    "recorded_at",
    "reason",
    "source",
    "event_id",
    "key_bytes",
    "value_bytes",
    "letter_partition",
    "letter_offset",
)


def dead_letter_blocks(partition: int, letters: Sequence[tuple[int, DeadLetter]]) -> list[Block]:
    """The rows of these (offset, letter) of one partition."""
    rows = [
        (
            *letter.came_from,
            letter.recorded_at,
            letter.reason,
            letter.source,
            letter.event_id,
            letter.key_bytes,
            letter.value_bytes,
            partition,
            offset,
        )
        for offset, letter in letters
    ]
    return list(block("dead_letter_records", COLUMNS, rows))
