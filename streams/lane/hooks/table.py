"""The table: rows belong to a partition, and their changelog is written in the batches' transactions."""

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import faust
from faust.stores.base import Store
from faust.types import TP
from yarl import URL

from streams.lane.hooks.topic import BatchTopic
from streams.lane.state import States
from streams.lane.stop import LaneFault, Stopping

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp

OWNERSHIP_LIMIT_S = 45.0  # all producers of an assignment started
READABLE_LOOK_S = 0.02  # between two looks whether what was committed here can be read
READABLE_LOOKS_SILENT = 50
READABLE_LOOKS_MAX = 750

log = logging.getLogger(__name__)


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
