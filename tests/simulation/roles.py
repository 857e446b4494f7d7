"""What each process of the service runs: the real parts, on clients of a world in memory."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

from schemas.records import Day, Instant
from sinks.clickhouse.loop import Sink
from sinks.clickhouse.marks import Partition
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.server import Server
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import Source
from sinks.clickhouse.topics import topics
from sinks.clickhouse.warehouse import Warehouse
from streams.bookkeeper import Bookkeeper
from streams.broker_clock import BrokerClock, patiently
from streams.clock import begin_dates
from streams.lane.append import AppendLane
from streams.lane.delivery import START_LIMIT_S
from streams.lane.records import Effect, Record, Rows
from streams.lane.settings import LaneSettings
from streams.lane.state import StateInMemory, States
from streams.lane.stop import Stopping
from streams.lane.transactional import TransactionalLane
from streams.recorder import Recorder
from streams.settings import STATE_NAME, WALL
from streams.wall_clock import WallClock
from tests.simulation.broker import Broker
from tests.simulation.clickhouse import ClickHouseClient
from tests.simulation.clients import SESSION_S, Member, MemoryConsumer, MemoryProducer
from tests.simulation.host import MemoryHost
from tests.simulation.link import Uncertain
from tests.simulation.process import Process
from tests.simulation.scene import Scene
from tests.support.partition_log import COMMITTED

NOWHERE: Final = "memory:9"
SINK_SETTINGS: Final = SinkSettings(NOWHERE, "")
PLANTED_RATE: Final = 0.01  # the share of the book-keeper's steps in which an error is injected
IMPATIENCE_RATE: Final = 0.3  # the share of revocations in which the host does not wait for batches in flight
PUBLISHING_PAUSE_S: Final = 0.3
METRICS: Final = SinkMetrics()


class Planted(Exception):
    """An injected error in a step."""


class MemorySource(Source):
    """The sink's source, where topics are found without an administrator's connection."""

    def __init__(self, consumer: MemoryConsumer, broker: Broker) -> None:
        super().__init__(consumer, SINK_SETTINGS)
        self._places = list(broker.logs)

    async def partitions(self, topics: Sequence[str]) -> list[Partition]:
        return sorted(place for place in self._places if place[0] in topics)


def starting(scene: Scene, link: Uncertain) -> Callable[..., Awaitable[MemoryProducer]]:
    """What `streams.lane.delivery.start_producer` does, for producers in memory."""

    async def start(_servers: list[str], **settings: Any) -> MemoryProducer:
        producer = MemoryProducer(scene.broker, link, max_batch_size=scene.pace.batch_bytes, **settings)
        async with asyncio.timeout(START_LIMIT_S):
            await producer.start()
        return producer

    return start


def lane_settings(scene: Scene, app_id: str) -> LaneSettings:
    return LaneSettings(
        bootstrap=NOWHERE,
        app_id=app_id,
        partitions=scene.settings.partitions,
        data_dir=Path(),
        batch_records_max=scene.pace.batch_records,
        commit_interval_s=scene.pace.commit_interval_s,
        gather_ms=int(scene.pace.gather_s * 1000),
        session_timeout_s=SESSION_S,
        heartbeat_interval_s=SESSION_S / 3,
    )


def changelog_consumer(scene: Scene, link: Uncertain) -> MemoryConsumer:
    return MemoryConsumer(scene.broker, link, isolation_level=COMMITTED, share=scene.share)


def hosted(scene: Scene, link: Uncertain, app_id: str, states: States) -> MemoryHost:
    settings = lane_settings(scene, app_id)
    return MemoryHost(
        settings,
        Member(scene.broker, link, settings.group, settings.partitions),
        MemoryConsumer(scene.broker, link, share=scene.share),
        changelog_consumer(scene, link),
        waits=lambda: not scene.chance.happens(IMPATIENCE_RATE),
        states=states,
    )


async def record(scene: Scene, process: Process) -> None:
    """The recorder's worker: `streams.workers.recorder_app`."""
    link, names = scene.link(process), scene.settings.topics
    skew_ms = scene.chance.rng.choice((0, 0, -2000, 3000))
    broker_clock = BrokerClock(NOWHERE, names.clock, starting(scene, link))
    wall_clock = WallClock(
        lambda: scene.now_ms() + skew_ms + scene.clocks_off_ms.get(process.name, 0),
        broker_clock.time,
        asyncio.get_running_loop().time,
    )
    recorder = Recorder(scene.settings, wall_clock.stamp)
    host = scene.hosts[process] = hosted(scene, link, scene.settings.recorder_app, StateInMemory())
    lane = AppendLane(
        host,
        source_topics=(*scene.settings.inbound_names, names.companies, names.policies),
        step=recorder.step,
        output_topics=(names.journal, names.dead_letters),
        before_step=wall_clock.before_step if scene.settings.clock == WALL else None,
        start_producer=starting(scene, link),
    )
    if scene.settings.clock == WALL:

        async def now() -> Instant:
            return await patiently(wall_clock.hold)

        async def say(on: Day, at: Instant) -> None:
            await lane.append(recorder.ticks(on, at))

        async def tick() -> None:
            with Stopping("clock"):
                await begin_dates(say, now)

        ticking = asyncio.ensure_future(tick())
    await host.run()
    if scene.settings.clock == WALL:
        ticking.cancel()


async def keep_books(scene: Scene, process: Process) -> None:
    """The book-keeper's worker: `streams.workers.bookkeeper_app`."""
    link, names = scene.link(process), scene.settings.topics
    bookkeeper = Bookkeeper(names, scene.settings.grace_days)
    host = scene.hosts[process] = hosted(scene, link, scene.settings.bookkeeper_app, scene.states())

    def step(partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        if scene.chance.happens(PLANTED_RATE):
            scene.chance.note("A_STEP_FAILS")
            raise Planted
        return bookkeeper.step(partition, topic, records, rows)

    TransactionalLane(
        host,
        source_topics=(names.journal,),
        state_name=STATE_NAME,
        step=step,
        output_topics=(names.ledger, names.dead_letters, names.alerts, names.snapshots),
        on_opened=bookkeeper.open,
        on_closed=bookkeeper.close,
        start_producer=starting(scene, link),
    )
    await host.run()


async def carry(scene: Scene, process: Process) -> None:
    """The sink: `sinks.clickhouse.loop.run_sink`."""
    link = scene.link(process)
    read = topics(scene.settings.topics)
    client: Any = ClickHouseClient(scene.clickhouse, link, scene.chance)
    consumer = MemoryConsumer(scene.broker, link, isolation_level=COMMITTED, share=scene.share)
    sink = Sink(
        MemorySource(consumer, scene.broker),
        Warehouse(client, Server("memory")),
        read,
        METRICS,
        full_round_records=scene.pace.batch_records,
    )
    await sink.begin()
    while True:
        await sink.round()
        await asyncio.sleep(scene.pace.linger_s)


async def publish(scene: Scene, process: Process) -> None:
    """A publisher that sends unacknowledged records again when it is restarted."""
    link = scene.link(process)
    producer = MemoryProducer(scene.broker, link)
    await producer.start()
    while scene.waiting:
        due = scene.waiting[: scene.chance.rng.randint(1, 6)]
        sent = [await producer.send(t.topic, t.value, t.key, t.partition, scene.stamp(t.timestamp)) for t in due]
        for told, one in zip(due, sent, strict=True):
            at = await one
            scene.acknowledged[at.topic, at.partition, at.offset] = told
            scene.waiting.remove(told)
        await asyncio.sleep(scene.chance.rng.random() * PUBLISHING_PAUSE_S)
    await scene.command_dates(producer)
