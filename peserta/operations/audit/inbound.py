"""Accounting for every record published: each one that the recorder consumed has exactly one disposition."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.position import Source, SourcePosition
from peserta.operations.audit.reading import TopicReader, read_as
from peserta.operations.kafka_reading import no_broker
from schemas.admission import REASONS
from schemas.codec import OutputCodec
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.records import Coordinates
from streams.settings import StreamSettings


@dataclass
class Consumed:
    """One inbound partition: the recorder's position, and the dispositions of the records from `since` to there."""

    source: Source
    next_offset: int
    first_kept: int
    since: SourcePosition = field(default_factory=SourcePosition)
    records: int = 0  # consumed and still in the topic
    in_journal: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)
    position: SourcePosition = field(default_factory=SourcePosition)  # where the next audit begins


async def committed_offsets(kafka: Brokers, group: str) -> dict[Source, int]:
    """(topic, partition) -> the offset that a group has committed."""
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        await admin.start()
    except KafkaConnectionError as error:
        raise no_broker(kafka) from error
    try:
        found = await admin.list_consumer_group_offsets(group)
        return {(tp.topic, tp.partition): at.offset for tp, at in found.items() if at.offset >= 0}
    finally:
        await admin.close()


class Letter(NamedTuple):
    """A record that the recorder refused, the reason, and the place of its dead letter."""

    reason: str
    partition: int
    offset: int
    field: str | None = None
    rule: str | None = None


async def recorder_letters(
    settings: StreamSettings,
    reader: TopicReader,
    partitions: Iterable[int],
    starts: Mapping[int, int] | None = None,
) -> dict[Coordinates, Letter]:
    """Source coordinates -> the recorder's dead letter, recognised by its reason; the book-keeper's are left out.

    `starts`: partition of the dead letters -> offset from which to read; without it, all.
    """
    codec = OutputCodec()
    letters: dict[Coordinates, Letter] = {}
    for partition in partitions:
        start = (starts or {}).get(partition, 0)
        async for record in reader.records(settings.topics.dead_letters, partition, start=start):
            letter = read_as(codec.decode_dead_letter, record)
            if letter.reason in REASONS:
                # Keep one per record: a recorder that reads a record again refuses it again.
                letters[letter.came_from] = Letter(letter.reason, partition, record.offset, letter.field, letter.rule)
    return letters


async def account(
    settings: StreamSettings,
    reader: TopicReader,
    kept: Sequence[PartitionAudited],
    letters: Mapping[Coordinates, Letter],
    committed: Mapping[Source, int],
    since: Mapping[Source, SourcePosition] | None = None,
) -> tuple[list[Consumed], list[Finding]]:
    """Every inbound partition of facts: consumed records, dispositions, and records with none or two dispositions."""
    consumed, findings = [], []
    for topic in settings.inbound_names:
        for partition in range(settings.partitions):
            source = topic, partition
            position = (since or {}).get(source, SourcePosition())
            first_kept = (await reader.stretch(topic, partition)).begin
            one = Consumed(source, committed.get(source, 0), first_kept, position)
            findings.append(await _account_one(reader, one, kept, letters))
            consumed.append(one)
    return consumed, findings


async def _account_one(
    reader: TopicReader, one: Consumed, kept: Sequence[PartitionAudited], letters: Mapping[Coordinates, Letter]
) -> Finding:
    topic, partition = one.source
    finding = Finding("every record consumed has one disposition", f"{topic}-{partition}")
    places, refused = _dispositions(one, kept, letters)
    begin, end = one.since.settled_next, one.next_offset
    one.in_journal = sum(begin <= offset < end for offset in places)
    one.dead_letters = Counter(reason for offset, reason in refused.items() if offset < end)
    published = {record.offset async for record in reader.records(topic, partition, start=begin, end=end)}
    one.records = finding.compared = len(published)
    for offset in sorted(published):
        times = places[offset] + (offset in refused)
        if times != 1:
            finding.wrong("missing" if times == 0 else "extra", f"offset {offset} has {times} dispositions")
    for offset in sorted(places.keys() | refused.keys()):
        if max(begin, one.first_kept) <= offset < end and offset not in published:
            finding.wrong("extra", f"offset {offset} has a disposition, and is no record")
        elif one.first_kept <= offset < begin:
            finding.wrong("extra", f"offset {offset} has {places[offset] + 1} dispositions")
    one.position = _settled(one, kept, published, places, refused)
    return finding


def _dispositions(
    one: Consumed, kept: Sequence[PartitionAudited], letters: Mapping[Coordinates, Letter]
) -> tuple[Counter[int], dict[int, str]]:
    """Offsets in the journal with how often, and offsets refused with the reason, as far as they are not settled."""
    places = Counter(one.since.ahead)
    for book in kept:
        places.update(book.recorded.get(one.source, ()))
    refused = dict(one.since.refused_ahead)
    for at, letter in letters.items():
        if (at.topic, at.partition) == one.source and at.offset >= one.since.settled_next:
            refused.setdefault(at.offset, letter.reason)
    # A record that was recorded, and refused when it was read again (its range had passed), counts as recorded.
    return places, {offset: reason for offset, reason in refused.items() if offset not in places}


def _settled(
    one: Consumed, kept: Sequence[PartitionAudited], published: set[int], places: Counter[int], refused: dict[int, str]
) -> SourcePosition:
    """The position before the first record that is not consumed or not yet in the book: the next audit begins there."""
    awaited = [offset for book in kept for offset in book.awaited.get(one.source, ())]
    until = max(one.since.settled_next, min([one.next_offset, *awaited]))
    settled = [offset for offset in places if one.since.settled_next <= offset < until]
    reasons = Counter(reason for offset, reason in refused.items() if offset < until)
    return SourcePosition(
        settled_next=until,
        ahead=tuple(sorted(offset for offset in places.keys() - set(awaited) if offset >= until)),
        refused_ahead={offset: reason for offset, reason in sorted(refused.items()) if offset >= until},
        records=one.since.records + sum(offset < until for offset in published),
        in_journal=one.since.in_journal + len(settled),
        dead_letters=dict(Counter(one.since.dead_letters) + reasons),
    )
