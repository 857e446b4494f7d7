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

RECOVERY_BUFFER_MESSAGES = 4  # with 1 Faust reads changelogs beside the sources (recovery.py _restart_recovery)


class Lane(Protocol):
    """A lane as the consumer sees it. A source topic belongs to exactly one lane."""

    @property
    def source_topics(self) -> frozenset[str]: ...
    @property
    def output_topics(self) -> frozenset[str]: ...
    @property
    def table(self) -> PartitionTable | None: ...

    def start_of(self, log: SourceLog) -> int:
        """The offset at which to start reading a source partition; may raise Refused."""

    async def open(self, partitions: Iterable[int]) -> None:
        """Called before these partitions are read, when their state is complete."""

    async def close(self) -> None:
        """The worker is stopping: wait for batches in flight, then disconnect."""


class LaneApp(faust.App):
    """A Faust app of lanes. A crash of any of its services ends the process without committing."""

    lane_settings: LaneSettings
    lanes: list[Lane]

    @property
    def source(self) -> Consumer:
        """The consumer that the lanes read from."""
        return cast(Consumer, self.consumer)

    def add_lane(self, lane: Lane, name: str, work: Work) -> None:
        """Add a lane, and an agent that calls `work` with the stream of the lane's source topics."""
        self.lanes.append(lane)
        self.agent(BatchTopic.of_sources(self, sorted(lane.source_topics)), name=name)(work)

    def add_table(self, owner: TableOwner, name: str) -> PartitionTable:
        """Add a lane's table, stored in memory or on disk as the settings say."""
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
        """The worker's current status. Any thread may call this: it creates nothing and awaits nothing."""
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
        """Close the sources and commit what is in flight, then stop the producers."""
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
