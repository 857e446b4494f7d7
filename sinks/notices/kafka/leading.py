"""Which of several notifiers sends: the one to which Kafka gives the only partition of the notices."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

POLL_MS: Final = 1_000
SESSION_TIMEOUT_MS: Final = 10_000
HEARTBEAT_MS: Final = 3_000

log = logging.getLogger(__name__)

Work = Callable[[asyncio.Event], Awaitable[None]]


class _Turns(ConsumerRebalanceListener):  # type: ignore[misc]
    """Begins the work when the partition comes, and waits for its end before it goes."""

    def __init__(self, work: Work, ended: asyncio.Event) -> None:
        self._work, self._ended = work, ended
        self._stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        if assigned and self.task is None:
            log.info("leads: sends notices")
            self._stop = asyncio.Event()
            self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._work(self._stop)
        finally:
            if not self._stop.is_set():
                self._ended.set()

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        if revoked:
            await self.end()

    async def end(self) -> None:
        """Stop the work, if it runs, and wait for it. Raises what it raised."""
        task, self.task = self.task, None
        if task is not None:
            self._stop.set()
            await task
            log.info("no longer leads")


async def lead(brokers: Brokers, group: str, topic: str, work: Work, stop: asyncio.Event) -> None:
    """Do the work whenever this process leads, until `stop` is set. The work gets an event that tells it to end.

    Raises what the work raises. A process that only seems to lead can store nothing: the store fences it.
    """
    ended = asyncio.Event()
    turns = _Turns(work, ended)
    consumer = AIOKafkaConsumer(
        **client_options(brokers),
        group_id=group,
        enable_auto_commit=False,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
    )
    await consumer.start()
    try:
        consumer.subscribe([topic], listener=turns)
        while not stop.is_set() and not ended.is_set():
            consumer.pause(*consumer.assignment())  # only membership is wanted, no records
            polling: asyncio.Task[Any] = asyncio.create_task(consumer.getmany(timeout_ms=POLL_MS))
            waits = [asyncio.create_task(stop.wait()), asyncio.create_task(ended.wait())]
            await asyncio.wait({polling, *waits}, return_when=asyncio.FIRST_COMPLETED)
            for one in (polling, *waits):
                one.cancel()
                with suppress(asyncio.CancelledError):
                    await one
        await turns.end()
    finally:
        await consumer.stop()
