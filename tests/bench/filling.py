"""Fills topics quickly, with whole batches for each partition, in order."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

BATCH_BYTES_MAX: Final = 1 << 18
BATCHES_IN_FLIGHT: Final = 16  # for one partition

# Key, value, and optionally a timestamp in milliseconds. Without it the record gets the time of loading.
Line = Sequence[Any]


async def fill(bootstrap: Brokers, topic: str, partitions: Sequence[Iterable[Line]]) -> int:
    """Append the lines of each partition. Returns their number after the broker has acknowledged all of them."""
    producer = AIOKafkaProducer(
        **client_options(bootstrap), acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES_MAX
    )
    await producer.start()
    try:
        filling = (_fill(producer, topic, number, lines) for number, lines in enumerate(partitions))
        return sum(await asyncio.gather(*filling))
    finally:
        await producer.stop()


async def _fill(producer: AIOKafkaProducer, topic: str, partition: int, lines: Iterable[Line]) -> int:
    count, batch, sent = 0, producer.create_batch(), list[asyncio.Future[Any]]()
    for key, value, *stamp in lines:
        count += 1
        line = {"key": key, "value": value, "timestamp": stamp[0] if stamp else None}
        if batch.append(**line) is None:
            sent.append(await _sent(producer, batch, topic, partition))
            batch = producer.create_batch()
            batch.append(**line)
            if len(sent) >= BATCHES_IN_FLIGHT:
                await sent.pop(0)
    if batch.record_count():
        sent.append(await _sent(producer, batch, topic, partition))
    await asyncio.gather(*sent)
    return count


async def _sent(producer: AIOKafkaProducer, batch: Any, topic: str, partition: int) -> asyncio.Future[Any]:
    batch.close()
    future: asyncio.Future[Any] = await producer.send_batch(batch, topic, partition=partition)
    return future
