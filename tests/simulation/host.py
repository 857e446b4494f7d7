"""A small replacement for Faust and the lane's consumer: it joins a group, takes over partitions and reads them.

It keeps their order (streams/lane/README.md, "Why it is safe"): fence, recover, open, position, work. The code that
decides is real: the lane, SourceProgress, PartitionState. Only their caller is replaced.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import IllegalGenerationError, UnknownMemberIdError  # type: ignore[import-untyped]

from streams.lane.cursors import SourceLog
from streams.lane.host import Work
from streams.lane.progress import Hole, SourceProgress
from streams.lane.records import Batch
from streams.lane.settings import LaneSettings
from streams.lane.state import States
from streams.lane.stop import Refused, Stopping
from tests.simulation.clients import Member, MemoryConsumer

POLL_S: Final = 2.0
BUSY_POLL_S: Final = 0.05


@dataclass
class MemoryTable:
    """The changelog of a lane's state; `owner` is the lane."""

    changelog: str
    owner: Any
    states: States

    def owned(self) -> frozenset[int]:
        found: frozenset[int] = self.owner.owned()
        return found


class Event:
    """An agent's event: a batch, and a way to acknowledge it."""

    def __init__(self, host: "MemoryHost", tp: TopicPartition, batch: Batch) -> None:
        self.message, self.value = SimpleNamespace(tp=tp), batch
        self._host, self._next_offset = host, batch.next_offset

    def ack(self) -> None:
        progress = self._host.progress.get(self.message.tp)
        if progress is not None:
            progress.acknowledge(self._next_offset)
        self._host.acknowledged.set()


class Stream:
    """The part of a Faust stream that a lane uses."""

    def __init__(self, queue: "asyncio.Queue[Event]") -> None:
        self._queue = queue

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        while True:
            yield await self._queue.get()


class MemoryHost:
    """Runs one lane. `sources` reads the lane's sources and `changelogs` its state; each fetch is a batch. `waits`
    decides whether it waits for batches in flight when partitions are revoked.
    """

    def __init__(
        self,
        settings: LaneSettings,
        member: Member,
        sources: MemoryConsumer,
        changelogs: MemoryConsumer,
        waits: Callable[[], bool],
        states: States,
    ) -> None:
        self._waits, self.states = waits, states
        self.lane_settings = settings
        self.progress: dict[TopicPartition, SourceProgress] = {}
        self.stopping = False
        self.acknowledged = asyncio.Event()
        self._member, self._sources, self._changelogs = member, sources, changelogs
        self._table: MemoryTable | None = None
        self._lane: Any = None
        self._work: Work | None = None
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._is_current = False
        self._tasks: list[asyncio.Task[None]] = []

    # ---- the interface for a lane

    @property
    def source(self) -> "MemoryHost":
        return self

    @property
    def consumer(self) -> "MemoryHost":
        """What commits the group's offsets, for a lane that would do it itself."""
        return self

    def add_lane(self, lane: Any, _name: str, work: Work) -> None:
        self._lane, self._work = lane, work

    def add_table(self, owner: Any, name: str) -> MemoryTable:
        self._table = MemoryTable(self.lane_settings.changelog_topic(name), owner, self.states)
        return self._table

    def follow(self, tp: TopicPartition, batch: Batch) -> None:
        if tp not in self.progress:
            raise Hole(f"{tp}: a batch of a partition that is no longer read")
        self.progress[tp].follow(batch)

    def end_offset(self, tp: TopicPartition) -> int:
        return self._sources.highwater(tp) or 0

    # ---- a worker's life

    async def run(self) -> None:
        """Run until `stopping` is set."""
        assert self._work is not None
        self._tasks = [asyncio.ensure_future(one) for one in (self._work(Stream(self._queue)), self._beat(), self._commit_often())]  # fmt: skip  # noqa: E501
        while not self.stopping:
            _, numbers = await self._member.join()
            self._is_current = True
            if await self._take_over(numbers):
                await self._read()
            await self._give_back()
        with Stopping("closing"):
            await self._lane.close()
        await self._member.leave()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self.lane_settings.heartbeat_interval_s)
            if self._is_current:
                self._is_current = await self._member.is_current()

    async def _take_over(self, numbers: frozenset[int]) -> bool:
        """Fence, recover, open and position; False when the group goes on without it meanwhile."""
        with Stopping("taking over partitions"):
            if self._table is not None:
                await self._lane.own(set(numbers))
                for number in self._table.states.partitions() - numbers:
                    self._table.states.drop(number)
                if self._table.states.outlive_process:
                    await self._take_up(numbers - self._table.states.partitions())
            while not await self._position(numbers):
                if not self._is_current:
                    return False
        return self._is_current

    async def _take_up(self, numbers: Iterable[int]) -> None:
        assert self._table is not None
        tps = [TopicPartition(self._table.changelog, number) for number in sorted(numbers)]
        begins, ends = await self._changelogs.beginning_offsets(tps), await self._changelogs.end_offsets(tps)
        for tp in tps:
            self._table.states.take_up(tp.partition, begins[tp], ends[tp])

    async def _is_recovered(self, numbers: Iterable[int]) -> bool:
        """Read the changelogs on; returns whether all are read to their end."""
        if self._table is None:
            return True
        tps = [TopicPartition(self._table.changelog, number) for number in sorted(numbers)]
        begins, ends = await self._changelogs.beginning_offsets(tps), await self._changelogs.end_offsets(tps)
        self._changelogs.assign(tps)
        for tp in tps:
            part = self._table.states.part(tp.partition)
            part.begin_at(begins[tp], str(tp))
            self._changelogs.seek(tp, part.contained + 1)
        if all(self._table.states.part(tp.partition).contained >= ends[tp] - 1 for tp in tps):
            return True
        for tp, batch in (await self._fetch(self._changelogs, tps)).items():
            self._table.states.part(tp.partition).read(batch, str(tp))
        return False

    async def _position(self, numbers: frozenset[int]) -> bool:
        """Set the sources' positions; returns False while the lane's state is not complete."""
        if not await self._is_recovered(numbers):
            return False
        tps = [
            TopicPartition(topic, number) for topic in sorted(self._lane.source_topics) for number in sorted(numbers)
        ]
        # Ask for committed offsets before the ends that they are compared with.
        committed = await self._member.committed([tuple(tp) for tp in tps])
        begins, ends = await self._sources.beginning_offsets(tps), await self._sources.end_offsets(tps)
        if not await self._is_recovered(numbers):
            return False
        logs = {tp: SourceLog(tp.topic, tp.partition, begins[tp], ends[tp], committed[tuple(tp)]) for tp in tps}
        try:
            starts: Mapping[TopicPartition, int] = {tp: self._lane.start_of(log) for tp, log in logs.items()}
        except Refused:
            if await self._is_undecided(numbers):
                return False
            raise
        await self._lane.open(numbers)
        self._sources.assign(tps)
        for tp, start in starts.items():
            self._sources.seek(tp, start)
        self.progress = {tp: SourceProgress(f"{tp.topic}-{tp.partition}", start) for tp, start in starts.items()}
        for tp, log in logs.items():
            if log.begin < starts[tp] and (log.committed is None or log.committed < starts[tp]):
                self.progress[tp].stand()
        return True

    async def _is_undecided(self, numbers: Iterable[int]) -> bool:
        if self._table is None:
            return False
        tps = [TopicPartition(self._table.changelog, number) for number in sorted(numbers)]
        ends, written = await self._changelogs.end_offsets(tps), await self._changelogs.written_ends(tps)
        return any(written[tp] > ends[tp] for tp in tps)

    async def _fetch(self, consumer: MemoryConsumer, tps: list[TopicPartition]) -> dict[TopicPartition, Batch]:
        """A batch for each partition that moved, with or without records."""
        before = {tp: await consumer.position(tp) for tp in tps}
        records = await consumer.getmany(
            *tps, timeout_ms=int(POLL_S * 1000), max_records=self.lane_settings.batch_records_max
        )
        after = {tp: await consumer.position(tp) for tp in tps}
        return {tp: Batch(list(records.get(tp, ())), before[tp], after[tp]) for tp in tps if after[tp] > before[tp]}

    async def _read(self) -> None:
        while self._is_current and not self.stopping:
            in_flight_max = self.lane_settings.batches_in_flight
            wanted = [tp for tp, progress in self.progress.items() if not _is_busy(progress, in_flight_max)]
            if not wanted:
                await asyncio.sleep(BUSY_POLL_S)
                continue
            fetched = await self._fetch(self._sources, wanted)
            for tp, batch in fetched.items():
                self.progress[tp].deliver(batch, asyncio.get_running_loop().time())
                self._queue.put_nowait(Event(self, tp, batch))
            if fetched:  # the next fetch waits at the broker for more, and holds nothing meanwhile
                await asyncio.sleep(self.lane_settings.gather_ms / 1000)

    async def _give_back(self) -> None:
        """Wait for batches in flight and commit, as Faust does before it rejoins, or do neither: the lane must not
        depend on it. Batches that were delivered but not taken up are dropped, as Faust clears its queues.
        """
        while self._waits() and any(_is_busy(progress, 1) for progress in self.progress.values()):
            self.acknowledged.clear()
            await self.acknowledged.wait()
        while not self._queue.empty():
            self._queue.get_nowait()
        await self.commit()
        self.progress = {}
        self._is_current = False

    async def _commit_often(self) -> None:
        while True:
            await asyncio.sleep(self.lane_settings.commit_interval_s)
            await self.commit()

    async def commit(self) -> None:
        """Commit the group's offsets. Like Faust, only log it if the group has rebalanced without this member."""
        done = {(tp.topic, tp.partition): one.committable() for tp, one in self.progress.items()}
        offsets = {place: offset for place, offset in done.items() if offset is not None}
        if offsets:
            with suppress(IllegalGenerationError, UnknownMemberIdError):
                await self._member.commit(offsets)


def _is_busy(progress: SourceProgress, in_flight_max: int) -> bool:
    now_s = asyncio.get_running_loop().time()
    return progress.busy(in_flight_max=in_flight_max, interval_s=0, now_s=now_s)
