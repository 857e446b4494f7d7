"""Topics whose content exists nowhere else: a book that has begun must not get empty ones in their place."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from peserta.operations.audit.position import Source
from peserta.operations.audit.reading import partition_reader
from peserta.operations.failure import Failed, Unfit
from peserta.operations.kafka_reading import consumer_of, end_offsets, kafka_errors, read_to_end
from peserta.operations.ticking import inbound_of
from peserta.settings import Settings
from schemas.codec import JournalCodec
from streams.core.rows import source_key, source_of
from streams.lane.cursors import CURSOR_PREFIX, read_cursor
from streams.lane.delivery import start_producer

PADDING: Final = "peserta-padding"


async def seen_of_lost(settings: Settings) -> Mapping[Source, int]:
    """For registry and policies, if their topic is missing or empty: the offset up to which the book has seen each.

    Raises Failed (78) if another topic is missing from which this generation was made. All other topics can be created
    again and filled from the journal. But with an empty journal the next rebuild would give an empty book, and records
    in a recreated inbound topic have offsets that the book has seen: they would be skipped as repeats (SEMANTICS 2).
    """
    async with consumer_of(settings.kafka, []) as consumer:
        there = await consumer.topics()
    if settings.topics.journal not in there:
        await _refuse_without_journal(settings, there)
        return {}
    inbound = inbound_of(settings.stream_settings())
    present = sorted({settings.topics.journal, *inbound} & there)
    ends = Counter(dict.fromkeys(inbound, 0))
    for (topic, _), end in (await end_offsets(settings.kafka, present)).items():
        ends[topic] += end
    empty = {topic for topic in inbound if not ends[topic]}
    if not (empty and ends[settings.topics.journal] and settings.stream_settings().changelog in there):
        return {}
    seen = await _seen(settings, empty)
    for topic in settings.stream_settings().inbound_names:
        if any(source[0] == topic for source in seen):
            raise _lost_inbound(topic)
    return seen


async def _refuse_without_journal(settings: Settings, there: Collection[str]) -> None:
    made_of_it = sorted({settings.topics.ledger, settings.stream_settings().changelog} & set(there))
    if made_of_it and any((await end_offsets(settings.kafka, made_of_it)).values()):
        raise Unfit(
            f"{settings.topics.journal} is gone, and this book was made of it ({', '.join(made_of_it)}): it cannot be "
            "made again. Restore it; or begin another book under another prefix of topics and another database, and "
            "let publishers send their facts again.",
        )


def _lost_inbound(topic: str) -> Failed:
    return Unfit(
        f"{topic} is gone, and the book has facts of it: one made anew under this name has their offsets, and what is "
        "sent to it would be passed over. Leave it out of the inbound topics, name another one there, and let "
        "publishers send to that.",
    )


async def _seen(settings: Settings, topics: Collection[str]) -> dict[Source, int]:
    """For each of these topics' partitions, the last offset in the state or in the journal after it."""
    streams = settings.stream_settings()
    keys = {source_key(topic, number) for topic in topics for number in range(settings.partitions)}
    seen: dict[Source, int] = {}
    starts: dict[int, int] = {}
    async for record in read_to_end(settings.kafka, [streams.changelog]):
        if record.key in keys and record.value is not None:
            _note(seen, source_of(record.key), int(record.value))
        elif record.key.startswith(CURSOR_PREFIX) and record.value is not None:
            starts[record.partition] = read_cursor(record.key, record.value)[1] + 1
    codec = JournalCodec()
    async with partition_reader(settings.kafka) as reader:
        for partition in range(settings.partitions):
            start = starts.get(partition, 0)
            async for batch in reader.batches(settings.topics.journal, partition, start=start):
                for entry in codec.decode([record.value for record in batch]):
                    if entry.came_from.topic in topics:
                        _note(seen, entry.came_from[:2], entry.came_from.offset)
    return seen


def _note(seen: dict[Source, int], source: Source, offset: int) -> None:
    seen[source] = max(seen.get(source, -1), offset)


async def go_on_behind(settings: Settings, seen: Mapping[Source, int]) -> None:
    """Make new topics begin after the offsets that the book has seen of the old ones, by an aborted transaction whose
    records no reader gets."""
    if not seen:
        return
    with kafka_errors(settings.kafka):
        producer = await start_producer(settings.kafka, transactional_id=settings.topic_prefix + PADDING)
        try:
            await producer.begin_transaction()
            for (topic, partition), offset in seen.items():
                for _ in range(offset + 1):
                    sent = await producer.send(topic, b"", b"", partition=partition)
                await sent
            await producer.abort_transaction()
        finally:
            await producer.stop()
