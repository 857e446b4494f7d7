"""The lane with state: it runs a step for each batch and commits outputs, rows and cursor in one Kafka transaction."""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.lane.cursors import SourceLog, above, cursor_row, refuse_reserved, start_after_cursor
from streams.lane.delivery import RECORDS_PER_PRODUCER_MAX, start_producer
from streams.lane.host import Host, StartProducer
from streams.lane.records import (
    Batch,
    Committed,
    Effect,
    KeyValue,
    OnAssigned,
    OnClosed,
    OnCommitted,
    OnOpened,
    OnRecovered,
    OnTaken,
    Recovered,
    TransactionalStep,
)
from streams.lane.stop import LaneFault, Stopping
from streams.lane.transactions import PartitionProducers

Changed = Sequence[tuple[bytes, bytes | None]]

log = logging.getLogger(__name__)


class TransactionalLane:
    """A Faust agent and a Faust table around one pure step.

    `step(partition, topic, records, rows) -> Effect` sees each record of the source topics exactly once, in order, and
    never an empty batch. It must only read `rows`, the partition's rows: the lane applies the changes of the Effect.

    The lane calls `on_opened(partition, rows)` when a state is complete, before the first step; `rows` is the mapping
    that every later step gets. It calls `on_closed(partition)` when the partition was revoked, `on_taken` before each
    step, `on_committed` after the transaction, `on_assigned(partitions)` after every rebalance with all partitions that
    it reads from now on, and `on_recovered` for each of them whose state is new in this process.
    An exception in any of these ends the process without committing.
    """

    def __init__(
        self,
        app: Host,
        *,
        source_topics: Sequence[str],
        state_name: str,
        step: TransactionalStep,
        output_topics: Sequence[str] = (),
        on_opened: OnOpened | None = None,
        on_closed: OnClosed | None = None,
        on_taken: OnTaken | None = None,
        on_committed: OnCommitted | None = None,
        on_assigned: OnAssigned | None = None,
        on_recovered: OnRecovered | None = None,
        records_per_producer_max: int = RECORDS_PER_PRODUCER_MAX,
        start_producer: StartProducer = start_producer,
    ) -> None:
        self._app, self._step = app, step
        self._on_opened, self._on_closed, self._on_assigned = on_opened, on_closed, on_assigned
        self._on_taken, self._on_committed, self._on_recovered = on_taken, on_committed, on_recovered
        self.source_topics, self.output_topics = frozenset(source_topics), frozenset(output_topics)
        self.producers = PartitionProducers(
            app.lane_settings, records_per_producer_max=records_per_producer_max, start_producer=start_producer
        )
        self._last: dict[int, asyncio.Task[None]] = {}
        self._taken_over_at_s: dict[int, float] = {}
        self.table = app.add_table(self, state_name)
        self.states = self.table.states
        app.add_lane(self, f"lane-{state_name}", self._work)

    async def _work(self, stream: Any) -> None:
        async for event in stream.noack().events():
            with Stopping("step"):
                self._take(event)

    def _take(self, event: Any) -> None:
        """Run the step, and queue its transaction behind the partition's last one."""
        tp, batch = event.message.tp, event.value
        self._app.source.follow(tp, batch)
        if self._on_taken is not None:
            self._on_taken()
        began_s = time.monotonic()
        outputs, changed = self._effect_of(tp.topic, tp.partition, batch)
        step_s = time.monotonic() - began_s
        task = asyncio.ensure_future(self._commit(event, outputs, changed, step_s, self._last.get(tp.partition)))
        self._last[tp.partition] = task

    def _effect_of(self, topic: str, partition: int, batch: Batch) -> tuple[Mapping[str, Sequence[KeyValue]], Changed]:
        """What the batch's transaction writes: outputs, and changed rows with the cursor last. Both are empty if the
        state contains the whole batch already.
        """
        part = self.states.part(partition)
        records = above(batch.records, part.cursors.get(topic, -1))
        if not records:
            return {}, []
        effect = self._step(partition, topic, records, part.rows)
        self._check(effect)
        part.change(effect.changed, topic, records[-1].offset)
        outputs = {name: lines for name, lines in effect.outputs.items() if lines}
        return outputs, [*effect.changed.items(), cursor_row(topic, records[-1].offset)]

    def _check(self, effect: Effect) -> None:
        refuse_reserved(effect.changed)
        if self.table.changelog in effect.outputs:
            raise LaneFault(f"{self.table.changelog}: a step's rows go into its changes, not its outputs")

    async def _commit(
        self,
        event: Any,
        outputs: Mapping[str, Sequence[KeyValue]],
        changed: Changed,
        step_s: float,
        before: asyncio.Task[None] | None,
    ) -> None:
        tp, batch, began_s = event.message.tp, event.value, time.monotonic()
        count, written = len(batch.records), len(changed) + sum(map(len, outputs.values()))
        with Stopping(f"transaction of {tp.topic}-{tp.partition}"):
            if before is not None:
                await before
            if changed:
                changelog = self.table.changelog
                last = await self.producers.commit(tp.partition, {**outputs, changelog: changed})
                self.states.part(tp.partition).committed(changed, last[changelog])
            batch.records = []
            event.ack()
            if self._on_committed is not None:
                end = self._app.source.end_offset(tp)
                seconds = time.monotonic() - began_s
                self._on_committed(
                    Committed(tp.topic, tp.partition, batch.next_offset, end, count, written, step_s, seconds)
                )

    # The consumer and the table call these (`hooks.app.Lane`, `hooks.table.TableOwner`).

    def start_of(self, source: SourceLog) -> int:
        """The offset after the cursor. Raises Refused if the state does not fit the source."""
        return start_after_cursor(source, self.states.part(source.partition).cursors.get(source.topic))

    def owned(self) -> frozenset[int]:
        """The partitions to which only this worker can commit."""
        return self.producers.owned()

    async def own(self, partitions: set[int]) -> None:
        """Commit what is in flight, fence the predecessors of these partitions, and give up all others."""
        await self._drain()
        for partition in self.owned() - partitions:
            self._close(partition)
        before, began_s = self.owned(), time.monotonic()
        self._taken_over_at_s = {number: self._taken_over_at_s.get(number, began_s) for number in partitions}
        await self.producers.own(partitions)
        log.info(
            "owns partitions %s (%d new, %.2f s)",
            sorted(self.owned()), len(self.owned() - before), time.monotonic() - began_s,
        )  # fmt: skip

    async def open(self, partitions: Iterable[int]) -> None:
        """Pass the state of each partition that is not open yet to `on_opened`."""
        assigned = frozenset(partitions)
        if self._on_assigned is not None:
            self._on_assigned(assigned)
        for partition in sorted(assigned):
            part = self.states.part(partition)
            if part.is_open:
                continue
            if self._on_opened is not None:
                self._on_opened(partition, part.rows)
            part.is_open = True
            log.info("partition %d open: %d rows, cursors %s", partition, len(part.rows), part.cursors)
            if self._on_recovered is not None:
                seconds = time.monotonic() - self._taken_over_at_s[partition]
                self._on_recovered(Recovered(partition, len(part.rows), seconds))

    async def close(self) -> None:
        """The worker is stopping: commit what is in flight, close the partitions, disconnect."""
        await self._drain()
        for partition in self.owned():
            self._close(partition)
        await self.producers.own(set())
        self.states.close()
        log.info("closed, everything that was begun is committed")

    async def _drain(self) -> None:
        await asyncio.gather(*(task for task in self._last.values() if not task.done()))
        self._last.clear()

    def _close(self, partition: int) -> None:
        part = self.states.part(partition)
        if part.is_open:
            part.is_open = False
            if self._on_closed is not None:
                self._on_closed(partition)
