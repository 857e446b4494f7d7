"""The Faust app of lanes."""

import asyncio
from collections.abc import Iterable
from typing import Protocol, cast

import faust

from streams.lane.cursors import SourceLog
from streams.lane.disk import StateOnDisk
from streams.lane.hooks.consumer import Consumer
from streams.lane.hooks.table import PartitionTable, TableOwner
from streams.lane.hooks.topic import BatchTopic
from streams.lane.host import Work
from streams.lane.readiness import WorkerStatus
from streams.lane.settings import LaneSettings
from streams.lane.state import StateInMemory, States
from streams.lane.stop import LaneFault, fail_stop

RECOVERY_BUFFER_MESSAGES = 4  # 1 would make Faust read changelogs on beside the sources (recovery.py _restart_recovery)


class Lane(Protocol):
    """What the consumer asks of a lane; source topics belong to exactly one."""

    @property
    def source_topics(self) -> frozenset[str]: ...
    @property
    def output_topics(self) -> frozenset[str]: ...
    @property
    def table(self) -> PartitionTable | None: ...

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
    def source(self) -> Consumer:
        """The consumer that the lanes read from."""
        return cast(Consumer, self.consumer)

    def add_lane(self, lane: Lane, name: str, work: Work) -> None:
        """A lane that an agent of ours gives the batches of its source topics."""
        self.lanes.append(lane)
        self.agent(BatchTopic.of_sources(self, sorted(lane.source_topics)), name=name)(work)

    def add_table(self, owner: TableOwner, name: str) -> PartitionTable:
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

    def status(self) -> WorkerStatus:
        """The state of the worker now. Any thread may ask: nothing is created and nothing is awaited."""
        consumer = cast("Consumer | None", self._consumer)  # the property would make one
        if consumer is None:
            return WorkerStatus(stops=self.should_stop)
        return WorkerStatus(
            knows_broker=consumer.knows_broker(),
            is_assigned=self.rebalancing_count > 0,
            rebalances=self.rebalancing,
            is_positioned=consumer.is_positioned(),
            stops=self.should_stop,
        )

    def tables_of_lanes(self) -> dict[str, PartitionTable]:
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
