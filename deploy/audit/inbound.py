"""Accounting for every record published: each one that the recorder consumed has exactly one disposition."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]

from deploy.audit.findings import Finding
from deploy.audit.partition import Kept, Source
from deploy.audit.reading import TopicReader
from deploy.kafka_reading import no_broker
from schemas.codec import OutputCodec
from schemas.records import Coordinates
from streams.core.admission import REASONS
from streams.settings import StreamSettings


@dataclass
class Consumed:
    """One inbound partition: how far the recorder is, and what became of the records before that."""

    source: Source
    next_offset: int
    first_kept: int
    records: int = 0  # consumed and still in the topic
    in_journal: int = 0
    dead_letters: Counter[str] = field(default_factory=Counter)


async def committed_offsets(kafka: str, group: str) -> dict[Source, int]:
    """(topic, partition) -> the offset that a group has committed."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
    except KafkaConnectionError as error:
        raise no_broker(kafka) from error
    try:
        found = await admin.list_consumer_group_offsets(group)
        return {(tp.topic, tp.partition): at.offset for tp, at in found.items() if at.offset >= 0}
    finally:
        await admin.close()


async def recorder_letters(
    settings: StreamSettings, reader: TopicReader, partitions: Iterable[int]
) -> dict[Coordinates, str]:
    """Source coordinates -> reason of what the recorder refused: by its reasons, which are not the book-keeper's."""
    codec = OutputCodec()
    letters = {}
    for partition in partitions:
        async for record in reader.records(settings.topics.dead_letters, partition):
            letter = codec.decode_dead_letter(record.value)
            if letter.reason in REASONS:
                letters[letter.came_from] = letter.reason
    return letters


async def account(
    settings: StreamSettings,
    reader: TopicReader,
    kept: Sequence[Kept],
    letters: dict[Coordinates, str],
    committed: dict[Source, int],
) -> tuple[list[Consumed], list[Finding]]:
    """Every inbound partition of facts: consumed records, dispositions, and records with none or two of them."""
    consumed, findings = [], []
    for topic in settings.inbound_names:
        for partition in range(settings.partitions):
            source = topic, partition
            one = Consumed(source, committed.get(source, 0), (await reader.stretch(topic, partition)).begin)
            findings.append(await _account_one(reader, one, kept, letters))
            consumed.append(one)
    return consumed, findings


async def _account_one(
    reader: TopicReader, one: Consumed, kept: Sequence[Kept], letters: dict[Coordinates, str]
) -> Finding:
    topic, partition = one.source
    finding = Finding("every record consumed has one disposition", f"{topic}-{partition}")
    places = Counter(offset for book in kept for offset in book.recorded.get(one.source, ()))
    # A record that was recorded, and refused when it was read once more (its range had passed), counts as recorded.
    refused = {at.offset: why for at, why in letters.items() if at[:2] == one.source and at.offset not in places}
    one.in_journal = sum(offset < one.next_offset for offset in places)
    one.dead_letters = Counter(reason for offset, reason in refused.items() if offset < one.next_offset)
    published = set()
    async for record in reader.records(topic, partition, end=one.next_offset):
        published.add(record.offset)
    one.records = len(published)
    finding.compared = len(published)
    for offset in sorted(published):
        times = places[offset] + (offset in refused)
        if times != 1:
            finding.wrong("missing" if times == 0 else "extra", f"offset {offset} has {times} dispositions")
    for offset in sorted(places.keys() | refused.keys()):
        if one.first_kept <= offset < one.next_offset and offset not in published:
            finding.wrong("extra", f"offset {offset} has a disposition, and is no record")
    return finding
