"""Broken parts. Each has one known defect and replaces a real part; the judgement must detect it."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, cast

from sinks.clickhouse.loop import Insert, Sink
from sinks.clickhouse.warehouse import Columns, Warehouse
from streams.lane.append import AppendLane
from streams.lane.cursors import cursor_row
from streams.lane.disk import StateOnDisk
from streams.lane.records import Effect, Record, Rows
from streams.lane.settings import LaneSettings
from streams.lane.state import PartitionState
from streams.lane.stop import Stopping
from streams.lane.transactional import TransactionalLane
from streams.lane.transactions import PartitionProducers
from tests.simulation.host import MemoryHost
from tests.simulation.log import UNCOMMITTED
from tests.simulation.parts import Parts
from tests.simulation.roles import MemorySource, Planted
from tests.support.broken_bookkeepers import Dropping, Repeating
from tests.support.broken_commits import Commit, UnheldClock, cursor_first, cursors_kept_back


class Producers:
    """The real producers with a defect in their commit."""

    def __init__(self, defect: Callable[[Commit], Commit], real: PartitionProducers) -> None:
        self._real = real
        self.commit = defect(real.commit)

    def owned(self) -> frozenset[int]:
        return self._real.owned()

    async def own(self, partitions: set[int]) -> None:
        await self._real.own(partitions)


class EagerPartition(PartitionState):
    """Writes the changes of a step to disk before their transaction commits."""

    def change(self, changed: Mapping[bytes, bytes | None], topic: str, cursor: int) -> None:
        super().change(changed, topic, cursor)
        self.rows.committed([*changed.items(), cursor_row(topic, cursor)], self.contained)


class EagerDisk(StateOnDisk):
    """A state on disk that does not wait for the commit."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._eager: dict[int, EagerPartition] = {}

    def part(self, partition: int) -> PartitionState:
        part = super().part(partition)
        return self._eager.setdefault(partition, EagerPartition(part.rows, part.cursors, part.contained))

    def drop(self, partition: int) -> None:
        super().drop(partition)
        self._eager.pop(partition, None)


class SettingsOfOneProcess(LaneSettings):
    """Gives each process transactional ids of its own, so no producer fences another."""

    _numbers = itertools.count()

    def transactional_id(self, partition: int) -> str:
        return f"{super().transactional_id(partition)}-{next(self._numbers)}"


class CommittingFirst(AppendLane):
    """Commits the group's offsets before it processes a batch."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._order = asyncio.Lock()
        self._taking: set[asyncio.Task[None]] = set()

    def _take(self, event: Any) -> None:
        event.ack()
        self._taking.add(asyncio.ensure_future(self._take_later(event)))

    async def _take_later(self, event: Any) -> None:
        async with self._order:
            await cast(MemoryHost, self._app).commit()
            with Stopping("step"):
                super()._take(event)


class Swallowing(TransactionalLane):
    """Ignores an exception in a step and counts the batch as done."""

    def __init__(self, app: Any, *, step: Any, **options: Any) -> None:
        def careful(partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
            try:
                effect: Effect = step(partition, topic, records, rows)
            except Planted:
                return Effect()
            return effect

        super().__init__(app, step=careful, **options)


class WithoutToken(Warehouse):
    """Gives a repeated insert a new token, so ClickHouse does not deduplicate it."""

    _numbers = itertools.count()

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        await super().insert(table, columns, f"{token} {next(self._numbers)}")


class WritingOffEarly(Sink):
    """Records its progress before ClickHouse has answered its inserts."""

    async def _insert_all(self, inserts: Sequence[Insert]) -> None:
        self._under_way = asyncio.ensure_future(super()._insert_all(inserts))


class FromGroupOffset(Sink):
    """Resumes at the position of its consumer's last read, as a group with auto-commit would."""

    async def begin(self) -> None:
        source = cast(MemorySource, self._source)
        partitions = await source.partitions(list(self._topics))
        source.begin({partition: source.group_offsets.get(partition, 0) for partition in partitions})

    async def round(self) -> int:
        source = cast(MemorySource, self._source)
        source.group_offsets.update({(tp.topic, tp.partition): at for tp, at in source._positions.items()})
        return await super().round()


Defects = dict[str, tuple[Callable[[], Parts], str]]

# Defect -> the parts that have it, and the claim that the judgement must find broken.
DEFECTS: Final[Defects] = {
    "offsets are committed before the effect": (
        lambda: Parts(producers=partial(Producers, cursor_first)),
        "ledger = journal folded again",
    ),
    "a producer fences nobody": (lambda: Parts(lane_settings=SettingsOfOneProcess), "ledger = journal folded again"),
    "the cursor is not written with the state": (
        lambda: Parts(producers=partial(Producers, cursors_kept_back)),
        "ledger = journal folded again",
    ),
    "recovery reads what was never committed": (
        lambda: Parts(changelog_isolation=UNCOMMITTED),
        "ledger = journal folded again",
    ),
    "the recorder commits before its append": (
        lambda: Parts(append_lane=CommittingFirst),
        "every record consumed has one disposition",
    ),
    "the recorder's clock is not held against the broker's": (
        lambda: Parts(wall_clock=UnheldClock),
        "recorders stamp in the broker's time",
    ),
    "the state is on disk before it is committed": (
        lambda: Parts(state_on_disk=EagerDisk, is_on_disk=True),
        "ledger = journal folded again",
    ),
    "the sink inserts without a token": (lambda: Parts(warehouse=WithoutToken), "rows are inserted once"),
    "the sink resumes from the group's offset": (lambda: Parts(sink=FromGroupOffset), "rows are inserted once"),
    "the sink writes off what is not in yet": (lambda: Parts(sink=WritingOffEarly), "rows are inserted once"),
    "an agent swallows an exception": (
        lambda: Parts(transactional_lane=Swallowing),
        "ledger = journal folded again",
    ),
    "the last entry of a batch is dropped": (lambda: Parts(bookkeeper=Dropping), "ledger = journal folded again"),
    "a repeat is applied": (lambda: Parts(bookkeeper=Repeating), "ledger = journal folded again"),
}
