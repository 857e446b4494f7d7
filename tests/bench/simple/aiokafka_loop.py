"""The simple work as a hand-written loop on aiokafka. Variant `plain` guarantees nothing. Variant `transactions`
commits each batch's outputs, state and cursor in one transaction of its partition's producer, as the lane does.

Neither variant restores its state, takes part in rebalances, or checks that no batch is missing. A service would need
all of this, but it costs time only at the start.
"""

import asyncio
import gc
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from streams.lane.collector import GC_THRESHOLDS
from tests.bench.simple.asked import Asked, Meter
from tests.bench.simple.work import Company, KeyValue, Posted, post_batch, state_rows

RECORDS_PER_FETCH_MAX = 8_000
FETCH_MS = 100
BATCH_BYTES_MAX = 1 << 20

PLAIN = "plain"
TRANSACTIONS = "transactions"


class Loop:
    """One process that owns every partition."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._meter = asked, Meter(asked)
        self._is_transactional = asked.variant == TRANSACTIONS
        self._workers: list[dict[str, int]] = [{} for _ in range(asked.partitions)]
        self._companies: list[dict[str, Company]] = [{} for _ in range(asked.partitions)]
        self._producers: list[AIOKafkaProducer] = []
        self._under_way: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Run until every record's effect is durable."""
        consumer = AIOKafkaConsumer(
            self._asked.source,
            **client_options(self._asked.bootstrap),
            group_id=self._asked.app_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await self._connect()
        await consumer.start()
        while not await self._round(consumer):
            pass
        await asyncio.gather(*self._under_way.values())
        if not self._is_transactional:
            await consumer.commit()
        self._meter.say_and_end()

    async def _connect(self) -> None:
        if self._is_transactional:
            ids = [f"{self._asked.app_id}-{number}" for number in range(self._asked.partitions)]
            self._producers = [self._producer(transactional_id=name) for name in ids]
        else:
            self._producers = [self._producer()] * self._asked.partitions
        for producer in dict.fromkeys(self._producers):
            await producer.start()

    def _producer(self, **settings: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **client_options(self._asked.bootstrap), max_batch_size=BATCH_BYTES_MAX, linger_ms=0, **settings
        )

    async def _round(self, consumer: AIOKafkaConsumer) -> bool:
        fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=RECORDS_PER_FETCH_MAX)
        is_all = False
        for tp, records in fetched.items():
            self._meter.begin()
            is_all = self._meter.add(len(records))
            await self._take(tp.partition, records)
        return is_all

    async def _take(self, partition: int, records: Sequence[Any]) -> None:
        batch = ((record.offset, record.key, record.value) for record in records)
        posted = post_batch(partition, batch, self._workers[partition], self._companies[partition])
        before = self._under_way.get(partition)
        if before is not None:
            await before
        writing = self._transaction if self._is_transactional else self._write
        self._under_way[partition] = asyncio.ensure_future(writing(partition, posted, records[-1].offset))

    async def _transaction(self, partition: int, posted: Posted, offset: int) -> None:
        producer = self._producers[partition]
        await producer.begin_transaction()
        await self._write(partition, posted, offset)
        await producer.commit_transaction()

    async def _write(self, partition: int, posted: Posted, offset: int) -> None:
        cursor = ((b"@cursor", b"%d" % offset),) if self._is_transactional else ()
        outputs = {
            self._asked.ledger: posted.ledger,
            self._asked.alerts: posted.alerts,
            self._asked.changelog: [*state_rows(posted).items(), *cursor],
        }
        sent = [await self._send(topic, partition, lines) for topic, lines in outputs.items() if lines]
        await asyncio.gather(*(future for futures in sent for future in futures))

    async def _send(self, topic: str, partition: int, lines: Iterable[KeyValue]) -> list[asyncio.Future[Any]]:
        """Send the lines in as few batches as possible."""
        producer, futures = self._producers[partition], []
        batch = producer.create_batch()
        for key, value in lines:
            if batch.append(key=key, value=value, timestamp=None) is None:
                batch.close()
                futures.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                batch.append(key=key, value=value, timestamp=None)
        batch.close()
        futures.append(await producer.send_batch(batch, topic, partition=partition))
        return futures


if __name__ == "__main__":
    gc.set_threshold(*GC_THRESHOLDS)
    asyncio.run(Loop(Asked.of(sys.argv[1])).run())
