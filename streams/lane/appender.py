"""Appending in order: the next batch for an output partition is sent only after the previous one is acknowledged."""

import asyncio
import logging
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from streams.lane.delivery import RECORDS_PER_PRODUCER_MAX, Delivery, Line, SequenceBudget, fill_batches, start_producer
from streams.lane.host import StartProducer
from streams.lane.records import Append
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault, Stopping

log = logging.getLogger(__name__)

Target = tuple[str, int]


class Appender:
    """An idempotent producer that never writes a later batch to a partition in which an earlier batch failed.

    Its readers remember the highest source offset that they have seen and skip lower ones. If a later record came
    before an earlier one, they would skip the earlier one for ever. Any failure ends the process.
    """

    def __init__(
        self,
        settings: LaneSettings,
        *,
        records_per_producer_max: int = RECORDS_PER_PRODUCER_MAX,
        start_producer: StartProducer = start_producer,
    ) -> None:
        self._settings, self._start_producer = settings, start_producer
        self._producer: AIOKafkaProducer | None = None
        self._retiring: list[asyncio.Task[None]] = []
        self._budget = SequenceBudget(records_per_producer_max)
        self._renewal = asyncio.Lock()
        self._last: dict[Target, asyncio.Task[None]] = {}

    async def start(self) -> None:
        """Connect; does nothing if already connected."""
        async with self._renewal:
            if self._producer is None:
                self._producer = await self._start_producer(self._settings.bootstrap, enable_idempotence=True)

    def append(self, appends: Sequence[Append]) -> list[asyncio.Task[None]]:
        """Queue records behind those queued before. Each task ends when the broker has acknowledged its records."""
        by_target: dict[Target, list[Line]] = {}
        for topic, partition, key, value, timestamp_ms in appends:
            by_target.setdefault((topic, partition), []).append((key, value, timestamp_ms))
        return [self._queue(target, lines) for target, lines in by_target.items()]

    async def drain(self) -> None:
        """Wait until everything queued is acknowledged."""
        while tasks := self._under_way():
            await asyncio.gather(*tasks)

    async def stop(self) -> None:
        """Drain and disconnect."""
        await self.drain()
        await asyncio.gather(*self._retiring)
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    def _queue(self, target: Target, lines: list[Line]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(self._write(target, lines, self._last.get(target)))
        self._last[target] = task
        return task

    async def _write(self, target: Target, lines: list[Line], before: asyncio.Task[None] | None) -> None:
        topic, partition = target
        with Stopping(f"append to {topic}-{partition}"):
            if before is not None:
                await before
            producer = await self._producer_for(topic, partition, len(lines))
            for batch in fill_batches(producer, f"{topic}-{partition}", lines):
                delivery = Delivery(producer, batch, topic, partition)
                await delivery.send()
                await delivery.last_offset()

    async def _producer_for(self, topic: str, partition: int, count: int) -> AIOKafkaProducer:
        """The producer, replaced before its sequence numbers end. This partition has nothing in flight on the old
        one."""
        async with self._renewal:
            if self._producer is None:
                raise LaneFault("append before start")
            if not self._budget.has_room(topic, partition, count):
                self._retiring.append(asyncio.ensure_future(self._retire(self._producer, self._under_way())))
                self._producer = await self._start_producer(self._settings.bootstrap, enable_idempotence=True)
                self._budget.renew()
                log.info("producer renewed")
            self._budget.spend(topic, partition, count)
            return self._producer

    async def _retire(self, producer: AIOKafkaProducer, under_way: list[asyncio.Task[None]]) -> None:
        """Wait for the other partitions' batches on the old producer, then disconnect it."""
        with Stopping("renewal of a producer"):
            await asyncio.gather(*under_way)
            await producer.stop()

    def _under_way(self) -> list[asyncio.Task[None]]:
        return [task for task in self._last.values() if not task.done()]
