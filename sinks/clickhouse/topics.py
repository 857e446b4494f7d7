"""The topics that the sink reads, what may be missing of each, and how its records become rows."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import TypeVar

from schemas.codec import JournalCodec, OutputCodec, WireError
from schemas.topics import TopicNames
from schemas.wire import AVRO_ERRORS
from sinks.clickhouse.faults import Unreadable
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.tables.alerts import alert_blocks
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.tables.dead_letters import REFUSED_BY_BOOK, dead_letter_blocks
from sinks.clickhouse.tables.journal import journal_blocks
from sinks.clickhouse.tables.ledger import ledger_blocks
from sinks.clickhouse.tables.snapshots import snapshot_blocks

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Topic:
    """`is_complete`: figures are wrong if a record is missing, so a new database begins at offset 0 or not at all.
    `is_compacted`: records go missing when a newer one of their key is there, and that is in order."""

    name: str
    blocks: Callable[[Batch], list[Block]]
    is_complete: bool = False
    is_compacted: bool = False


def topics(names: TopicNames) -> Mapping[str, Topic]:
    """The topics of one generation of the book, by their full names."""
    output = OutputCodec()
    journal = JournalCodec()
    made: tuple[Topic, ...] = (
        Topic(names.journal, lambda batch: _journal_blocks(batch, journal), is_complete=True),
        Topic(names.ledger, lambda batch: ledger_blocks(_decoded(batch, output.decode_ledger)), is_complete=True),
        Topic(
            names.snapshots,
            lambda batch: snapshot_blocks(_decoded(batch, output.decode_snapshot)),
            is_compacted=True,
        ),
        Topic(names.alerts, lambda batch: alert_blocks(_decoded(batch, output.decode_alert))),
        Topic(names.book_letters, lambda batch: _dead_letter_blocks(batch, output)),
    )
    if names.book_letters != names.dead_letters:
        # What the first generation of the book refused is in the recorder's topic, and not this generation's.
        made += (Topic(names.dead_letters, lambda batch: _dead_letter_blocks(batch, output, REFUSED_BY_BOOK)),)
    return {topic.name: topic for topic in made}


def _journal_blocks(batch: Batch, codec: JournalCodec) -> list[Block]:
    values = [record.value or b"" for record in batch.records]
    try:
        entries = codec.decode(values)
    except (WireError, *AVRO_ERRORS):
        # One by one, to say which it is.
        entries = _decoded(batch, lambda value: codec.decode([value])[0])
    offsets = [record.offset for record in batch.records]
    return journal_blocks(batch.range.partition, list(zip(offsets, entries, strict=True)))


def _dead_letter_blocks(batch: Batch, codec: OutputCodec, without: Container[str] = ()) -> list[Block]:
    """The rows, without those of some reasons."""
    offsets = [record.offset for record in batch.records]
    letters = zip(offsets, _decoded(batch, codec.decode_dead_letter), strict=True)
    return dead_letter_blocks(batch.range.partition, [at for at in letters if at[1].reason not in without])


def _decoded(batch: Batch, decode: Callable[[bytes], _T]) -> list[_T]:
    """The records, decoded; Unreadable names the first that does not decode."""
    decoded = []
    for record in batch.records:
        try:
            decoded.append(decode(record.value or b""))
        except (WireError, *AVRO_ERRORS) as error:
            raise Unreadable(batch.range.topic, batch.range.partition, record.offset, error) from error
    return decoded
