"""A test's own topics, written as the service writes them: in transactions, some of which are aborted."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.admin.records_to_delete import RecordsToDelete  # type: ignore[import-untyped]

from peserta.operations.kafka_reading import wait_until_readable
from peserta.operations.topics import create_topics
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

PARTITIONS = 2
Keyed: TypeAlias = tuple[bytes, bytes | None]  # key and value


class Topics:
    """Writes to topics of one prefix, and reads their ends."""

    def __init__(self, address: Brokers, prefix: str, producer: AIOKafkaProducer) -> None:
        self.address = address
        self.prefix = prefix
        self._producer = producer

    async def write(self, topic: str, values: Iterable[bytes], *, partition: int = 0, key: bytes = b"C1") -> None:
        """Write one committed transaction, and wait until it is visible."""
        await self.write_keyed(topic, [(key, value) for value in values], partition=partition)

    async def write_keyed(self, topic: str, records: Sequence[Keyed], *, partition: int = 0) -> None:
        """The same with a key for each record; None is a tombstone."""
        async with self._producer.transaction():
            offsets = await self._send(topic, records, partition)
        if offsets:
            await wait_until_readable(self.address, self.prefix + topic, partition, offsets[-1])

    async def abort(self, topic: str, values: Iterable[bytes], *, partition: int = 0) -> None:
        """Write one aborted transaction: its records are in the log, but no reader may see them."""
        await self._producer.begin_transaction()
        await self._send(topic, [(b"C1", value) for value in values], partition)
        await self._producer.abort_transaction()

    async def _send(self, topic: str, records: Sequence[Keyed], partition: int) -> list[int]:
        sent = [await self._producer.send(self.prefix + topic, v, key=k, partition=partition) for k, v in records]
        return [(await delivery).offset for delivery in sent]

    async def ends(self) -> dict[tuple[str, int], int]:
        """The end offset of every partition with records."""
        consumer = AIOKafkaConsumer(**client_options(self.address))
        admin = AIOKafkaAdminClient(**client_options(self.address))
        try:
            await admin.start()
            await consumer.start()
            described = await admin.describe_topics()
            mine = [t for t in described if t["topic"].startswith(self.prefix)]
            partitions = [TopicPartition(t["topic"], p["partition"]) for t in mine for p in t["partitions"]]
            consumer.assign(partitions)  # otherwise aiokafka asks for one topic after the other
            found = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
            await admin.close()
        return {(tp.topic, tp.partition): offset for tp, offset in found.items() if offset}

    async def cut_short(self, topic: str, first: int, *, partition: int = 0) -> None:
        """Delete the records before offset `first`, as retention does."""
        admin = AIOKafkaAdminClient(**client_options(self.address))
        try:
            await admin.start()
            await admin.delete_records({TopicPartition(self.prefix + topic, partition): RecordsToDelete(first)})
        finally:
            await admin.close()


@asynccontextmanager
async def made_topics(address: Brokers, prefix: str) -> AsyncIterator[Topics]:
    await create_topics(address, prefix=prefix, partitions=PARTITIONS)
    producer = AIOKafkaProducer(**client_options(address), transactional_id=f"{prefix}writer", acks="all")
    await producer.start()
    try:
        yield Topics(address, prefix, producer)
    finally:
        await producer.stop()
