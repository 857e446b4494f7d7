"""Hazards of unmodified Faust, shown without a broker. The tests of the lane's parts check the lane's own behaviour."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.producer.transaction_manager import TransactionManager  # type: ignore[import-untyped]
from faust.stores.memory import Store
from faust.tables.recovery import Recovery
from faust.transport.drivers import aiokafka as driver
from faust.transport.producer import ProducerBuffer
from faust.types import TP
from mode.utils.queues import FlowControlEvent, FlowControlQueue

from tests.support.lane_records import batch
from tests.unit.streams.lane.test_consumer import CHANGELOG, SOURCE, Bench


@pytest.fixture
def stock(tmp_path: Path) -> faust.App:
    return faust.App("stock", broker="kafka://127.0.0.1:9", datadir=str(tmp_path))


async def test_a_queue_loses_what_is_in_it_when_the_flow_is_resumed() -> None:
    flow = FlowControlEvent()
    queue: FlowControlQueue[int] = FlowControlQueue(flow_control=flow, clear_on_resume=True)
    flow.resume()
    for number in range(3):
        queue.put_nowait(number)
    flow.suspend()
    flow.resume()
    assert queue.empty()


async def test_a_stock_consumer_reads_sources_while_the_app_rebalances_and_ours_does_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.app.rebalancing = True
    bench.consumer.resume_partitions({CHANGELOG})
    bench.broker.fetches = [{SOURCE: batch([0, 1])}]
    await driver.Consumer._wait_next_records(bench.consumer, 1.0)
    assert bench.broker.asked == [{SOURCE, CHANGELOG}]
    await bench.consumer._wait_next_records(1.0)
    assert bench.broker.asked[1:] == [{CHANGELOG}]


async def test_a_stock_store_forgets_the_keys_that_it_stands_by_for(stock: faust.App) -> None:
    store: Store[Any, Any] = Store("memory://", stock, faust.Table(stock, name="book"))
    events: list[Any] = [
        SimpleNamespace(key=b"k%d" % number, value=b"v", message=SimpleNamespace(value=b"v", partition=number))
        for number in (0, 1)
    ]
    store.apply_changelog_batch(events, lambda key: key, lambda value: value)
    await store.on_recovery_completed({TP("changelog", 0)}, {TP("changelog", 1)})
    assert set(store.data) == {b"k0"}


class Silent:
    """A channel whose broker does not answer."""

    async def publish_message(self, *_: object, **__: object) -> None:
        await asyncio.Event().wait()


async def test_a_stock_flush_gives_up_and_says_nothing(stock: faust.App) -> None:
    buffer = ProducerBuffer()
    buffer.app = stock
    await buffer.start()
    try:
        for _ in range(3):
            buffer.pending.put_nowait(SimpleNamespace(message=SimpleNamespace(channel=Silent())))
        await buffer.flush()
        assert buffer.size > 0
    finally:
        buffer.pending = asyncio.Queue()
        await buffer.stop()


def test_a_killed_stock_worker_holds_its_partitions_for_a_minute(stock: faust.App) -> None:
    assert stock.conf.broker_session_timeout == 60.0


class Unreadable(faust.Table[Any, Any]):
    """A table that cannot apply one record of its changelog."""

    async def on_changelog_event(self, event: Any) -> None:
        if event.message.offset == 0:
            raise ValueError("no row of this table")


def change(tp: TP, offset: int) -> Any:
    return SimpleNamespace(key=b"k", value=b"v", message=SimpleNamespace(tp=tp, offset=offset, value=b"v", partition=0))


async def test_a_stock_recovery_logs_an_error_and_is_complete_all_the_same(
    stock: faust.App, caplog: pytest.LogCaptureFixture
) -> None:
    tp, recovery = TP("changelog", 0), Recovery(stock, stock.tables)
    recovery.tp_to_table[tp] = Unreadable(stock, name="book")
    recovery.active_tps.add(tp)
    recovery.active_highwaters[tp] = 0
    recovery.active_offsets[tp] = -1
    recovery.in_recovery = True
    with caplog.at_level(logging.WARNING, "faust.tables.recovery"):
        reading = asyncio.create_task(Recovery._slurp_changelogs(recovery))
        for offset in (0, 0):  # the second offset only wakes it up
            recovery.tables.changelog_queue.put_nowait(change(tp, offset))
        await asyncio.wait(
            {reading, asyncio.create_task(recovery.signal_recovery_end.wait())}, return_when="FIRST_COMPLETED"
        )
    assert not recovery.need_recovery()
    assert "no row of this table" in caplog.text
    assert not reading.done() and recovery.crash_reason is None
    reading.cancel()


async def test_sequence_numbers_of_aiokafka_go_on_below_zero() -> None:
    manager, tp = TransactionManager("tid", 1_000), TopicPartition("out", 0)
    for records in (2**31 - 1, 1):
        manager.increment_sequence_number(tp, records)
    assert manager.sequence_number(tp) == -(2**31), "and Kafka expects 0: every batch is refused from here on"
