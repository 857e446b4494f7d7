"""Defects: guards of the service taken out from outside, to see that the audit notices. Production knows of none."""

import asyncio
import itertools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sinks.clickhouse.loop import Sink
from sinks.clickhouse.marks import Mark, Partition
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.source import Source
from sinks.clickhouse.warehouse import INSERT_SETTINGS, Warehouse
from streams.core.rows import source_key
from streams.lane.append import AppendLane
from streams.lane.cursors import CURSOR_PREFIX
from streams.lane.delivery import Delivery
from streams.lane.hooks.consumer_thread import ConsumerThread
from streams.lane.records import KeyValue
from streams.lane.settings import LaneSettings
from streams.lane.transactions import PartitionProducers
from streams.wall_clock import WallClock
from tests.chaos.points import wrap

Outputs = Mapping[str, Sequence[KeyValue]]
Commit = Callable[[PartitionProducers, int, Outputs], Any]
CHANGELOG_END: Final = "-changelog"
SOURCE_PREFIX: Final = source_key("", 0)[:1]


def commits_before_appending() -> None:
    """The recorder commits its offsets before the broker has what they stand for."""
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
    """The recorder stamps with what its machine's clock says."""

    async def nothing(_clock: WallClock, _records: Any) -> None:
        pass

    async def hold(clock: WallClock) -> int:
        return clock._now()

    wrap(WallClock, "before_step", lambda _: nothing)
    wrap(WallClock, "hold", lambda _: hold)
    wrap(WallClock, "stamp", lambda _: lambda clock: clock._now())


def commits_cursor_before_effect() -> None:
    """The book-keeper commits rows and cursor in a transaction of their own, before what they stand for."""

    def split(commit: Commit) -> Commit:
        async def in_two(producers: PartitionProducers, partition: int, outputs: Outputs) -> dict[str, int]:
            state = {topic: lines for topic, lines in outputs.items() if topic.endswith(CHANGELOG_END)}
            effect = {topic: lines for topic, lines in outputs.items() if topic not in state}
            last: dict[str, int] = await commit(producers, partition, state)
            return last | (await commit(producers, partition, effect) if effect else {})

        return in_two

    wrap(PartitionProducers, "commit", split)


def keeps_cursors_back() -> None:
    """The book-keeper writes its cursors with the first batch of a partition and never again: the lane's and the
    book's own, each of which alone would still hold."""
    written: set[int] = set()

    def without(commit: Commit) -> Commit:
        async def stale(producers: PartitionProducers, partition: int, outputs: Outputs) -> Any:
            if partition in written:
                outputs = {topic: _without_cursors(topic, lines) for topic, lines in outputs.items()}
            written.add(partition)
            return await commit(producers, partition, outputs)

        return stale

    wrap(PartitionProducers, "commit", without)


def _without_cursors(topic: str, lines: Sequence[KeyValue]) -> Sequence[KeyValue]:
    """Of a changelog: without cursors, unless there is nothing else."""
    if not topic.endswith(CHANGELOG_END):
        return lines
    return [line for line in lines if not (line[0] or b"").startswith((CURSOR_PREFIX, SOURCE_PREFIX))] or lines


def fences_nobody() -> None:
    """Each process has transactional ids of its own."""
    wrap(LaneSettings, "transactional_id", lambda own: lambda *args: f"{own(*args)}-{os.getpid()}")


def reads_uncommitted() -> None:
    """The worker's consumer reads what was never committed."""

    def uncommitted(create: Callable[..., Any]) -> Callable[..., Any]:
        def consumer(*args: Any) -> Any:
            made = create(*args)
            made._isolation_level = "read_uncommitted"
            return made

        return consumer

    wrap(ConsumerThread, "_create_worker_consumer", uncommitted)


def inserts_without_token() -> None:
    """The sink's inserts cannot be told from their repetition."""

    def plain(insert: Callable[..., Any]) -> Callable[..., Any]:
        numbers = itertools.count()

        async def without(warehouse: Warehouse, table: str, columns: Any, _token: str) -> None:
            warehouse._settings = {**INSERT_SETTINGS, "insert_deduplicate": 0}
            await insert(warehouse, table, columns, f"{os.getpid()}-{next(numbers)}")

        return without

    wrap(Warehouse, "insert", plain)


def resumes_from_group_offset() -> None:
    """What the sink has read counts as done, as in a group that commits by itself; ClickHouse is not asked."""
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
