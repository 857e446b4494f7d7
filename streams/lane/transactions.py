"""One transactional producer per owned partition. Starting it fences its predecessor; a commit covers a whole batch."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from streams.lane.delivery import (
    RECORDS_PER_PRODUCER_MAX,
    Delivery,
    Line,
    SequenceBudget,
    fill_batches,
    send_all,
    start_producer,
)
from streams.lane.hooks.markers import set_marker_wait
from streams.lane.host import StartProducer
from streams.lane.records import KeyValue
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault

log = logging.getLogger(__name__)


class PartitionProducers:
    """The producers of the owned partitions. For each partition only one task may use it at a time."""

    def __init__(
        self,
        settings: LaneSettings,
        *,
        records_per_producer_max: int = RECORDS_PER_PRODUCER_MAX,
        start_producer: StartProducer = start_producer,
    ) -> None:
        self._settings, self._start_producer = settings, start_producer
        self._records_max = records_per_producer_max
        self._producers: dict[int, AIOKafkaProducer] = {}
        self._budgets: dict[int, SequenceBudget] = {}

    def owned(self) -> frozenset[int]:
        """The partitions to which only this worker can commit."""
        return frozenset(self._producers)

    async def own(self, partitions: set[int]) -> None:
        """Own exactly these. When this returns, no predecessor can commit to them, and their open transactions are
        aborted."""
        lost = [self._producers.pop(partition) for partition in self._producers.keys() - partitions]
        gained = sorted(partitions - self._producers.keys())
        await asyncio.gather(*(producer.stop() for producer in lost))
        for partition, producer in zip(gained, await asyncio.gather(*map(self._start, gained)), strict=True):
            self._producers[partition] = producer
            self._budgets[partition] = SequenceBudget(self._records_max)

    async def commit(self, partition: int, outputs: Mapping[str, Sequence[KeyValue]]) -> dict[str, int]:
        """Write each topic's records, in order, to this partition number in one transaction; returns the last offset
        per topic.

        Raises LaneFault, NotDelivered or a KafkaError (ProducerFenced: another worker owns the partition). Then nothing
        is committed and the process must end.
        """
        if partition not in self._producers:
            raise LaneFault(f"partition {partition} is not ours")
        await self._make_room(partition, outputs)
        producer = self._producers[partition]
        async with asyncio.timeout(self._settings.transaction_timeout_s):
            await producer.begin_transaction()
            sent = list(_deliveries(producer, partition, outputs))
            await send_all(sent)
            # aiokafka would commit even if the broker rejected one of these.
            last = {delivery.topic: await delivery.last_offset() for delivery in sent}
            await producer.commit_transaction()
        return last

    async def _make_room(self, partition: int, outputs: Mapping[str, Sequence[KeyValue]]) -> None:
        budget = self._budgets[partition]
        if not all(budget.has_room(topic, partition, len(lines)) for topic, lines in outputs.items()):
            await self._producers[partition].stop()
            self._producers[partition] = await self._start(partition)
            budget.renew()
            log.info("producer renewed: partition %d", partition)
        for topic, lines in outputs.items():
            budget.spend(topic, partition, len(lines))

    async def _start(self, partition: int) -> AIOKafkaProducer:
        set_marker_wait(self._settings.marker_wait_ms)
        return await self._start_producer(
            self._settings.bootstrap,
            transactional_id=self._settings.transactional_id(partition),
            transaction_timeout_ms=int(self._settings.transaction_timeout_s * 1000),
        )


def _deliveries(
    producer: AIOKafkaProducer, partition: int, outputs: Mapping[str, Sequence[KeyValue]]
) -> Iterator[Delivery]:
    for topic, records in outputs.items():
        lines: Iterator[Line] = ((key, value, None) for key, value in records)
        for batch in fill_batches(producer, f"{topic}-{partition}", lines):
            yield Delivery(producer, batch, topic, partition)
