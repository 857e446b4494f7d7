"""Which of several notifiers sends: the one to which Kafka's group gives the only partition of the notices."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition  # type: ignore[import-untyped]
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.ending import end
from schemas.kafka.refusal import forbidden
from sinks.notices.faults import StoreLost

POLL_MS: Final = 1_000
SESSION_TIMEOUT_MS: Final = 10_000
HEARTBEAT_MS: Final = 1_000
METADATA_MS: Final = 5_000  # how late the making of the topic may be noticed
# Longer than a leader needs to end its attempts and store what they brought: Kafka gives the lead away after it.
HAND_OVER_LIMIT_MS: Final = 60_000

log = logging.getLogger(__name__)

Work = Callable[[asyncio.Event], Awaitable[None]]


class _Turns(ConsumerRebalanceListener):  # type: ignore[misc]
    """This process's turns to lead. A partition goes only when its turn is over."""

    def __init__(self) -> None:
        self.is_member = False  # Kafka has said whose turn it is
        self.begun = asyncio.Event()
        self.over = asyncio.Event()  # the work of this turn is to end
        self.idle = asyncio.Event()  # it has ended
        self.idle.set()

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        self.is_member = True
        if assigned:
            self.over = asyncio.Event()
            self.begun.set()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        self.is_member = False
        self.begun.clear()
        self.over.set()
        await self.idle.wait()


async def lead(
    brokers: Brokers,
    group: str,
    topic: str,
    work: Work,
    stop: asyncio.Event,
    on_standby: Callable[[], None] = lambda: None,
) -> None:
    """Do the work whenever this process leads, until `stop` is set. The work gets an event that tells it to end.

    `on_standby` is called while this process is a member of the group and does not lead. Raises what the work raises,
    and StoreLost if Kafka refuses the group. A process that only seems to lead can store nothing: the store fences it.
    """
    turns = _Turns()
    consumer = AIOKafkaConsumer(
        **client_options(brokers),
        group_id=group,
        enable_auto_commit=False,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        rebalance_timeout_ms=HAND_OVER_LIMIT_MS,
        metadata_max_age_ms=METADATA_MS,
        partition_assignment_strategy=(RoundRobinPartitionAssignor,),
    )
    try:
        await consumer.start()
        consumer.subscribe([topic], listener=turns)
        membership = asyncio.create_task(_stay_a_member(consumer, topic, turns, on_standby))
        try:
            await _work_in_turns(turns, work, stop, membership)
        finally:
            await _cancelled(membership)
    except KafkaError as error:
        reason = forbidden(error) or f"{type(error).__name__}: Kafka does not answer as it should"
        raise StoreLost(f"No turn to send notices: {reason}.") from error
    finally:
        await consumer.stop()


async def _stay_a_member(consumer: AIOKafkaConsumer, topic: str, turns: _Turns, on_standby: Callable[[], None]) -> None:
    """Poll as a member must. Records are not wanted, only the turn. Raises KafkaError."""
    while True:
        assigned = consumer.assignment()
        consumer.pause(*assigned)
        if turns.is_member and not assigned and consumer.partitions_for_topic(topic):
            on_standby()
        await consumer.getmany(timeout_ms=POLL_MS)


async def _work_in_turns(turns: _Turns, work: Work, stop: asyncio.Event, membership: "asyncio.Task[None]") -> None:
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            begun = asyncio.create_task(turns.begun.wait())
            await asyncio.wait({stopped, begun, membership}, return_when=asyncio.FIRST_COMPLETED)
            await _cancelled(begun)
            if membership.done():
                membership.result()
            if turns.begun.is_set() and not stop.is_set():
                await _one_turn(turns, work, {stopped, membership})
    finally:
        await _cancelled(stopped)


async def _one_turn(turns: _Turns, work: Work, ends: "set[asyncio.Task[Any]]") -> None:
    """Work until the turn is over, or one of `ends` is done."""
    over = turns.over
    turns.idle.clear()
    turns.begun.clear()
    log.info("leads: sends notices")
    working = asyncio.ensure_future(work(over))
    try:
        await asyncio.wait({working, *ends}, return_when=asyncio.FIRST_COMPLETED)
        over.set()
        await working
    finally:
        await _cancelled(working)
        turns.idle.set()
        log.info("no longer leads")


async def _cancelled(task: "asyncio.Future[Any]") -> None:
    """Cancel what has not ended, and wait for it. What it raised has been raised, or is of no interest any more."""
    if not task.done():
        await end(task)
        if not task.cancelled():
            task.result()
