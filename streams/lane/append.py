"""The lane without state: it runs a step for each batch and appends the step's records in order, at least once."""

import asyncio
import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from streams.lane.appender import Appender
from streams.lane.cursors import SourceLog, start_after_commit
from streams.lane.delivery import RECORDS_PER_PRODUCER_MAX, start_producer
from streams.lane.host import Host, StartProducer
from streams.lane.records import (
    Append,
    AppendStep,
    BeforeStart,
    BeforeStep,
    Committed,
    OnAssigned,
    OnCommitted,
    OnTaken,
)
from streams.lane.stop import Stopping

log = logging.getLogger(__name__)


class AppendLane:
    """A Faust agent around one step.

    `step(topic, partition, records) -> appends` sees the records of each source partition in order and never an empty
    batch. After a crash it sees records after the group's offset again. Each output partition receives the step's
    appends in the order of the returned sequence. A batch is done when the broker has acknowledged all its appends.
    The worker awaits `before_start()` once the broker has all topics, before anything is read.
    The lane awaits `before_step(records)` before each step and then runs the step without another await.
    It calls `on_taken` before each step, `on_committed` when the batch's effect is durable, and
    `on_assigned(partitions)` after every rebalance with all partitions that it reads from now on.
    An exception in any of these ends the process without committing.
    """

    def __init__(
        self,
        app: Host,
        *,
        source_topics: Sequence[str],
        step: AppendStep,
        output_topics: Sequence[str] = (),
        before_start: BeforeStart | None = None,
        before_step: BeforeStep | None = None,
        on_taken: OnTaken | None = None,
        on_committed: OnCommitted | None = None,
        on_assigned: OnAssigned | None = None,
        records_per_producer_max: int = RECORDS_PER_PRODUCER_MAX,
        start_producer: StartProducer = start_producer,
    ) -> None:
        self._app, self._step, self._before_step = app, step, before_step
        self._on_taken, self._on_committed, self._on_assigned = on_taken, on_committed, on_assigned
        self.before_start = before_start
        self.source_topics, self.output_topics = frozenset(source_topics), frozenset(output_topics)
        self.table = None
        self.appender = Appender(
            app.lane_settings, records_per_producer_max=records_per_producer_max, start_producer=start_producer
        )
        self._finishing: set[asyncio.Task[None]] = set()
        app.add_lane(self, "lane-append", self._work)

    async def _work(self, stream: Any) -> None:
        async for event in stream.noack().events():
            with Stopping("step"):
                if self._before_step is not None and event.value.records:
                    await self._before_step(event.value.records)
                self._take(event)

    def _take(self, event: Any) -> None:
        tp, batch = event.message.tp, event.value
        self._app.source.follow(tp, batch)
        if self._on_taken is not None:
            self._on_taken()
        began_s = time.monotonic()
        appends = self._step(tp.topic, tp.partition, batch.records) if batch.records else ()
        step_s = time.monotonic() - began_s
        task = asyncio.ensure_future(self._finish(event, self.appender.append(appends), len(appends), step_s))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def _finish(self, event: Any, writing: list[asyncio.Task[None]], written: int, step_s: float) -> None:
        tp, batch, began_s = event.message.tp, event.value, time.monotonic()
        count = len(batch.records)
        with Stopping(f"appends of {tp.topic}-{tp.partition}"):
            await asyncio.gather(*writing)
            batch.records = []
            event.ack()
            if self._on_committed is not None:
                end = self._app.source.end_offset(tp)
                seconds = time.monotonic() - began_s
                self._on_committed(
                    Committed(tp.topic, tp.partition, batch.next_offset, end, count, written, step_s, seconds)
                )

    async def append(self, appends: Sequence[Append]) -> None:
        """Append records that no step returned; returns when the broker has acknowledged them. After a crash the lane
        does not repeat them: the caller must."""
        with Stopping("append beside the steps"):
            await self.appender.start()
            await asyncio.gather(*self.appender.append(appends))

    # The consumer calls these (`hooks.app.Lane`).

    def start_of(self, source: SourceLog) -> int:
        """The group's offset, or else the first retained offset. Raises Refused if the group's offset is outside the
        topic."""
        return start_after_commit(source)

    async def open(self, partitions: Iterable[int]) -> None:
        """Connect the producer before the first record is read."""
        await self.appender.start()
        if self._on_assigned is not None:
            self._on_assigned(frozenset(partitions))
        log.info("reads partitions %s of %s", sorted(partitions), ", ".join(sorted(self.source_topics)))

    async def close(self) -> None:
        """The worker is stopping: wait until all appends are acknowledged, then disconnect."""
        await asyncio.gather(*self._finishing)
        await self.appender.stop()
        log.info("closed, everything that was begun is acknowledged")
