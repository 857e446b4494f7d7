"""Running an app as a process: wait for the broker and the topics, work, and stop on a signal within a limit."""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from schemas.kafka.refusal import TurnedAway, forbidden_topics, turned_away
from schemas.secret_file import SecretFault
from streams.lane.append import AppendLane
from streams.lane.collector import GC_THRESHOLDS
from streams.lane.disk import StateOnDisk
from streams.lane.hooks.app import LaneApp
from streams.lane.hooks.worker import LaneWorker
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault, Refused, fail_stop
from streams.lane.topic_id import forbidden_of, topic_id

STOP_LIMIT_S = 10.0  # from the signal to the end of the process
BROKER_RETRY_S = 0.5
BROKER_SILENCE_TOLD_S = 5.0
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

log = logging.getLogger(__name__)


def run_worker(
    app: LaneApp,
    *,
    loglevel: str | None = "INFO",
    on_loop: Callable[[asyncio.AbstractEventLoop], None] | None = None,
) -> int:
    """Run the app in the main thread until SIGTERM or SIGINT; returns the exit code 0. `on_loop` gets the event loop
    before anything runs on it, even the wait for the broker.

    Exits with 70 or 78 (see StopCode) if the app must not continue, or if the broker or topics are missing after
    `broker_wait_s`. If `loglevel` is None, the caller has configured logging.
    """
    if loglevel is not None:
        _log_to_stderr(loglevel)
    gc.set_threshold(*GC_THRESHOLDS)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    if on_loop is not None:
        on_loop(loop)
    if not _until_signal(loop, _prepare(app)):
        return 0
    log.info("starts: app %s, group %s, process %d", app.lane_settings.app_id, app.lane_settings.group, os.getpid())
    try:
        LaneWorker(app, loop=loop, on_signal=_limit_the_end).execute_from_commandline()
    except SystemExit as end:
        log.info("ended")
        return int(end.code or 0)


def _log_to_stderr(loglevel: str) -> None:
    logging.basicConfig(stream=sys.stderr, format=LOG_FORMAT, level=logging.WARNING)
    for name in ("streams", "peserta"):
        logging.getLogger(name).setLevel(loglevel)
    # Each Faust service logs its start and stop under the module of its class.
    logging.getLogger("streams.lane.hooks").setLevel(logging.WARNING)


def _limit_the_end() -> None:
    """End the process without committing if a stop hangs, for example because the broker is gone."""
    log.info("signal: stops")
    error = LaneFault(f"not ended {STOP_LIMIT_S:.0f} s after the signal")
    timer = threading.Timer(STOP_LIMIT_S - 1, fail_stop, ("stopping", error))
    timer.daemon = True
    timer.start()


def _until_signal(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> bool:
    """Run the work; returns whether it ended by itself and not by a signal."""
    task = loop.create_task(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        loop.run_until_complete(task)
    except asyncio.CancelledError:
        return False
    except (Refused, LaneFault, TurnedAway, SecretFault) as error:
        fail_stop("start", error)
    return True


async def _prepare(app: LaneApp) -> None:
    await _wait_for_topics(app)
    for lane in app.lanes:
        if isinstance(lane, AppendLane) and lane.before_start is not None:
            await lane.before_start()
    for changelog, table in app.tables_of_lanes().items():
        if isinstance(table.states, StateOnDisk):
            table.states.settle(changelog, await topic_id(app.lane_settings, changelog))


async def _wait_for_topics(app: LaneApp) -> None:
    """Wait until the broker answers and has every topic. Raises LaneFault (no broker) or Refused (topics)."""
    settings = app.lane_settings
    log.info("waiting for broker at %s", settings.bootstrap)
    limit_s = time.monotonic() + settings.broker_wait_s
    missing = sorted(_topics(app))
    while missing:
        found = await _partitions_of_topics(settings)
        if found is not None:
            _check_counts(app, found)
            missing = sorted(_topics(app) - found.keys())
            if not found and (refusal := await turned_away(settings.bootstrap)):
                raise refusal  # to a token that is refused, aiokafka shows a broker without topics
            if missing and (hidden := await forbidden_of(settings.bootstrap, missing)):
                raise Refused(forbidden_topics(hidden))
        if time.monotonic() > limit_s and found is None:
            raise LaneFault(f"no broker at {settings.bootstrap} after {settings.broker_wait_s:.0f} s")
        if time.monotonic() > limit_s and missing:
            raise Refused(f"the broker at {settings.bootstrap} has no topics {', '.join(missing)}: create them first")
        if missing:
            await asyncio.sleep(BROKER_RETRY_S)
    if settings.topic_settings:
        await _check_settings(settings)
    log.info("broker at %s answers and has all topics", settings.bootstrap)


def _topics(app: LaneApp) -> set[str]:
    return set().union(*(_counted_topics(app), *(lane.output_topics for lane in app.lanes)))


def _counted_topics(app: LaneApp) -> set[str]:
    """The topics that must have exactly the configured number of partitions."""
    sources = set().union(*(lane.source_topics for lane in app.lanes))
    outputs = set().union(*(lane.output_topics for lane in app.lanes if not isinstance(lane, AppendLane)))
    return sources | outputs | set(app.tables_of_lanes())


def _check_counts(app: LaneApp, found: dict[str, int]) -> None:
    wanted = app.lane_settings.partitions
    wrong = [
        f"{topic} has {found[topic]}" for topic in sorted(_counted_topics(app) & found.keys()) if found[topic] != wanted
    ]
    if wrong:
        raise Refused(f"topics must have {wanted} partitions: {', '.join(wrong)}")


async def _check_settings(settings: LaneSettings) -> None:
    """Raise Refused if a topic's settings at the broker differ from what this worker requires."""
    asked = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in settings.topic_settings]
    client = AIOKafkaAdminClient(**client_options(settings.bootstrap))
    try:
        await client.start()
        answers = await client.describe_configs(asked)
    except KafkaError as error:
        raise LaneFault(f"the settings of topics cannot be read at {settings.bootstrap}") from error
    finally:
        await client.close()
    for _, _, _, topic, entries in (resource for answer in answers for resource in answer.resources):
        found = {name: value for name, value, *_ in entries}
        for name, wanted in settings.topic_settings[topic].items():
            if found.get(name) != wanted:
                raise Refused(
                    f"{settings.topic_settings_remedy} (topic {topic}: {name}={found.get(name)}, needed {wanted})"
                )


async def _partitions_of_topics(settings: LaneSettings) -> dict[str, int] | None:
    """Topic -> number of partitions; None if the broker does not answer. Raises TurnedAway."""
    client = AIOKafkaAdminClient(
        **client_options(settings.bootstrap), request_timeout_ms=int(BROKER_SILENCE_TOLD_S * 1000)
    )
    try:
        await client.start()
        return {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics()}
    except KafkaError as error:
        if refusal := await turned_away(settings.bootstrap):
            raise refusal from error
        log.warning("broker at %s: %s", settings.bootstrap, type(error).__name__)
        return None
    finally:
        await client.close()
