"""All that the lane takes from the inside of faust-streaming 0.15.3 and aiokafka 0.14, in one place.

`pins.py` lists the code behind it, with the reason and a digest; a test fails when one of them changes.
"""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

import faust
from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    ConsumerStoppedError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from aiokafka.producer import sender as aiokafka_sender  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]
from faust.serializers.schemas import Schema
from faust.stores.base import Store
from faust.topics import Topic
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage, Message
from yarl import URL

from streams.lane.cursors import SourceLog
from streams.lane.disk import StateOnDisk
from streams.lane.host import Work
from streams.lane.progress import Hole, SourceProgress
from streams.lane.readiness import Standing
from streams.lane.records import Batch, Record
from streams.lane.settings import LaneSettings
from streams.lane.state import StateInMemory, States
from streams.lane.stop import LaneFault, Stopping, fail_stop

BUSY_POLL_S = 0.003  # between two looks whether a partition has room again
RECOVERY_POLL_S = 0.1  # an aborted tail of a changelog gives no records: do not wait longer for them
SOURCE_POLL_S = 1.0
BROKER_ANSWER_LIMIT_S = 30.0
OWNERSHIP_LIMIT_S = 45.0  # all producers of an assignment started
READABLE_LOOK_S = 0.02  # between two looks whether what was committed here can be read
READABLE_LOOKS_SILENT = 50
READABLE_LOOKS_MAX = 750
RECOVERY_BUFFER_MESSAGES = 4  # 1 would make Faust read changelogs on beside the sources (recovery.py _restart_recovery)

log = logging.getLogger(__name__)


class Lane(Protocol):
    """What the consumer asks of a lane; source topics belong to exactly one."""

    @property
    def source_topics(self) -> frozenset[str]: ...
    @property
    def output_topics(self) -> frozenset[str]: ...
    @property
    def table(self) -> "PartitionTable | None": ...

    def start_of(self, log: SourceLog) -> int:
        """The offset at which a source partition is read; may raise Refused."""

    async def open(self, partitions: Iterable[int]) -> None:
        """These partitions are about to be read; their state is complete."""

    async def close(self) -> None:
        """The worker stops: wait for what is under way, disconnect."""


class LaneApp(faust.App):
    """A Faust app of lanes. A crash of any of its services ends the process without committing."""

    lane_settings: LaneSettings
    lanes: list[Lane]

    @property
    def source(self) -> "Consumer":
        """The consumer that the lanes read from."""
        return cast(Consumer, self.consumer)

    def add_lane(self, lane: Lane, name: str, work: Work) -> None:
        """A lane that an agent of ours gives the batches of its source topics."""
        self.lanes.append(lane)
        self.agent(BatchTopic.of_sources(self, sorted(lane.source_topics)), name=name)(work)

    def add_table(self, owner: "TableOwner", name: str) -> "PartitionTable":
        """A table of one of our lanes, in the kind of store that the settings ask for."""
        settings = self.lane_settings
        states: States = StateInMemory()
        if settings.state_on_disk:
            states = StateOnDisk(settings.data_dir / "state", settings.state_cache_bytes)
        table = PartitionTable(
            self, owner=owner, states=states, name=name, partitions=settings.partitions,
            recovery_buffer_size=RECOVERY_BUFFER_MESSAGES,
        )  # fmt: skip
        self.tables.add(table)
        return table

    def lane_of(self, topic: str) -> Lane:
        """The lane that reads this topic."""
        for lane in self.lanes:
            if topic in lane.source_topics:
                return lane
        raise LaneFault(f"{topic} is assigned, but no lane reads it")

    def standing(self) -> Standing:
        """Where the worker stands now; may be asked from any thread, as nothing is made and nothing is awaited."""
        consumer = cast("Consumer | None", self._consumer)  # the property would make one
        if consumer is None:
            return Standing(stops=self.should_stop)
        return Standing(
            knows_broker=consumer.knows_broker(),
            is_assigned=self.rebalancing_count > 0,
            rebalances=self.rebalancing,
            is_positioned=consumer.is_positioned(),
            stops=self.should_stop,
        )

    def tables_of_lanes(self) -> dict[str, "PartitionTable"]:
        """Changelog topic -> table."""
        return {table.changelog: table for lane in self.lanes if (table := lane.table) is not None}

    async def on_stop(self) -> None:
        """First the sources are closed and what is under way is committed, then the producers go."""
        await super().on_stop()
        for lane in self.lanes:
            await lane.close()

    def _crash(self, reason: BaseException) -> None:
        # mode/services.py Service.crash marks every parent; the graceful stop after it would commit
        # (app/base.py _stop_consumer).
        if self.should_stop and isinstance(reason, asyncio.CancelledError):
            super()._crash(reason)
            return
        fail_stop("a Faust service", reason)


# ------------------------------------------------------------------------------------------------------------- topics


class BatchSchema(Schema):  # type: ignore[type-arg]
    """Hands a Batch through: Faust builds a topic's decoder with Schema.compile, and one that fails would ack early."""

    def compile(self, app: Any, **_options: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def decode(message: Message, *, propagate: bool = False) -> Any:
            return app.create_event(None, message.value, None, message)

        return decode


class BatchTopic(Topic):
    """A topic whose event value is the Batch of one partition and fetch."""

    def __init__(self, app: Any, **options: Any) -> None:
        if not isinstance(options.get("schema"), BatchSchema):
            options["schema"] = BatchSchema(
                key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
            )
        super().__init__(app, **options)

    @classmethod
    def of_sources(cls, app: "LaneApp", topics: Sequence[str]) -> "BatchTopic":
        """For an agent. Its queue never fills: back-pressure is not fetching; a full queue would pause for a second."""
        settings = app.lane_settings
        depth = 2 * settings.batches_in_flight * settings.partitions * len(topics)
        return cls(app, topics=list(topics), partitions=settings.partitions, maxsize=depth)


# ----------------------------------------------------------------------------------------------------------- consumer


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread that talks to the broker: reads what is committed, says what stretch of the log a fetch covers."""

    app: LaneApp
    _seeks = 0

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        settings = self.app.lane_settings
        # Faust ties this to app.in_transaction, which would switch the commit path too and take last_stable_offset(),
        # unknown before the first fetch, for end_offsets (drivers/aiokafka.py _highwaters).
        consumer._isolation_level = "read_committed"
        # Faust: 1500. A partition just emptied or sought waits until the running fetch gives up.
        consumer._fetch_max_wait_ms = settings.fetch_max_wait_ms
        # An offset out of range must be an error: a silent reset to the earliest record hides what was deleted unread.
        consumer._auto_offset_reset = "none"
        consumer._group_id = settings.group
        return consumer

    async def _fetch_records(
        self,
        consumer: AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's signature
        max_records: int | None = None,
    ) -> dict[TP, Any]:
        seeks, before = self._seeks, self._positions(consumer, active_partitions)
        records = await super()._fetch_records(consumer, active_partitions, timeout=timeout, max_records=max_records)
        if self._seeks != seeks:
            before = {}
        # No await since the records were taken: the positions are those behind them.
        after = self._positions(consumer, active_partitions)
        return {tp: _batch(list(records.get(tp, ())), before.get(tp), end) for tp, end in after.items()}

    async def _seek_wait(self, consumer: AIOKafkaConsumer, partitions: Mapping[TP, int]) -> None:
        self._seeks += 1
        await super()._seek_wait(consumer, partitions)

    async def committed(self, partitions: Iterable[TP]) -> dict[TP, int | None]:
        """The group's committed offsets, None where there is none."""
        return cast(dict[TP, int | None], await self.call_thread(self._committed, list(partitions)))

    async def _committed(self, partitions: list[TP]) -> dict[TP, int | None]:
        ask = self._ensure_consumer().committed
        offsets = await asyncio.gather(*(ask(TopicPartition(*tp)) for tp in partitions))
        return dict(zip(partitions, offsets, strict=True))

    def knows_broker(self) -> bool:
        """Whether the group's coordinator answers: aiokafka forgets it at the first heartbeat that fails."""
        coordinator = None if self._consumer is None else self._consumer._coordinator
        return coordinator is not None and coordinator.coordinator_id is not None

    @staticmethod
    def _positions(consumer: AIOKafkaConsumer, partitions: Iterable[TP]) -> dict[TP, int]:
        subscription = consumer._subscription.subscription
        assignment = subscription and subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in partitions} if assignment else {}
        return {tp: state.position for tp, state in states.items() if state is not None and state.has_valid_position}


def _batch(records: list[Record], before: int | None, after: int) -> Batch:
    """Start where the consumer stood before the fetch; where that is unknown, claim no more than what is seen."""
    first = records[0].offset if records else after
    return Batch(records, first if before is None else min(before, first), after)


class Consumer(driver.Consumer):
    """Yields one message per partition and fetch. Sources are read only between rebalances, and only after this class
    itself has put them where the lanes say; changelogs go into the state here, so that no queue of Faust can lose them.
    """

    app: LaneApp
    _thread: ConsumerThread

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.progress: dict[TP, SourceProgress] = {}
        self._positioned_for: tuple[int, int] | None = None
        self._tables = self.app.tables_of_lanes()
        self._settings = self.app.lane_settings

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _rebalance(self) -> tuple[int, int]:
        return self.app.rebalancing_count, self.app.consumer_generation_id

    async def _wait_next_records(self, timeout: float) -> tuple[dict[TP, Any], set[TP]]:  # noqa: ASYNC109
        """Faust fetches sources while it still seeks, then clears the queues into which they went (recovery.py
        on_recovery_completed, mode/utils/queues.py resume); and where nothing is to be fetched it sleeps for a second.
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
                # A fetch goes on over a rebalance, and then meets partitions that nobody has sought yet.
                if self._rebalance() == rebalance:
                    raise
                return {}, wanted
            if self._rebalance() != rebalance:
                return {}, wanted  # of an assignment that is no more; the next one positions anew
            return fetched, wanted

    async def _wanted(self) -> tuple[set[TP], float]:
        """The partitions to fetch from now, and how long to wait for records of them."""
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
        """Whether the sources of the present assignment are where their lanes say, the states behind them complete."""
        return self._positioned_for == self._rebalance()

    def _busy(self, progress: SourceProgress) -> bool:
        settings = self._settings
        return progress.busy(
            in_flight_max=settings.batches_in_flight, interval_s=settings.batch_interval_s, now_s=time.monotonic()
        )

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
        """Put the sources where their lanes say; False while a state is not read to the end of its changelog."""
        tables = ((tp.partition, self.app.lane_of(tp.topic).table) for tp in sources)
        if any(table is not None and partition not in table.owned() for partition, table in tables):
            return False
        changelogs = {TP(topic, number) for topic, table in self._tables.items() for number in table.owned()}
        if await self._limits(sources, changelogs) is None:
            return False
        committed = await self._thread.committed(sources)
        # Once more: a worker that slept here while others went on would hold their offsets against older ends, and take
        # its state for lost.
        limits = await self._limits(sources, changelogs)
        if limits is None:
            return False
        begins, ends = limits
        logs = {tp: SourceLog(tp.topic, tp.partition, begins[tp], ends[tp], committed[tp]) for tp in sources}
        starts = {tp: self.app.lane_of(tp.topic).start_of(log) for tp, log in logs.items()}
        for lane in self.app.lanes:
            await lane.open({tp.partition for tp in sources if tp.topic in lane.source_topics})
        if starts:
            await self.seek_wait(starts)
        self.progress = {tp: SourceProgress(f"{tp.topic}-{tp.partition}", start) for tp, start in starts.items()}
        for tp, log in logs.items():
            # The last worker died after its transaction and before the group heard of it.
            if log.begin < starts[tp] and (log.committed is None or log.committed < starts[tp]):
                self.progress[tp].stand()
        return True

    async def _limits(self, sources: set[TP], changelogs: set[TP]) -> tuple[Mapping[TP, int], Mapping[TP, int]] | None:
        """Where these begin and end; None while a state does not contain its changelog to that end."""
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
        """One message per partition and fetch; its offset is the last of the stretch that it stands for."""
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
        """Whether Faust has yet to hear that its changelog was read so far: also when only markers were passed, and
        again when its queue was cleared; else it would wait for them for ever.
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
        """Call it before a batch is processed; raises Hole when something is missing before it."""
        if tp not in self.progress:
            raise Hole(f"{tp.topic}-{tp.partition}: a batch of a partition that is no longer read")
        self.progress[tp].follow(batch)

    def end_offset(self, tp: TP) -> int:
        """Where the partition ended when the broker last said so."""
        return int(self.highwater(tp) or 0)

    # ------------------------------------------------------------------------------------------------- commits

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Between batches are always gaps for Faust; they are covered by the batch's stretch."""

    def ack(self, message: Message) -> bool:
        """The batch's effect is durable."""
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
        """Faust waits here for what is under way, and commits."""
        await super().on_partitions_revoked(revoked)
        self.progress = {}


class Transport(driver.Transport):
    """Faust's transport with the lane's consumer."""

    Consumer = Consumer


# -------------------------------------------------------------------------------------------------------------- table


class TableOwner(Protocol):
    """The lane behind a table."""

    async def own(self, partitions: set[int]) -> None:
        """Fence every predecessor of these partitions, give up all others."""

    def owned(self) -> frozenset[int]:
        """The partitions to which only we can commit."""


class PartitionStore(Store):  # type: ignore[type-arg]
    """What Faust asks of a table's storage; the rows are in the lane's states, filled by the consumer."""

    table: "PartitionTable"

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """Nothing: the consumer has read it already. (Faust only logs an error here, recovery.py _slurp_changelogs.)"""

    def persisted_offset(self, tp: TP) -> int | None:
        """Where Faust's recovery continues; None: at the beginning."""
        contained = self.table.states.part(tp.partition).contained
        return None if contained < 0 else contained

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Keep what we own or stand by for, forget the rest."""
        for partition in self.table.states.partitions() - {
            tp.partition for tp in assigned if tp.topic == self.table.changelog
        }:
            self.table.states.drop(partition)

    def backup_partition(self, *_: Any, **__: Any) -> Any:
        """Not possible: nothing is on disk."""
        raise LaneFault("a lane's state has no backup but its changelog")

    restore_backup = backup_partition

    def __getitem__(self, key: bytes) -> bytes:
        for row, value in self.table.states.items():
            if row == key:
                return value
        raise KeyError(key)

    def __iter__(self) -> Any:
        return (key for key, _ in self.table.states.items())

    def __len__(self) -> int:
        return len(list(self.table.states.items()))

    def __setitem__(self, key: bytes, value: bytes) -> None:
        raise LaneFault("a lane's rows change through steps only")

    def __delitem__(self, key: bytes) -> None:
        raise LaneFault("a lane's rows change through steps only")

    def clear(self) -> None:
        """Not possible."""
        raise LaneFault("a lane's rows change through steps only")

    def reset_state(self) -> None:
        """Forget everything; the changelog has it."""
        for partition in self.table.states.partitions():
            self.table.states.drop(partition)


class PartitionTable(faust.Table):  # type: ignore[type-arg]
    """A Faust table whose rows belong to a partition, and whose changelog is written in the batches' transactions."""

    app: LaneApp

    def __init__(self, app: LaneApp, *, owner: TableOwner, states: States, **options: Any) -> None:
        self.states = states
        self._owner = owner
        super().__init__(app, key_type=bytes, value_type=bytes, **options)
        self.changelog: str = app.lane_settings.changelog_topic(self.name)

    def owned(self) -> frozenset[int]:
        """The partitions to which only this worker can commit."""
        return self._owner.owned()

    def _new_store(self) -> PartitionStore:
        return PartitionStore(URL("partition://"), self.app, self, table_name=self.name)

    def _new_changelog_topic(self, **_options: Any) -> BatchTopic:
        return BatchTopic(
            self.app, topics=[self.changelog], partitions=self.partitions, compacting=True, acks=False, internal=True,
            allow_empty=True,
        )  # fmt: skip

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Awaited inside the rebalance, before recovery starts (tables/manager.py on_rebalance). `assigned` holds
        standbys too: initialising for one would fence its live owner.
        """
        with Stopping("taking over partitions"):
            if generation_id != self.app.consumer_generation_id:
                return  # a newer rebalance is under way and will call again (recovery.py on_rebalance does the same)
            actives = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == self.changelog}
            async with asyncio.timeout(OWNERSHIP_LIMIT_S):
                await self._owner.own(actives)
            changelogs = {tp for tp in assigned if tp.topic == self.changelog}
            kept = {tp for tp in changelogs if tp.partition in self.states.partitions()}
            if kept:
                await self._until_readable(kept)
            if self.states.outlive_process:
                await self._take_up(changelogs)
            await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _until_readable(self, kept: set[TP]) -> None:
        """A broker acknowledges a commit a moment before it can be read. To Faust, who looks now, the state of a
        partition that stays here would go beyond its changelog, and that ends the process (recovery.py
        _restart_recovery); where it still does so after the limit, it should.
        """
        contained = {tp: self.states.part(tp.partition).contained for tp in kept}
        for look in range(READABLE_LOOKS_MAX):
            ends = await self.app.source.highwaters(*kept)
            if all(offset < ends[tp] for tp, offset in contained.items()):
                return
            if look == READABLE_LOOKS_SILENT:
                log.warning("a rebalance waits until what was committed here can be read")
            await asyncio.sleep(READABLE_LOOK_S)

    async def _take_up(self, changelogs: set[TP]) -> None:
        """Predecessors of what we own are fenced: an end of a changelog that is asked for now stands. What we stand by
        for is written to, and the last of it (by ourselves, before a restart) may not be readable yet.
        """
        new = [tp for tp in changelogs if tp.partition not in self.states.partitions()]
        if not new:
            return
        begins, ends = await self.app.source.earliest_offsets(*new), await self.app.source.highwaters(*new)
        for tp in new:
            self.states.take_up(tp.partition, begins[tp], ends[tp] if tp.partition in self.owned() else None)


# ------------------------------------------------------------------------------------------------- worker and aiokafka


class LaneWorker(faust.Worker):
    """A Faust worker that says nothing of its own, ends on SIGTERM or SIGINT, and calls `on_signal` first."""

    def __init__(self, app: LaneApp, *, on_signal: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(app, loop=loop, quiet=True, redirect_stdouts=False, override_logging=False)
        self.spinner = None
        self._on_signal = on_signal

    def install_signal_handlers(self) -> None:
        """Two signals only: mode also starts a debugger on SIGUSR2 (mode/worker.py)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._end, number)

    def _end(self, number: signal.Signals) -> None:
        self._on_signal()
        self._schedule_shutdown(number)


def set_marker_wait(milliseconds: int) -> None:
    """How long aiokafka waits when a transaction's markers are not yet written; it has no setting for it (20 ms)."""
    aiokafka_sender.BACKOFF_OVERRIDE = milliseconds / 1000
