"""The table: each row belongs to a partition, and the batches' transactions write the changelog."""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import faust
from faust.stores.base import Store
from faust.tables.manager import TableManager
from faust.types import TP
from yarl import URL

from streams.lane.hooks.topic import BatchTopic
from streams.lane.state import States
from streams.lane.stop import LaneFault, Stopping

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp

OWNERSHIP_LIMIT_S = 45.0  # for starting all producers of an assignment
READABLE_LOOK_S = 0.02  # between two checks whether what was committed to the changelogs is visible
READABLE_SILENT_S = 1.0
READABLE_LIMIT_S = 15.0

log = logging.getLogger(__name__)


class Tables(TableManager):
    """The tables of an app, known when it starts: Faust waits a second for others that agents might add."""

    async def on_start(self) -> None:
        """Subscribe to the changelogs, and start the recovery."""
        if not self.should_stop:
            await self._update_channels()
            await self.recovery.start()


class TableOwner(Protocol):
    """The lane behind a table."""

    async def own(self, partitions: set[int]) -> None:
        """Fence the predecessors of these partitions, and give up all others."""

    def owned(self) -> frozenset[int]:
        """The partitions to which only this worker can commit."""


class PartitionStore(Store):  # type: ignore[type-arg]
    """The store that Faust expects of a table. The rows are in the lane's states, which the consumer fills."""

    table: "PartitionTable"

    def apply_changelog_batch(self, batch: Iterable[Any], to_key: Any, to_value: Any) -> None:
        """Nothing: the consumer has applied it. (Faust only logs errors raised here: recovery.py _slurp_changelogs.)"""

    def persisted_offset(self, tp: TP) -> int | None:
        """The offset from which Faust's recovery continues; None for the beginning."""
        contained = self.table.states.part(tp.partition).contained
        return None if contained < 0 else contained

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop the partitions that this worker neither owns nor is a standby for."""
        for partition in self.table.states.partitions() - {
            tp.partition for tp in assigned if tp.topic == self.table.changelog
        }:
            self.table.states.drop(partition)

    def backup_partition(self, *_: Any, **__: Any) -> Any:
        """Not supported: the changelog is the backup."""
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
        """Not supported."""
        raise LaneFault("a lane's rows change through steps only")

    def reset_state(self) -> None:
        """Drop all partitions; the changelog has their rows."""
        for partition in self.table.states.partitions():
            self.table.states.drop(partition)


class PartitionTable(faust.Table):  # type: ignore[type-arg]
    """A Faust table whose rows belong to partitions and whose changelog is written by the batches' transactions."""

    app: "LaneApp"

    def __init__(self, app: "LaneApp", *, owner: TableOwner, states: States, **options: Any) -> None:
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
        """Faust awaits this inside the rebalance, before recovery starts (tables/manager.py on_rebalance). `assigned`
        includes standbys: starting a producer for one would fence its live owner.
        """
        with Stopping("taking over partitions"):
            if generation_id != self.app.consumer_generation_id:
                return  # a newer rebalance has begun and will call this again (as in recovery.py on_rebalance)
            actives = {tp.partition for tp in self.app.assignor.assigned_actives() if tp.topic == self.changelog}
            async with asyncio.timeout(OWNERSHIP_LIMIT_S):
                await self._owner.own(actives)
            changelogs = {tp for tp in assigned if tp.topic == self.changelog}
            await self._until_readable(changelogs)
            if self.states.outlive_process:
                await self._take_up(changelogs)
            await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def _until_readable(self, changelogs: set[TP]) -> None:
        """Wait until the changelogs can be read as far as this worker knows them and as its predecessors wrote them. A
        broker acknowledges a commit shortly before. A state that stays here would be ahead of its changelog, for which
        Faust would end the process (recovery.py _restart_recovery); a new one would lack what was committed.
        """
        kept = {tp for tp in changelogs if tp.partition in self.states.partitions()}
        ends = {tp: self.states.part(tp.partition).contained + 1 for tp in kept}
        # The predecessors are fenced, and nobody else may write here: their ends are final.
        ends.update(await self.app.source.written({tp for tp in changelogs if tp.partition in self.owned()}))
        clock = asyncio.get_running_loop().time
        silent_until: float | None = clock() + READABLE_SILENT_S
        try:
            async with asyncio.timeout(READABLE_LIMIT_S):
                while True:
                    readable = await self.app.source.highwaters(*ends) if ends else {}
                    if all(end <= readable[tp] for tp, end in ends.items()):
                        return
                    if silent_until is not None and clock() >= silent_until:
                        log.warning("a rebalance waits until what was committed here can be read")
                        silent_until = None
                    await asyncio.sleep(READABLE_LOOK_S)
        except TimeoutError as error:
            told = f"{self.changelog} cannot be read to its end: somebody else's transaction is open in it"
            raise LaneFault(told) from error

    async def _take_up(self, changelogs: set[TP]) -> None:
        """Take up partitions that are new here. The predecessors of owned partitions are fenced, so the end of their
        changelog is final. A standby's changelog is still written to, and its last records (perhaps from this worker
        before a restart) may not be visible yet, so its end is not used.
        """
        new = [tp for tp in changelogs if tp.partition not in self.states.partitions()]
        if not new:
            return
        begins, ends = await self.app.source.earliest_offsets(*new), await self.app.source.highwaters(*new)
        for tp in new:
            self.states.take_up(tp.partition, begins[tp], ends[tp] if tp.partition in self.owned() else None)
