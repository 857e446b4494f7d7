"""The topics that the sink reads, what may be missing of each, and how its records become rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from schemas.codec import JournalCodec, OutputCodec, WireError
from schemas.topics import ALERTS, DEAD_LETTERS, JOURNAL, LEDGER, SNAPSHOTS
from schemas.wire import AVRO_ERRORS
from sinks.faults import Unreadable
from sinks.ranges import Batch
from sinks.tables.alerts import alert_blocks
from sinks.tables.block import Block
from sinks.tables.dead_letters import dead_letter_blocks
from sinks.tables.journal import journal_blocks
from sinks.tables.ledger import ledger_blocks
from sinks.tables.snapshots import snapshot_blocks

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Topic:
    """`is_complete`: figures are wrong if a record is missing, so a new database begins at offset 0 or not at all.
    `is_compacted`: records go missing when a newer one of their key is there, and that is in order."""

    name: str
    blocks: Callable[[Batch], list[Block]]
    is_complete: bool = False
    is_compacted: bool = False


def topics(prefix: str = "") -> Mapping[str, Topic]:
    """The topics by their full names."""
    output = OutputCodec()
    journal = JournalCodec()
    made = (
        Topic(JOURNAL, lambda batch: _journal_blocks(batch, journal), is_complete=True),
        Topic(LEDGER, lambda batch: ledger_blocks(_decoded(batch, output.decode_ledger)), is_complete=True),
        Topic(
            SNAPSHOTS,
            lambda batch: snapshot_blocks(_decoded(batch, output.decode_snapshot)),
            is_compacted=True,
        ),
        Topic(ALERTS, lambda batch: alert_blocks(_decoded(batch, output.decode_alert))),
        Topic(DEAD_LETTERS, lambda batch: _dead_letter_blocks(batch, output)),
    )
    return {prefix + topic.name: topic for topic in made}


def _journal_blocks(batch: Batch, codec: JournalCodec) -> list[Block]:
    values = [record.value or b"" for record in batch.records]
    try:
        entries = codec.decode(values)
    except (WireError, *AVRO_ERRORS):
        # One by one, to say which it is.
        entries = _decoded(batch, lambda value: codec.decode([value])[0])
    offsets = [record.offset for record in batch.records]
    return journal_blocks(batch.range.partition, list(zip(offsets, entries, strict=True)))


def _dead_letter_blocks(batch: Batch, codec: OutputCodec) -> list[Block]:
    offsets = [record.offset for record in batch.records]
    letters = _decoded(batch, codec.decode_dead_letter)
    return dead_letter_blocks(batch.range.partition, list(zip(offsets, letters, strict=True)))


def _decoded(batch: Batch, decode: Callable[[bytes], _T]) -> list[_T]:
    """The records, decoded; Unreadable names the first that does not decode."""
    decoded = []
    for record in batch.records:
        try:
            decoded.append(decode(record.value or b""))
        except (WireError, *AVRO_ERRORS) as error:
            raise Unreadable(batch.range.topic, batch.range.partition, record.offset, error) from error
    return decoded
