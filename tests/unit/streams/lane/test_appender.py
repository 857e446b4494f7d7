"""The order of appends: the batches of one partition in sequence, different partitions in parallel."""

import asyncio
from pathlib import Path
from typing import Any

from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]

from streams.lane.appender import Appender
from streams.lane.records import Append
from streams.lane.settings import LaneSettings

TURNS = 20


class HeldProducer:
    """A producer whose broker answers when the test says so."""

    def __init__(self) -> None:
        self.under_way: dict[int, list[asyncio.Future[Any]]] = {}
        self.sent: list[tuple[int, int]] = []

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(1 << 20, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.under_way.setdefault(partition, []).append(future)
        self.sent.append((partition, batch.record_count()))
        return future

    async def answer(self, partition: int) -> None:
        """Acknowledge the oldest batch of this partition."""
        self.under_way[partition].pop(0).set_result(type("Metadata", (), {"offset": 0}))
        await settle()


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def held(tmp_path: Path) -> tuple[Appender, HeldProducer]:
    appender = Appender(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=2, data_dir=tmp_path))
    producer = HeldProducer()
    appender._producer = producer
    return appender, producer


def records(count: int, partition: int) -> list[Append]:
    return [Append("journal", partition, b"k", b"v")] * count


async def test_the_next_batch_of_a_partition_waits_for_the_acknowledgement_of_the_last(tmp_path: Path) -> None:
    appender, producer = held(tmp_path)
    first = appender.append(records(1, 0))
    second = appender.append(records(2, 0))
    await settle()
    assert producer.sent == [(0, 1)]
    await producer.answer(0)
    assert producer.sent == [(0, 1), (0, 2)]
    assert [task.done() for task in first + second] == [True, False]
    await producer.answer(0)
    assert all(task.done() for task in second)


async def test_partitions_do_not_wait_for_each_other(tmp_path: Path) -> None:
    appender, producer = held(tmp_path)
    appender.append(records(1, 0) + records(3, 1))
    later = appender.append(records(2, 1))
    await settle()
    await producer.answer(1)
    assert producer.sent == [(0, 1), (1, 3), (1, 2)]
    await producer.answer(1)
    assert all(task.done() for task in later)


async def test_records_of_one_step_keep_their_order_in_each_partition(tmp_path: Path) -> None:
    appender, producer = held(tmp_path)
    tasks = appender.append(records(1, 0) + records(1, 1) + records(1, 0))
    await settle()
    assert producer.sent == [(0, 2), (1, 1)]
    assert len(tasks) == 2
