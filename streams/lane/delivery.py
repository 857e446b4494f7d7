"""Sending whole batches with aiokafka and waiting for the broker's acknowledgement. No batch is split or dropped."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import IllegalOperation, KafkaError  # type: ignore[import-untyped]
from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from streams.lane.stop import LaneFault

BATCH_BYTES_MAX = 1 << 20  # just under Kafka's default message.max.bytes of 1,048,588
DELIVERY_LIMIT_S = 30.0  # an idempotent producer of aiokafka retries for ever
START_LIMIT_S = 30.0
# After 2**31 - 1 aiokafka's sequence number becomes -2**31 and Kafka's 0, so a producer is replaced well before.
RECORDS_PER_PRODUCER_MAX = 2_000_000_000

# key, value, timestamp in milliseconds (None: now)
Line = tuple[bytes | None, bytes | None, int | None]
_NO_HEADERS: list[tuple[str, bytes]] = []


class NotDelivered(LaneFault):
    """The broker rejected a batch or did not acknowledge it. The message has topic, partition and sizes."""


async def start_producer(brokers: Brokers, **settings: Any) -> AIOKafkaProducer:
    """A started producer with acks=all. Raises SecretFault, or TimeoutError if no broker answers in START_LIMIT_S."""
    producer = AIOKafkaProducer(
        **client_options(brokers), acks="all", linger_ms=0, max_batch_size=BATCH_BYTES_MAX, **settings
    )
    async with asyncio.timeout(START_LIMIT_S):
        await producer.start()
    return producer


def fill_batches(producer: AIOKafkaProducer, target: str, lines: Iterable[Line]) -> Iterator[BatchBuilder]:
    """The lines in order, in closed batches of at most BATCH_BYTES_MAX. A longer line gets a batch of its own."""
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
    """One batch being sent to one partition. `count` is its number of records, `size_bytes` its size."""

    def __init__(self, producer: AIOKafkaProducer, batch: BatchBuilder, topic: str, partition: int) -> None:
        self._producer, self._batch = producer, batch
        self.topic, self.partition = topic, partition
        self.count: int = batch.record_count()
        self.size_bytes: int = batch.size()
        self._future: asyncio.Future[Any] | None = None

    async def send(self) -> None:
        """Queue the batch in the producer, which keeps the order of a partition's batches."""
        with self._errors():
            self._future = await self._producer.send_batch(self._batch, self.topic, partition=self.partition)

    async def last_offset(self) -> int:
        """Wait for the acknowledgement; returns the offset of the batch's last record. Raises NotDelivered."""
        assert self._future is not None, "sent before"
        with self._errors():
            async with asyncio.timeout(DELIVERY_LIMIT_S):
                first: int = (await self._future).offset
        if first < 0:
            raise NotDelivered(f"{self}: acknowledged without an offset")
        return first + self.count - 1

    def _errors(self) -> "_DeliveryErrors":
        return _DeliveryErrors(self)

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}: batch of {self.count} records, {self.size_bytes} bytes"


async def send_all(deliveries: Sequence[Delivery]) -> None:
    """Send in order. Raises NotDelivered with the cause: after the broker rejected a batch, the producer only raises
    IllegalOperation for further ones, and the reason is in the future of the rejected batch."""
    for number, delivery in enumerate(deliveries):
        try:
            await delivery.send()
        except IllegalOperation:
            for before in deliveries[:number]:
                await before.last_offset()
            raise


class _DeliveryErrors:
    """Turns an error of aiokafka into a NotDelivered that names the batch."""

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
        """Whether `count` more records may be sent to this partition. The first batch always may."""
        sent = self._sent.get((topic, partition), 0)
        return sent == 0 or sent + count <= self._records_max

    def spend(self, topic: str, partition: int, count: int) -> None:
        """Count records that are being sent."""
        self._sent[topic, partition] = self._sent.get((topic, partition), 0) + count

    def renew(self) -> None:
        """Start from 0, for a new producer."""
        self._sent.clear()
