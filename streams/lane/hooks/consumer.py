"""The consumer: one message per partition and fetch, read from the offset that the lane gives."""

import logging
import time
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from aiokafka.errors import (  # type: ignore[import-untyped]
    ConsumerStoppedError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from faust import Service
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message

from schemas.kafka.refusal import turned_away
from streams.lane.cursors import SourceLog
from streams.lane.hooks.consumer_thread import ConsumerThread
from streams.lane.progress import Hole, SourceProgress
from streams.lane.records import Batch
from streams.lane.stop import Refused, Stopping

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp

log = logging.getLogger(__name__)

BUSY_POLL_S = 0.003  # between two checks whether a partition may be fetched again
RECOVERY_POLL_S = 0.1  # the longest wait for records: an aborted tail of a changelog gives none
SOURCE_POLL_S = 1.0
REFUSAL_POLL_S = 5.0


class Consumer(driver.Consumer):
    """Yields one message per partition and fetch. It reads sources only between rebalances, and only after it has set
    their positions itself. It writes changelog records to the state itself, so that no queue of Faust can lose them.
    """

    app: "LaneApp"
    _thread: ConsumerThread

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.progress: dict[TP, SourceProgress] = {}
        self._positioned_for: tuple[int, int] | None = None
        self._unreadable_in: tuple[int, int] | None = None  # the rebalance of which that was said
        self._tables = self.app.tables_of_lanes()
        self._settings = self.app.lane_settings

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _rebalance(self) -> tuple[int, int]:
        return self.app.rebalancing_count, self.app.consumer_generation_id

    async def _wait_next_records(self, timeout: float) -> tuple[dict[TP, Any], set[TP]]:  # noqa: ASYNC109
        """Replaced because Faust fetches sources while it is still seeking, and then clears the queues with their
        records (recovery.py on_recovery_completed, mode/utils/queues.py resume). It also sleeps for a second when there
        is nothing to fetch.
        """
        with Stopping("reading"):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)  # type: ignore[arg-type]
            rebalance = self._rebalance()
            wanted, timeout = await self._wanted()
            if not wanted:  # for aiokafka an empty set means all
                await self.sleep(timeout)
                return {}, wanted
            try:
                fetched = cast(dict[TP, Batch], await self._getmany(wanted, timeout))
            except ConsumerStoppedError:
                if not self.app.should_stop:
                    raise
                await self.sleep(timeout)
                return {}, set()
            except (NoOffsetForPartitionError, OffsetOutOfRangeError):
                # A fetch may outlast a rebalance and then meet partitions without a position.
                if self._rebalance() == rebalance:
                    raise
                return {}, wanted
            if self._rebalance() != rebalance:
                return {}, wanted  # the new assignment sets positions again
            return fetched, wanted

    async def _wanted(self) -> tuple[set[TP], float]:
        """The partitions to fetch from, and how long to wait for their records."""
        active = set(self._get_active_partitions())
        sources = {tp for tp in active if tp.topic not in self._tables}
        if self.app.rebalancing or not await self._positioned(sources):
            return active - sources, RECOVERY_POLL_S
        busy = {tp for tp in sources if self._busy(self.progress[tp])}
        return active - busy, BUSY_POLL_S if busy or not active else SOURCE_POLL_S

    def knows_broker(self) -> bool:
        """Whether the broker answers."""
        return self._thread.knows_broker()

    def is_positioned(self) -> bool:
        """Whether the sources of the current assignment have their positions and the states behind them are
        complete."""
        return self._positioned_for == self._rebalance()

    def _busy(self, progress: SourceProgress) -> bool:
        settings = self._settings
        return progress.busy(
            in_flight_max=settings.batches_in_flight, interval_s=settings.batch_interval_s, now_s=time.monotonic()
        )

    @Service.task
    async def _end_when_turned_away(self) -> None:
        """aiokafka keeps what a group is refused for whoever reads next, and nobody reads before something is assigned;
        a connection that is refused it tries again for ever."""
        while not self.should_stop:
            await self.sleep(REFUSAL_POLL_S)
            with Stopping("group"):
                self._thread.check_group()
                if not self.knows_broker() and (refusal := await turned_away(self._settings.bootstrap)):
                    raise refusal

    # ------------------------------------------------------------------------------------------------- position

    async def _positioned(self, active: set[TP]) -> bool:
        rebalance = self._rebalance()
        if self._positioned_for == rebalance:
            return True
        sources = {TP(*tp) for tp in self.assignment() if tp.topic not in self._tables}
        if not sources <= active:
            return False  # Faust has not finished
        try:
            if not await self._position(sources):
                return False
        except IllegalStateError:
            if self._rebalance() == rebalance:
                raise
        if self._rebalance() != rebalance:
            return False
        self._positioned_for = rebalance
        return True

    async def _position(self, sources: set[TP]) -> bool:
        """Set the sources' positions; returns False while a state is not read to the end of its changelog."""
        tables = ((tp.partition, self.app.lane_of(tp.topic).table) for tp in sources)
        if any(table is not None and partition not in table.owned() for partition, table in tables):
            return False
        changelogs = {TP(topic, number) for topic, table in self._tables.items() for number in table.owned()}
        if await self._limits(sources, changelogs) is None:
            return False
        committed = await self._thread.committed(sources)
        # Ask again: if this worker was suspended here while others went on, it would compare their newer offsets with
        # old ends and believe that its state was lost.
        limits = await self._limits(sources, changelogs)
        if limits is None:
            return False
        begins, ends = limits
        logs = {tp: SourceLog(tp.topic, tp.partition, begins[tp], ends[tp], committed[tp]) for tp in sources}
        try:
            starts = {tp: self.app.lane_of(tp.topic).start_of(source) for tp, source in logs.items()}
        except Refused:
            # A worker that was suspended, and does not know yet that it has a successor, may read what that committed
            # in the group before it can read the successor's transaction. It is not its state that was lost.
            if not await self._is_undecided(changelogs, ends):
                raise
            if self._unreadable_in != self._rebalance():
                self._unreadable_in = self._rebalance()
                log.warning("a changelog has records that cannot be read yet: waits for them before it refuses")
            return False
        for lane in self.app.lanes:
            await lane.open({tp.partition for tp in sources if tp.topic in lane.source_topics})
        if starts:
            await self.seek_wait(starts)
        self.progress = {tp: SourceProgress(f"{tp.topic}-{tp.partition}", start) for tp, start in starts.items()}
        for tp, source in logs.items():
            # The last worker died after its transaction and before it committed the group's offset.
            if source.begin < starts[tp] and (source.committed is None or source.committed < starts[tp]):
                self.progress[tp].stand()
        return True

    async def _is_undecided(self, changelogs: set[TP], ends: Mapping[TP, int]) -> bool:
        """Whether a changelog goes on behind its end as readers see it. This worker has begun no transaction, and has
        ended those of its predecessors."""
        written = await self.written(changelogs)
        return any(written[tp] > ends[tp] for tp in changelogs)

    async def written(self, partitions: set[TP]) -> Mapping[TP, int]:
        """The partitions' ends, with records whose transaction is not decided or cannot be read yet."""
        return await self._thread.written(partitions) if partitions else {}

    async def _limits(self, sources: set[TP], changelogs: set[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]] | None:
        """Beginnings and ends of the sources; None while a state does not contain its changelog to the end."""
        ends = await self.highwaters(*sources, *changelogs)
        begins = await self.earliest_offsets(*sources, *changelogs)
        contained = {tp: self._tables[tp.topic].states.part(tp.partition).contained for tp in changelogs}
        if any(max(contained[tp], begins[tp] - 1) < ends[tp] - 1 for tp in changelogs):
            return None
        return begins, ends

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        """Faust seeks a changelog to one before its beginning (recovery.py _build_offsets), which is out of range."""
        changelogs = [tp for tp in partitions if tp.topic in self._tables]
        begins = await self.earliest_offsets(*changelogs) if changelogs else {}
        with Stopping("seek"):
            for tp, begin in begins.items():
                self._tables[tp.topic].states.part(tp.partition).begin_at(begin, f"{tp.topic}-{tp.partition}")
        await super().seek_wait({tp: max(offset, begins.get(tp, 0)) for tp, offset in partitions.items()})

    # ------------------------------------------------------------------------------------------------- messages

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109
        """One message per partition and fetch. Its offset is the last one that its batch covers."""
        fetched, _ = await self._wait_next_records(timeout)
        rebalance = self._rebalance()
        for tp, batch in [(TP(*tp), batch) for tp, batch in fetched.items()]:
            if self.should_stop or not self.flow_active or self._rebalance() != rebalance:
                return
            with Stopping("reading"):
                wanted = self._read_changelog(tp, batch) if tp.topic in self._tables else self._deliver(tp, batch)
            if wanted:
                yield tp, self._message(tp, batch)

    def _read_changelog(self, tp: TP, batch: Batch) -> bool:
        """Apply a changelog batch; returns whether Faust must be sent a message with its last offset. Faust also needs
        one for a batch of markers only, and another one if its queue was cleared; otherwise it would wait for ever.
        """
        self._tables[tp.topic].states.part(tp.partition).read(batch, f"{tp.topic}-{tp.partition}")
        batch.records = []
        recovery = self.app.tables.recovery  # type: ignore[attr-defined]
        heard = (recovery.active_offsets if tp in recovery.active_tps else recovery.standby_offsets).get(tp)
        return batch.next_offset - 1 > (-1 if heard is None else heard)

    def _deliver(self, tp: TP, batch: Batch) -> bool:
        if batch.next_offset == batch.start:
            return False
        self.progress[tp].deliver(batch, time.monotonic())
        return True

    def _message(self, tp: TP, batch: Batch) -> Message:
        at_s, kind = (batch.records[-1].timestamp / 1000.0, 0) if batch.records else (0.0, 0)
        return ConsumerMessage(
            tp.topic, tp.partition, batch.next_offset - 1, at_s, kind, None, None, cast(Any, batch), None, 0, 0, tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    def follow(self, tp: TP, batch: Batch) -> None:
        """Call this before a batch is processed; raises Hole if records before it are missing."""
        if tp not in self.progress:
            raise Hole(f"{tp.topic}-{tp.partition}: a batch of a partition that is no longer read")
        self.progress[tp].follow(batch)

    def end_offset(self, tp: TP) -> int:
        """The partition's end, as the broker last reported it."""
        return int(self.highwater(tp) or 0)

    # ------------------------------------------------------------------------------------------------- commits

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: Faust sees a gap between any two batches, but each batch covers the offsets before it."""

    def ack(self, message: Message) -> bool:
        """Record that the batch's effect is durable."""
        progress = self.progress.get(message.tp)
        if progress is not None:
            progress.acknowledge(message.offset + 1)
        return super().ack(message)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
        return (tp for tp in list(self.progress) if topics is None or tp in topics or tp.topic in topics)

    def _new_offset(self, tp: TP) -> int | None:
        progress = self.progress.get(tp)
        done = None if progress is None else progress.committable()
        if done is not None:
            self._acked[tp][:] = [offset for offset in self._acked[tp] if offset >= done]
            self._acked_index[tp].difference_update([offset for offset in self._acked_index[tp] if offset < done])
        return done

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Faust waits here for batches in flight, and commits."""
        await super().on_partitions_revoked(revoked)
        self.progress = {}


class Transport(driver.Transport):
    """Faust's transport with the lane's consumer."""

    Consumer = Consumer
