"""The two Faust apps: the recorder on the appending lane, the book-keeper on the transactional one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from schemas.records import Day, Instant
from schemas.wire import NO_ALIASES
from streams.bookkeeper import Bookkeeper
from streams.broker_clock import BrokerClock, patiently
from streams.clock import begin_dates, now_ms
from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.hooks.app import LaneApp
from streams.lane.records import BeforeStep, Record
from streams.lane.settings import LaneSettings
from streams.lane.stop import Stopping
from streams.lane.transactional import TransactionalLane
from streams.metrics import BookkeeperMetrics, RecorderMetrics
from streams.recorder import Recorder
from streams.schema_registry.ids import RegistryIds
from streams.settings import ON_DISK, STATE_NAME, WALL, StreamSettings
from streams.wall_clock import WallClock

# The recorder's part of the wait is the smaller one: a batch costs it two requests, whatever partitions it has, and the
# book-keeper a transaction for each.
RECORDER_PART: Final = 4
# What a fetch need not wait beyond: at a thousand facts a second these are 40 ms.
RECORDER_ENOUGH_BYTES: Final = 4 << 10
BOOKKEEPER_ENOUGH_BYTES: Final = 12 << 10
# A rebalance may wait as long for the fetch that is under way.
IDLE_MS: Final = 500


def recorder_app(settings: StreamSettings, metrics: RecorderMetrics) -> LaneApp:
    """The app that reads the inbound topics and appends to the journal. It is not connected yet."""
    topics, is_wall = settings.topics, settings.clock == WALL
    lane_settings = replace(
        _lane_settings(settings, settings.recorder_app),
        topic_settings=settings.recorder_topic_settings,
        topic_settings_remedy=settings.clock_remedy,
        gather_ms=settings.gather_ms // RECORDER_PART,
        gather_bytes=RECORDER_ENOUGH_BYTES,
    )
    broker_clock = BrokerClock(settings.kafka, topics.clock)
    wall_clock = WallClock(now_ms, broker_clock.time)
    registry = None if settings.registry is None else RegistryIds(settings.registry, topics, settings.inbound)
    recorder = Recorder(
        settings, wall_clock.stamp, metrics.recorded, NO_ALIASES if registry is None else registry.aliases
    )
    app = create_app(lane_settings)
    lane = AppendLane(
        app,
        source_topics=(*settings.inbound_names, topics.companies, topics.policies),
        step=recorder.step,
        output_topics=(topics.journal, topics.dead_letters, *([topics.clock] if is_wall else ())),
        before_start=None if registry is None else registry.begin,
        # The clock last: its answer may be too old after a wait for the registry.
        before_step=_one_after_another(
            None if registry is None else registry.before_step, wall_clock.before_step if is_wall else None
        ),
        on_taken=metrics.taken,
        on_committed=metrics.committed,
        on_assigned=metrics.assigned,
    )
    if is_wall:
        app.task(_ticking(recorder, lane, wall_clock, broker_clock))
    return app


def bookkeeper_app(settings: StreamSettings, metrics: BookkeeperMetrics) -> LaneApp:
    """The app that folds the journal. It is not connected yet."""
    topics = settings.topics
    bookkeeper = Bookkeeper(topics, settings.grace_days, metrics.folded)
    lane_settings = replace(
        _lane_settings(settings, settings.bookkeeper_app),
        state_on_disk=settings.state == ON_DISK,
        state_cache_bytes=settings.state_cache_bytes,
        gather_ms=settings.gather_ms - settings.gather_ms // RECORDER_PART,
        gather_bytes=BOOKKEEPER_ENOUGH_BYTES,
    )
    app = create_app(lane_settings)
    TransactionalLane(
        app,
        source_topics=(topics.journal,),
        state_name=STATE_NAME,
        step=bookkeeper.step,
        output_topics=(topics.ledger, topics.book_letters, topics.alerts, topics.snapshots),
        on_opened=bookkeeper.open,
        on_closed=bookkeeper.close,
        on_taken=metrics.taken,
        on_committed=metrics.committed,
        on_assigned=metrics.assigned,
        on_recovered=metrics.recovered,
    )
    return app


def _lane_settings(settings: StreamSettings, app_id: str) -> LaneSettings:
    lane_settings = LaneSettings(
        bootstrap=settings.kafka,
        app_id=app_id,
        partitions=settings.partitions,
        data_dir=Path(settings.data_dir) / app_id,
    )
    return replace(lane_settings, fetch_max_wait_ms=IDLE_MS) if settings.gather_ms else lane_settings


def _one_after_another(*each: BeforeStep | None) -> BeforeStep | None:
    """What a lane awaits before a step, in this order."""
    wanted = [one for one in each if one is not None]

    async def before_step(records: Sequence[Record]) -> None:
        for one in wanted:
            await one(records)

    return wanted[0] if len(wanted) == 1 else before_step if wanted else None


def _ticking(recorder: Recorder, lane: AppendLane, wall_clock: WallClock, broker_clock: BrokerClock) -> Any:
    async def now() -> Instant:
        return await patiently(wall_clock.hold)

    async def tick() -> None:
        async def say(on: Day, at: Instant) -> None:
            await lane.append(recorder.ticks(on, at))

        with Stopping("clock"):
            try:
                await begin_dates(say, now)
            finally:
                await broker_clock.stop()

    return tick
