"""Sending whole batches with aiokafka and waiting until the broker has them; nothing is split or dropped in silence."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import IllegalOperation, KafkaError  # type: ignore[import-untyped]
from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]

from streams.lane.stop import LaneFault

BATCH_BYTES_MAX = 1 << 20  # just under Kafka's default message.max.bytes of 1,048,588
DELIVERY_LIMIT_S = 30.0  # an idempotent producer of aiokafka tries for ever
START_LIMIT_S = 30.0
# aiokafka's sequence numbers run to -2**31 after 2**31 - 1, Kafka's to 0: renew the producer well before.
RECORDS_PER_PRODUCER_MAX = 2_000_000_000

# key, value, timestamp in milliseconds (None: now)
Line = tuple[bytes | None, bytes | None, int | None]
_NO_HEADERS: list[tuple[str, bytes]] = []


class NotDelivered(LaneFault):
    """The broker has not taken a batch, or has not said so; names topic, partition and sizes."""


async def start_producer(servers: list[str], **settings: Any) -> AIOKafkaProducer:
    """A started producer, acks=all; raises TimeoutError when the broker does not answer in START_LIMIT_S."""
    producer = AIOKafkaProducer(
        bootstrap_servers=servers, acks="all", linger_ms=0, max_batch_size=BATCH_BYTES_MAX, **settings
    )
    async with asyncio.timeout(START_LIMIT_S):
        await producer.start()
    return producer


def fill_batches(producer: AIOKafkaProducer, target: str, lines: Iterable[Line]) -> Iterator[BatchBuilder]:
    """The lines in order, in closed batches of at most BATCH_BYTES_MAX unless a single line is longer."""
    batch = producer.create_batch()
    for key, value, timestamp_ms in lines:
        if batch.append(timestamp=timestamp_ms, key=key, value=value, headers=_NO_HEADERS) is not None:
            continue
        batch.close()
        yield batch
        batch = producer.create_batch()
        if batch.append(timestamp=timestamp_ms, key=key, value=value, headers=_NO_HEADERS) is None:
            raise NotDelivered(f"{target}: a record of {len(key or b'')} + {len(value or b'')} bytes fits no batch")
    if batch.record_count():
        batch.close()
        yield batch


class Delivery:
    """One batch on its way to one partition; `size_bytes` of the batch, `count` of its records."""

    def __init__(self, producer: AIOKafkaProducer, batch: BatchBuilder, topic: str, partition: int) -> None:
        self._producer, self._batch = producer, batch
        self.topic, self.partition = topic, partition
        self.count: int = batch.record_count()
        self.size_bytes: int = batch.size()
        self._future: asyncio.Future[Any] | None = None

    async def send(self) -> None:
        """Hand the batch to the producer, which keeps the order of a partition's batches."""
        with self._told():
            self._future = await self._producer.send_batch(self._batch, self.topic, partition=self.partition)

    async def last_offset(self) -> int:
        """Wait for the broker; the offset of the batch's last record. Raises NotDelivered."""
        assert self._future is not None, "sent before"
        with self._told():
            async with asyncio.timeout(DELIVERY_LIMIT_S):
                first: int = (await self._future).offset
        if first < 0:
            raise NotDelivered(f"{self}: acknowledged without an offset")
        return first + self.count - 1

    def _told(self) -> "_Told":
        return _Told(self)

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}: batch of {self.count} records, {self.size_bytes} bytes"


async def send_all(deliveries: Sequence[Delivery]) -> None:
    """In order. Raises NotDelivered: a producer that was refused one batch takes no further one, and only says that it
    may not (IllegalOperation); the reason is with the batch before."""
    for number, delivery in enumerate(deliveries):
        try:
            await delivery.send()
        except IllegalOperation:
            for before in deliveries[:number]:
                await before.last_offset()
            raise


class _Told:
    """Turns an error of aiokafka into a NotDelivered that says which batch it was."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, KafkaError | TimeoutError):
            raise NotDelivered(f"{self._delivery}: {type(error).__name__} {error}") from error


class SequenceBudget:
    """How many more records one producer may send to each partition before its sequence numbers end."""

    def __init__(self, records_max: int = RECORDS_PER_PRODUCER_MAX) -> None:
        self._records_max = records_max
        self._sent: dict[tuple[str, int], int] = {}

    def has_room(self, topic: str, partition: int, count: int) -> bool:
        """Whether `count` more records may go to this partition; any number may when nothing was sent yet."""
        sent = self._sent.get((topic, partition), 0)
        return sent == 0 or sent + count <= self._records_max

    def spend(self, topic: str, partition: int, count: int) -> None:
        """They are being sent."""
        self._sent[topic, partition] = self._sent.get((topic, partition), 0) + count

    def renew(self) -> None:
        """A new producer counts from 0."""
        self._sent.clear()
