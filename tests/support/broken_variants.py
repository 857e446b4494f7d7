"""Broken variants of the service. Each lacks one guard, or has one mistake, and must be detected by the checks.

The production code has no switch for them: a variant patches methods of the real classes. Chaos patches a worker's
process; the simulation and the books in memory patch their own process for a while. The expected findings are in
`tests/chaos/controls.py`, `tests/simulation/controls.py` and the audit's `test_negative_controls.py`.
"""

import asyncio
import itertools
import json
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from schemas.records import Instant
from sinks.clickhouse.loop import Sink
from sinks.clickhouse.marks import Mark, Partition
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.source import Source
from sinks.clickhouse.together import Insert
from sinks.clickhouse.warehouse import INSERT_SETTINGS, Columns, Warehouse
from streams.bookkeeper import Bookkeeper
from streams.core.rows import source_key
from streams.lane.append import AppendLane
from streams.lane.cursors import CURSOR_PREFIX, cursor_row
from streams.lane.hooks.consumer_thread import ConsumerThread
from streams.lane.records import Append, Effect, KeyValue, Record
from streams.lane.settings import LaneSettings
from streams.lane.state import PartitionState
from streams.lane.stop import Stopping
from streams.lane.transactions import PartitionProducers
from streams.recorder import Recorder
from streams.wall_clock import WallClock
from tests.support.variant import Patch, Variant, Wrapper

Outputs: TypeAlias = Mapping[str, Sequence[KeyValue]]
Commit: TypeAlias = Callable[[int, Outputs], Awaitable[dict[str, int]]]  # partition, records by topic -> last offsets

CHANGELOG_END: Final = "-changelog"
SOURCE_PREFIX: Final = source_key("", 0)[:1]
FAILS_AT: Final = 20  # the journal offset at which the step fails whose exception is swallowed
LOST_APPENDS: Final = 3


# ------------------------------------------------------------------------------------------------ the book-keeper


def offsets_are_committed_before_the_effect(_: Path) -> Iterator[Patch]:
    """The book-keeper commits rows and cursor in a transaction of their own, before the outputs."""

    def cursor_first(commit: Commit) -> Commit:
        async def in_two(partition: int, outputs: Outputs) -> dict[str, int]:
            state = {topic: lines for topic, lines in outputs.items() if topic.endswith(CHANGELOG_END)}
            effect = {topic: lines for topic, lines in outputs.items() if topic not in state}
            last = await commit(partition, state)
            return last | (await commit(partition, effect) if effect else {})

        return in_two

    yield Patch(PartitionProducers, "commit", _for_each_owner(cursor_first))


def the_cursor_is_not_written_with_the_state(_: Path) -> Iterator[Patch]:
    """The book-keeper writes its cursors with the first batch of a partition and never again: the lane's and the
    book's own, each of which alone would still hold."""

    def cursors_kept_back(commit: Commit) -> Commit:
        written: set[int] = set()

        async def stale(partition: int, outputs: Outputs) -> dict[str, int]:
            if partition in written:
                outputs = {topic: _without_cursors(topic, lines) for topic, lines in outputs.items()}
            written.add(partition)
            return await commit(partition, outputs)

        return stale

    yield Patch(PartitionProducers, "commit", _for_each_owner(cursors_kept_back))


def _without_cursors(topic: str, lines: Sequence[KeyValue]) -> Sequence[KeyValue]:
    """Of a changelog: without cursors, unless there is nothing else."""
    if not topic.endswith(CHANGELOG_END):
        return lines
    return [line for line in lines if not (line[0] or b"").startswith((CURSOR_PREFIX, SOURCE_PREFIX))] or lines


def _for_each_owner(defect: Callable[[Commit], Commit]) -> Wrapper:
    """This defect in the commit of each worker's producers."""

    def breaking(commit: Callable[..., Any]) -> Callable[..., Any]:
        broken: dict[PartitionProducers, Commit] = {}

        async def committed(producers: PartitionProducers, partition: int, outputs: Outputs) -> dict[str, int]:
            if producers not in broken:
                broken[producers] = defect(partial(commit, producers))
            return await broken[producers](partition, outputs)

        return committed

    return breaking


def a_producer_fences_nobody(_: Path) -> Iterator[Patch]:
    """Each producer has a transactional id of its own, so it does not fence its predecessor."""
    numbers = itertools.count()
    yield Patch(LaneSettings, "transactional_id", lambda own: lambda *args: f"{own(*args)}-{_unique(numbers)}")


def recovery_reads_what_was_never_committed(_: Path) -> Iterator[Patch]:
    """The worker's consumer also reads records of transactions that were not committed."""
    yield Patch(ConsumerThread, "_create_worker_consumer", reading_uncommitted)


def reading_uncommitted(create: Callable[..., Any]) -> Callable[..., Any]:
    """`create` makes a consumer. Faust makes its own, so the simulation's host has another place for this patch."""

    def consumer(*args: Any) -> Any:
        made = create(*args)
        made._isolation_level = "read_uncommitted"
        return made

    return consumer


def the_state_is_on_disk_before_it_is_committed(_: Path) -> Iterator[Patch]:
    """The state writes the changes of a step to disk before their transaction commits."""

    def eager(change: Callable[..., None]) -> Callable[..., None]:
        def changed(part: PartitionState, rows: Mapping[bytes, bytes | None], topic: str, cursor: int) -> None:
            change(part, rows, topic, cursor)
            part.rows.committed([*rows.items(), cursor_row(topic, cursor)], part.contained)

        return changed

    yield Patch(PartitionState, "change", eager)


def an_exception_in_a_step_is_swallowed(_: Path) -> Iterator[Patch]:
    """A step of the book-keeper fails; its exception is passed over, and the batch counts as done."""

    class Planted(Exception):
        pass

    def failing(step: Callable[..., Effect]) -> Callable[..., Effect]:
        def stepped(keeper: Bookkeeper, partition: int, topic: str, records: Sequence[Record], *rest: Any) -> Effect:
            if any(record.offset == FAILS_AT for record in records):
                raise Planted
            return step(keeper, partition, topic, records, *rest)

        return stepped

    def careful(step: Callable[..., Effect]) -> Callable[..., Effect]:
        def stepped(*args: Any) -> Effect:
            try:
                return step(*args)
            except Planted:
                return Effect({}, {})

        return stepped

    yield Patch(Bookkeeper, "step", lambda step: careful(failing(step)))


def the_last_entry_of_a_batch_is_dropped(_: Path) -> Iterator[Patch]:
    """The book-keeper forgets the last entry of each batch."""

    def dropping(step: Callable[..., Effect]) -> Callable[..., Effect]:
        return lambda keeper, partition, topic, records, *rest: step(keeper, partition, topic, records[:-1], *rest)

    yield Patch(Bookkeeper, "step", dropping)


def a_repeat_is_applied(_: Path) -> Iterator[Patch]:
    """The book forgets before each step what it has seen of each source, so it applies a repeat of the recorder's."""

    def forgetting(step: Callable[..., Effect]) -> Callable[..., Effect]:
        def stepped(keeper: Bookkeeper, partition: int, *rest: Any) -> Effect:
            keeper._books[partition]._cursors.clear()
            return step(keeper, partition, *rest)

        return stepped

    yield Patch(Bookkeeper, "step", forgetting)


# --------------------------------------------------------------------------------------------------- the recorder


def the_recorder_commits_before_its_append(_: Path) -> Iterator[Patch]:
    """The recorder commits its offsets before it appends what they stand for."""
    orders: dict[AppendLane, asyncio.Lock] = defaultdict(asyncio.Lock)
    taking: set[asyncio.Task[None]] = set()

    def early(take: Callable[..., None]) -> Callable[..., None]:
        async def take_later(lane: Any, event: Any) -> None:
            async with orders[lane]:
                await lane._app.consumer.commit()
                with Stopping("step"):
                    take(lane, event)

        def taken(lane: AppendLane, event: Any) -> None:
            event.ack()
            task = asyncio.ensure_future(take_later(lane, event))
            taking.add(task)
            task.add_done_callback(taking.discard)

        return taken

    yield Patch(AppendLane, "_take", early)


def the_last_appends_of_the_recorder_are_lost(_: Path) -> Iterator[Patch]:
    """The recorder ends after its offsets were committed, and before the broker had the last records of each step."""

    def cut(step: Callable[..., list[Append]]) -> Callable[..., list[Append]]:
        return lambda *args: step(*args)[:-LOST_APPENDS]

    yield Patch(Recorder, "step", cut)


def the_clock_of_the_recorder_is_not_held(_: Path) -> Iterator[Patch]:
    """The recorder stamps records with its machine's clock and never compares it with the broker's."""

    async def hold(clock: WallClock) -> Instant:
        return clock._now()

    async def before_step(_clock: WallClock, _records: Sequence[Record]) -> None:
        pass

    yield Patch(WallClock, "hold", lambda _: hold)
    yield Patch(WallClock, "before_step", lambda _: before_step)
    yield Patch(WallClock, "stamp", lambda _: lambda clock: clock._now())


# ------------------------------------------------------------------------------------------------------- the sink


def the_sink_inserts_without_a_token(_: Path) -> Iterator[Patch]:
    """The sink gives a repeated insert a new token, so ClickHouse does not deduplicate it."""
    numbers = itertools.count()

    def plain(insert: Callable[..., Any]) -> Callable[..., Any]:
        async def without(warehouse: Warehouse, table: str, columns: Columns, token: str) -> None:
            warehouse._settings = {**INSERT_SETTINGS, "insert_deduplicate": 0}
            await insert(warehouse, table, columns, f"{token} {_unique(numbers)}")

        return without

    yield Patch(Warehouse, "insert", plain)


def the_sink_resumes_from_the_offset_of_a_group(folder: Path) -> Iterator[Patch]:
    """The sink resumes after its last read, as a group with auto-commit would, and not where ClickHouse's marks are."""
    group = folder / "group-offsets.json"

    def offsets() -> dict[str, int]:
        return dict(json.loads(group.read_text())) if group.exists() else {}

    def committing(read: Callable[..., Any]) -> Callable[..., Any]:
        async def then(source: Source) -> Any:
            batches = await read(source)
            ends = {f"{batch.range.topic}-{batch.range.partition}": batch.range.next for batch in batches}
            group.write_text(json.dumps(offsets() | ends))
            return batches

        return then

    async def nothing(_: Progress) -> dict[Partition, Mark]:
        return {}

    def position(_sink: Sink, partition: Partition, _mark: Mark | None, _first: int) -> int:
        return offsets().get("-".join(map(str, partition)), 0)

    def saying_so(begin: Callable[..., Any]) -> Callable[..., Any]:
        async def begun(sink: Sink) -> None:
            await begin(sink)
            at = sink._source._positions.items()
            await sink._progress.after([Batch.of(Range(tp.topic, tp.partition, 0, next_), []) for tp, next_ in at])

        return begun

    yield Patch(Source, "read", committing)
    yield Patch(Sink, "begin", saying_so)
    yield Patch(Progress, "last", lambda _: nothing)
    yield Patch(Sink, "_position", lambda _: position)


def the_sink_writes_off_what_is_not_in_yet(_: Path) -> Iterator[Patch]:
    """The sink records its progress before ClickHouse has answered its inserts."""
    under_way: set[asyncio.Task[None]] = set()

    def early(insert_all: Callable[..., Any]) -> Callable[..., Any]:
        async def begun(sink: Sink, inserts: Sequence[Insert]) -> None:
            task = asyncio.ensure_future(insert_all(sink, inserts))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

        return begun

    yield Patch(Sink, "_insert_all", early)


def _unique(numbers: Iterator[int]) -> str:
    return f"{os.getpid()}-{next(numbers)}"


CURSOR_FIRST: Final = Variant.of(offsets_are_committed_before_the_effect)
CURSORS_BACK: Final = Variant.of(the_cursor_is_not_written_with_the_state)
NO_FENCE: Final = Variant.of(a_producer_fences_nobody)
UNCOMMITTED: Final = Variant.of(recovery_reads_what_was_never_committed)
EAGER_DISK: Final = Variant.of(the_state_is_on_disk_before_it_is_committed)
SWALLOWED: Final = Variant.of(an_exception_in_a_step_is_swallowed)
DROPPED: Final = Variant.of(the_last_entry_of_a_batch_is_dropped)
REPEATED: Final = Variant.of(a_repeat_is_applied)
OFFSETS_FIRST: Final = Variant.of(the_recorder_commits_before_its_append)
APPENDS_LOST: Final = Variant.of(the_last_appends_of_the_recorder_are_lost)
CLOCK_NOT_HELD: Final = Variant.of(the_clock_of_the_recorder_is_not_held)
NO_TOKEN: Final = Variant.of(the_sink_inserts_without_a_token)
GROUP_OFFSET: Final = Variant.of(the_sink_resumes_from_the_offset_of_a_group)
WRITTEN_OFF: Final = Variant.of(the_sink_writes_off_what_is_not_in_yet)

VARIANTS: Final = {
    variant.name: variant
    for variant in (
        CURSOR_FIRST, CURSORS_BACK, NO_FENCE, UNCOMMITTED, EAGER_DISK, SWALLOWED, DROPPED, REPEATED,
        OFFSETS_FIRST, APPENDS_LOST, CLOCK_NOT_HELD, NO_TOKEN, GROUP_OFFSET, WRITTEN_OFF,
    )
}  # fmt: skip
