"""The topics that the sink reads, what may be missing from each, and how its records become rows."""

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from schemas.codec import JournalCodec, OutputCodec, WireError
from schemas.handling import Handling
from schemas.notices import POSITION_KEY, Notice
from schemas.topics import TopicNames
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.refusals import Unreadable, Unwritable
from sinks.clickhouse.tables.alerts import alert_blocks
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.tables.dead_letters import REFUSED_BY_BOOK, dead_letter_blocks
from sinks.clickhouse.tables.handling import handling_blocks
from sinks.clickhouse.tables.journal import journal_blocks
from sinks.clickhouse.tables.ledger import ledger_blocks
from sinks.clickhouse.tables.limits import misfit
from sinks.clickhouse.tables.notices import notice_blocks
from sinks.clickhouse.tables.snapshots import snapshot_blocks

# Raised when rows are made of a record that decodes but has numbers without a meaning.
ROW_ERRORS = (LookupError, ValueError, TypeError, ArithmeticError)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Topic:
    """`blocks` makes the rows of a batch; it raises Unreadable or Unwritable with the first record that has none.
    `is_complete`: figures are wrong if a record is missing, so a new database must start at offset 0.
    `is_compacted`: Kafka may have removed records that have a newer one of the same key."""

    name: str
    blocks: Callable[[Batch], list[Block]]
    is_complete: bool = False
    is_compacted: bool = False


def topics(names: TopicNames) -> Mapping[str, Topic]:
    """The topics of one generation of the book, by their full names."""
    output = OutputCodec()
    journal = JournalCodec()
    made: tuple[Topic, ...] = (
        Topic(names.journal, _checked(lambda batch: _journal_blocks(batch, journal)), is_complete=True),
        Topic(
            names.ledger,
            _checked(lambda batch: ledger_blocks(_decoded(batch, output.decode_ledger))),
            is_complete=True,
        ),
        Topic(
            names.snapshots,
            _checked(lambda batch: snapshot_blocks(_decoded(batch, output.decode_snapshot))),
            is_compacted=True,
        ),
        Topic(names.alerts, _checked(lambda batch: alert_blocks(_decoded(batch, output.decode_alert)))),
        Topic(names.book_letters, _checked(lambda batch: _dead_letter_blocks(batch, output))),
        Topic(
            names.notices,
            _checked(lambda batch: notice_blocks([*_by_key(batch, _notice, without=(POSITION_KEY,))])),
            is_compacted=True,
        ),
        Topic(names.handling, _checked(lambda batch: handling_blocks([*_by_key(batch, _handling)])), is_compacted=True),
    )
    if names.book_letters != names.dead_letters:
        # The recorder's topic also has what the first generation of the book refused, which is left out.
        made += (
            Topic(names.dead_letters, _checked(lambda batch: _dead_letter_blocks(batch, output, REFUSED_BY_BOOK))),
        )
    return {topic.name: topic for topic in made}


def _checked(rows: Callable[[Batch], list[Block]]) -> Callable[[Batch], list[Block]]:
    """`rows`, but raising Unwritable with the record whose rows cannot be made or do not fit their columns."""

    def blocks(batch: Batch) -> list[Block]:
        made, reason = _tried(rows, batch)
        if not reason:
            return made
        # One by one, to find the record.
        for record in batch.records:
            alone = Range(batch.range.topic, batch.range.partition, record.offset, record.offset + 1)
            _, reason = _tried(rows, Batch.of(alone, [record]))
            if reason:
                raise Unwritable(alone.topic, alone.partition, record.offset, reason)
        raise AssertionError(f"{batch.range} leaves no rows, but each of its records does")

    return blocks


def _tried(rows: Callable[[Batch], list[Block]], batch: Batch) -> tuple[list[Block], str]:
    """The rows, or the reason why there are none."""
    try:
        blocks = rows(batch)
    except ROW_ERRORS as error:
        return [], f"no rows can be made of it ({type(error).__name__})"
    for block in blocks:
        if column := misfit(block):
            return [], f"column {column} of {block.table} does not hold its value"
    return blocks, ""


def _journal_blocks(batch: Batch, codec: JournalCodec) -> list[Block]:
    values = [record.value or b"" for record in batch.records]
    try:
        entries = codec.decode(values)
    except WireError:
        # One by one, to find the record.
        entries = _decoded(batch, lambda value: codec.decode([value])[0])
    offsets = [record.offset for record in batch.records]
    return journal_blocks(batch.range.partition, list(zip(offsets, entries, strict=True)))


def _dead_letter_blocks(batch: Batch, codec: OutputCodec, without: Container[str] = ()) -> list[Block]:
    """The rows, except those with the reasons in `without`."""
    offsets = [record.offset for record in batch.records]
    letters = zip(offsets, _decoded(batch, codec.decode_dead_letter), strict=True)
    return dead_letter_blocks(batch.range.partition, [at for at in letters if at[1].reason not in without])


def _by_key(
    batch: Batch, decode: Callable[[bytes], tuple[str, _T]], without: Container[bytes | None] = ()
) -> Iterator[tuple[int, str, _T | None]]:
    """(offset, key, decoded record) of each record in JSON, except those with a key in `without`; None is a tombstone.
    `decode` also gives the id in the record, which must be the key. Raises Unreadable with the first that does not
    decode."""
    for record in batch.records:
        if record.key in without:
            continue
        if record.value is None:
            yield record.offset, (record.key or b"").decode(errors="replace"), None
            continue
        try:
            key, decoded = decode(record.value)
        except (ValueError, RecursionError) as error:
            raise _unreadable(batch, record.offset, type(error).__name__) from error
        if key.encode() != record.key:
            raise _unreadable(batch, record.offset, "its key is another one")
        yield record.offset, key, decoded


def _notice(value: bytes) -> tuple[str, Notice]:
    notice = Notice.decode(value)
    return notice.notice_id, notice


def _handling(value: bytes) -> tuple[str, Handling]:
    handling = Handling.decode(value)
    return handling.handling_id, handling


def _decoded(batch: Batch, decode: Callable[[bytes], _T]) -> list[_T]:
    """The decoded records. Raises Unreadable with the first that does not decode."""
    decoded = []
    for record in batch.records:
        try:
            decoded.append(decode(record.value or b""))
        except WireError as error:
            raise _unreadable(batch, record.offset, type(error).__name__) from error
    return decoded


def _unreadable(batch: Batch, offset: int, why: str) -> Unreadable:
    reason = f"it is no record of this topic ({why})"
    return Unreadable(batch.range.topic, batch.range.partition, offset, reason)
