"""Reading one partition of a topic to where it ends now, in batches, as a committed reader."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from schemas.codec import JournalCodec
from schemas.records import Entry
from schemas.wire import WireError

RECORDS_PER_BATCH_MAX: Final = 5_000
POLL_MS: Final = 200

Decoded = TypeVar("Decoded")


class Unreadable(Exception):
    """A record that is not what its topic carries: somebody wrote or changed it."""

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
    """What an audit asks of whatever holds the topics."""

    async def stretch(self, topic: str, partition: int) -> Stretch: ...

    def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]: ...

    def records(self, topic: str, partition: int, *, start: int = 0, end: int | None = None) -> AsyncIterator[Any]: ...


class PartitionReader:
    """One consumer without a group, used for one partition after the other."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def stretch(self, topic: str, partition: int) -> Stretch:
        """What is there now."""
        tp = TopicPartition(topic, partition)
        self._consumer.assign([tp])
        begin = (await self._consumer.beginning_offsets([tp]))[tp]
        return Stretch(begin, (await self._consumer.end_offsets([tp]))[tp])

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
        self._consumer.seek(tp, position)
        while position < stop:
            fetched = await self._consumer.getmany(tp, timeout_ms=POLL_MS, max_records=RECORDS_PER_BATCH_MAX)
            records = [record for record in fetched.get(tp, ()) if record.offset < stop]
            if records:
                yield records
            position = await self._consumer.position(tp)

    async def records(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Any]:
        """The same, one by one."""
        async for batch in self.batches(topic, partition, start=start, end=end):
            for record in batch:
                yield record


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
