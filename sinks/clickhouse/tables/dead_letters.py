"""Rows of the dead letters' topic: the reason and the source coordinates, never the refused content."""

from collections.abc import Sequence

from schemas.records import DeadLetter
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from sinks.clickhouse.tables.block import Block, block

REFUSED_BY_BOOK = frozenset((ID_CONFLICT.removeprefix("dead_letter:"), TOO_MANY_FACTS.removeprefix("dead_letter:")))
COLUMNS = (
    "topic",
    "partition",
    "offset",
    "recorded_at",
    "reason",
    "field",
    "rule",
    "source",
    "event_id",
    "key_bytes",
    "value_bytes",
    "letter_partition",
    "letter_offset",
    "by_book",
)


def dead_letter_blocks(partition: int, letters: Sequence[tuple[int, DeadLetter]]) -> list[Block]:
    """The rows of these (offset, letter) of one partition."""
    rows = [
        (
            *letter.came_from,
            letter.recorded_at,
            letter.reason,
            letter.field,
            letter.rule,
            letter.source,
            letter.event_id,
            letter.key_bytes,
            letter.value_bytes,
            partition,
            offset,
            letter.reason in REFUSED_BY_BOOK,
        )
        for offset, letter in letters
    ]
    return list(block("dead_letter_records", COLUMNS, rows))
