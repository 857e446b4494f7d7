"""A position: how far an audit has come, with all that the next audit needs to continue.

A position contains only what the audit itself has folded, and nothing that the service wrote. An audit that began from
the service's state would trust that state.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Final

from peserta.operations.audit.reading import TopicReader
from peserta.operations.failure import Failed, Rejected
from peserta.operations.folding_code import digest_of_code
from schemas.chain import GENESIS
from schemas.records import Coordinates
from streams.core.rows import FORMAT, Rows
from streams.settings import StreamSettings

Source = tuple[str, int]

JOURNAL, CHANGELOG, LEDGER, ALERTS, LETTERS = "journal", "changelog", "ledger", "alerts", "dead letters"
SNAPSHOTS: Final = "snapshots"  # compacted: a record that one audit saw may be gone at the next
BOOK_LETTERS: Final = "dead letters of the book"  # in the same topic as the recorder's in the first generation
TOPICS: Final = (JOURNAL, CHANGELOG, LEDGER, ALERTS, SNAPSHOTS, LETTERS, BOOK_LETTERS)
KEPT_FOR_EVER: Final = (JOURNAL, CHANGELOG, LEDGER, ALERTS)  # dead letters expire, so a position may lie before them
IN_CLICKHOUSE: Final = (JOURNAL, LEDGER, ALERTS, SNAPSHOTS, LETTERS)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The last audited record of a topic. The record must still be there when the next audit begins."""

    offset: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Carried:
    """Up to which offset ClickHouse was compared, in the topic and in the journal."""

    topic_next: int = 0
    journal_next: int = 0


@dataclass(frozen=True, slots=True)
class PartitionPosition:
    """One partition of the book: offsets by topic, the auditor's own rows, and counts since the beginning."""

    next: Mapping[str, int] = field(default_factory=lambda: dict.fromkeys(TOPICS, 0))
    last: Mapping[str, Anchor] = field(default_factory=dict)
    carried: Mapping[str, Carried] = field(default_factory=lambda: dict.fromkeys(IN_CLICKHOUSE, Carried()))
    head: bytes = GENESIS
    rows: Rows = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    dispositions: Mapping[str, int] = field(default_factory=dict)
    letters: Mapping[Coordinates, str] = field(default_factory=dict)  # the book's own: SHA-256, as they may be repeated


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """One inbound partition: every record before `settled_next` is accounted for.

    Of the records behind it, `ahead` are already in the journal, and `refused_ahead` (offset -> reason) are already
    dead letters.
    """

    settled_next: int = 0
    ahead: tuple[int, ...] = ()
    refused_ahead: Mapping[int, str] = field(default_factory=dict)
    records: int = 0
    in_journal: int = 0
    dead_letters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """The position of the whole book after an audit that found nothing wrong."""

    book: Mapping[str, Any]  # the book's identity and its rules
    partitions: Mapping[int, PartitionPosition]
    sources: Mapping[Source, SourcePosition] = field(default_factory=dict)

    @property
    def dispositions(self) -> Counter[str]:
        """Number of records since the beginning, by disposition."""
        counted: Counter[str] = Counter()
        for partition in self.partitions.values():
            counted.update(partition.dispositions)
        for source in self.sources.values():
            counted.update({f"dead_letter:{reason}": count for reason, count in source.dead_letters.items()})
        return counted


def book_of(settings: StreamSettings) -> dict[str, Any]:
    """The properties in which a book must agree with the position from which its audit continues."""
    return {
        "topics begin with": settings.topics.prefix,
        "generation": settings.topics.generation,
        "partitions": settings.partitions,
        "grace days": settings.grace_days,
        "format of the rows": FORMAT,
        "version of peserta": version("peserta"),
        "folding code": digest_of_code(),
    }


def beginning(settings: StreamSettings) -> Position:
    """The position before the first record; an audit from here is a full audit."""
    partitions = {partition: PartitionPosition() for partition in range(settings.partitions)}
    return Position(book_of(settings), partitions)


def topic_names(settings: StreamSettings) -> dict[str, str]:
    """A position's name for each topic -> the topic's name in Kafka."""
    topics = settings.topics
    letters = topics.dead_letters, topics.book_letters
    names = topics.journal, settings.changelog, topics.ledger, topics.alerts, topics.snapshots, *letters
    return dict(zip(TOPICS, names, strict=True))


def anchor(record: Any) -> Anchor:
    """The anchor of a consumed record."""
    return Anchor(record.offset, digest((record.key or b"") + b"\0" + (record.value or b"")))


def digest(value: bytes) -> str:
    """The SHA-256 digest in hexadecimal."""
    return hashlib.sha256(value).hexdigest()


async def check_fits(settings: StreamSettings, reader: TopicReader, position: Position) -> None:
    """Raises Failed if the position belongs to another book or other rules, or no longer matches the topics."""
    for name, value in book_of(settings).items():
        if position.book.get(name) != value:
            raise _refused(f"it was saved with {name}: {position.book.get(name)}; this is {value}")
    for partition, at in position.partitions.items():
        for name, topic in topic_names(settings).items():
            await _check_stretch(reader, name, topic, partition, at)


async def _check_stretch(
    reader: TopicReader, name: str, topic: str, partition: int, position: PartitionPosition
) -> None:
    begin, end = await reader.stretch(topic, partition)
    place, at = f"{topic}-{partition}", position.next[name]
    if at > end:
        raise _refused(f"it lies at offset {at} of {place}, which ends at {end}")
    if at < begin and name in KEPT_FOR_EVER:
        raise _refused(f"it lies at offset {at} of {place}, which begins at {begin}: records between are gone unread")
    last = position.last.get(name)
    if last is not None:
        found = [anchor(r) async for r in reader.records(topic, partition, start=last.offset, end=last.offset + 1)]
        if found != [last]:
            raise _refused(f"the record before it (offset {last.offset} of {place}) is another one or gone")


def _refused(why: str) -> Failed:
    return Rejected(
        f"This position is not one of this book: {why}. A full audit (without --since) says what holds, and saves a "
        "new position."
    )
