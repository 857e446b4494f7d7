"""Reading one partition of a topic to its current end, in batches, with `read_committed`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from peserta.operations.kafka_reading import AT_ONCE_MS, consumer_of
from schemas.codec import JournalCodec
from schemas.kafka.access import Brokers
from schemas.records import Entry
from schemas.wire import WireError

RECORDS_PER_BATCH_MAX: Final = 5_000
POLL_MS: Final = 200

Decoded = TypeVar("Decoded")


class Unreadable(Exception):
    """A record that does not belong in its topic: something else than the service wrote or changed it."""

    def __init__(self, which: str) -> None:
        super().__init__(which)


def read_as(decode: Callable[[bytes], Decoded], record: Any) -> Decoded:
    """The record decoded; Unreadable names it otherwise."""
    try:
        return decode(record.value or b"")
    except (WireError, ValueError) as error:
        raise Unreadable(f"offset {record.offset} of {record.topic}-{record.partition}") from error


def entries_of(codec: JournalCodec, batch: Sequence[Any]) -> list[Entry]:
    """Records of the journal decoded; Unreadable names the first that cannot be."""
    try:
        return codec.decode([record.value or b"" for record in batch])
    except WireError:
        return [read_as(lambda value: codec.decode([value])[0], record) for record in batch]


class Stretch(NamedTuple):
    """Offsets of a partition: the first that is kept, and the one after the last that is committed."""

    begin: int
    end: int


class TopicReader(Protocol):
    """How an audit reads topics, from Kafka or from memory."""

    async def stretch(self, topic: str, partition: int) -> Stretch: ...

    def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]: ...

    def records(self, topic: str, partition: int, *, start: int = 0, end: int | None = None) -> AsyncIterator[Any]: ...


class PartitionReader:
    """One consumer without a group, used for one partition after the other."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._last: dict[str, TopicPartition] = {}  # of each topic, the partition that was asked for last

    async def topics(self) -> set[str]:
        """The names of all topics."""
        found: set[str] = await self._consumer.topics()
        return found

    async def stretch(self, topic: str, partition: int) -> Stretch:
        """What is there now."""
        tp = TopicPartition(topic, partition)
        if topic not in self._last:
            self._turn_to(tp)
        begins, ends = await asyncio.gather(self._consumer.beginning_offsets([tp]), self._consumer.end_offsets([tp]))
        return Stretch(begins[tp], ends[tp])

    async def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        """The committed records in [start, end) in order; `end` None: up to where the partition ends now."""
        tp = TopicPartition(topic, partition)
        begin, stop = await self.stretch(topic, partition)
        stop = stop if end is None else min(stop, end)
        position = max(start, begin)
        if position >= stop:
            return
        self._turn_to(tp)
        self._consumer.seek(tp, position)
        self._consumer.resume(tp)
        while position < stop:
            fetched = await self._consumer.getmany(tp, timeout_ms=POLL_MS, max_records=RECORDS_PER_BATCH_MAX)
            records = [record for record in fetched.get(tp, ()) if record.offset < stop]
            if records:
                yield records
            position = await self._consumer.position(tp)
        self._consumer.pause(tp)  # nothing more is wanted of it

    def _turn_to(self, tp: TopicPartition) -> None:
        """Have this partition assigned, and paused like all others.

        One of each topic stays assigned, for the client forgets the topics of which none is, and has to ask for their
        leaders again. No await is in between: the consumer must not look for positions of its own.
        """
        self._last[tp.topic] = tp
        self._consumer.assign([*self._last.values()])
        for assigned in self._last.values():
            self._consumer.seek(assigned, 0)
        self._consumer.pause(*self._last.values())

    async def records(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Any]:
        """The same, one by one."""
        async for batch in self.batches(topic, partition, start=start, end=end):
            for record in batch:
                yield record


@asynccontextmanager
async def partition_reader(kafka: Brokers, *topics: str) -> AsyncIterator[PartitionReader]:
    """A reader of any topic, with a consumer of its own; Failed without a broker, or without these topics."""
    async with consumer_of(kafka, topics, fetch_wait_ms=AT_ONCE_MS) as consumer:
        consumer.unsubscribe()
        yield PartitionReader(consumer)


OnRead = Callable[[int], None]


class WatchedReader:
    """A reader that tells how many offsets it has passed."""

    def __init__(self, reader: TopicReader, on_read: OnRead) -> None:
        self._reader, self._on_read = reader, on_read

    async def stretch(self, topic: str, partition: int) -> Stretch:
        """What is there now."""
        return await self._reader.stretch(topic, partition)

    async def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        """As the reader has them."""
        before: int | None = None
        async for batch in self._reader.batches(topic, partition, start=start, end=end):
            self._on_read(batch[-1].offset - (batch[0].offset - 1 if before is None else before))
            before = batch[-1].offset
            yield batch

    async def records(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Any]:
        """The same, one by one."""
        async for batch in self.batches(topic, partition, start=start, end=end):
            for record in batch:
                yield record
