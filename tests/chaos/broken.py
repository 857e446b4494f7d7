"""Defects that remove guards of the service from outside, to check that the audit detects it. The production code has
no switch for them."""

import asyncio
import itertools
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from sinks.clickhouse.loop import Sink
from sinks.clickhouse.marks import Mark, Partition
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.source import Source
from sinks.clickhouse.warehouse import INSERT_SETTINGS, Warehouse
from streams.lane.append import AppendLane
from streams.lane.delivery import Delivery
from streams.lane.hooks.consumer_thread import ConsumerThread
from streams.lane.settings import LaneSettings
from streams.lane.transactions import PartitionProducers
from streams.wall_clock import WallClock
from tests.chaos.points import wrap
from tests.support.broken_commits import Commit, Outputs, UnheldClock, cursor_first, cursors_kept_back


def commits_before_appending() -> None:
    """The recorder commits its offsets before the broker has acknowledged the appended records."""
    waiting: set[Any] = set()
    committed = asyncio.Event()

    def noting(take: Callable[..., None]) -> Callable[..., None]:
        def taken(lane: AppendLane, event: Any) -> None:
            waiting.add(event)
            committed.clear()
            take(lane, event)

        return taken

    def early(finish: Callable[..., Any]) -> Callable[..., Any]:
        async def finished(lane: AppendLane, event: Any, *rest: Any) -> None:
            event.ack()
            await event.app.consumer.commit()
            waiting.discard(event)
            if not waiting:
                committed.set()
            await finish(lane, event, *rest)

        return finished

    def late(send: Callable[..., Any]) -> Callable[..., Any]:
        async def sent(delivery: Delivery) -> None:
            await committed.wait()
            await send(delivery)

        return sent

    wrap(AppendLane, "_take", noting)
    wrap(AppendLane, "_finish", early)
    wrap(Delivery, "send", late)


def does_not_hold_its_clock() -> None:
    """The recorder stamps records with its machine's clock and never compares it with the broker's."""
    wrap(WallClock, "before_step", lambda _: UnheldClock.before_step)
    wrap(WallClock, "hold", lambda _: UnheldClock.hold)
    wrap(WallClock, "stamp", lambda _: UnheldClock.stamp)


def commits_cursor_before_effect() -> None:
    """The book-keeper commits rows and cursor in a transaction of their own, before the outputs."""
    _commits_with(cursor_first)


def keeps_cursors_back() -> None:
    """The book-keeper writes its cursors with the first batch of a partition and never again."""
    _commits_with(cursors_kept_back)


def _commits_with(defect: Callable[[Commit], Commit]) -> None:
    """Put this defect into the commit of every producer of this process."""

    def breaking(commit: Callable[..., Any]) -> Callable[..., Any]:
        broken: dict[PartitionProducers, Commit] = {}

        async def committed(producers: PartitionProducers, partition: int, outputs: Outputs) -> dict[str, int]:
            if producers not in broken:
                broken[producers] = defect(partial(commit, producers))
            return await broken[producers](partition, outputs)

        return committed

    wrap(PartitionProducers, "commit", breaking)


def fences_nobody() -> None:
    """Each process has transactional ids of its own."""
    wrap(LaneSettings, "transactional_id", lambda own: lambda *args: f"{own(*args)}-{os.getpid()}")


def reads_uncommitted() -> None:
    """The worker's consumer also reads records of transactions that were not committed."""

    def uncommitted(create: Callable[..., Any]) -> Callable[..., Any]:
        def consumer(*args: Any) -> Any:
            made = create(*args)
            made._isolation_level = "read_uncommitted"
            return made

        return consumer

    wrap(ConsumerThread, "_create_worker_consumer", uncommitted)


def inserts_without_token() -> None:
    """The sink gives a repeated insert a new token, so ClickHouse does not deduplicate it."""

    def plain(insert: Callable[..., Any]) -> Callable[..., Any]:
        numbers = itertools.count()

        async def without(warehouse: Warehouse, table: str, columns: Any, _token: str) -> None:
            warehouse._settings = {**INSERT_SETTINGS, "insert_deduplicate": 0}
            await insert(warehouse, table, columns, f"{os.getpid()}-{next(numbers)}")

        return without

    wrap(Warehouse, "insert", plain)


def resumes_from_group_offset() -> None:
    """The sink resumes after its last read, as a group with auto-commit would, and not where ClickHouse's marks are."""
    group = Path(os.environ["PESERTA_DATA_DIR"]) / "group-offsets.json"

    def committing(read: Callable[..., Any]) -> Callable[..., Any]:
        async def then(source: Source) -> Any:
            batches = await read(source)
            offsets = json.loads(group.read_text()) if group.exists() else {}
            for batch in batches:
                offsets[f"{batch.range.topic}-{batch.range.partition}"] = batch.range.next
            group.write_text(json.dumps(offsets))
            return batches

        return then

    async def nothing(_: Progress) -> dict[Partition, Mark]:
        return {}

    def of_group(_position: Callable[..., int]) -> Callable[..., int]:
        def position(_sink: Sink, partition: Partition, _mark: Mark | None, _first: int) -> int:
            offsets: dict[str, int] = json.loads(group.read_text()) if group.exists() else {}
            return offsets.get("-".join(map(str, partition)), 0)

        return position

    def saying_so(begin: Callable[..., Any]) -> Callable[..., Any]:
        async def begun(sink: Sink) -> None:
            await begin(sink)
            at = sink._source._positions.items()
            await sink._progress.after([Batch.of(Range(tp.topic, tp.partition, 0, next_), []) for tp, next_ in at])

        return begun

    wrap(Source, "read", committing)
    wrap(Sink, "begin", saying_so)
    wrap(Progress, "last", lambda _: nothing)
    wrap(Sink, "_position", of_group)


DEFECTS: Final[dict[str, Callable[[], None]]] = {
    defect.__name__: defect
    for defect in (
        commits_before_appending,
        does_not_hold_its_clock,
        commits_cursor_before_effect,
        keeps_cursors_back,
        fences_nobody,
        reads_uncommitted,
        inserts_without_token,
        resumes_from_group_offset,
    )
}
