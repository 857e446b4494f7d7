"""The loop: read ranges, write them down, insert their rows, write them off; and begin where it ended."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from sinks.clickhouse.culprit import refusal_of
from sinks.clickhouse.faults import ContentChanged, NotTaken, PositionLost
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.progress import BEFORE, Mark, Partition, Progress
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.readiness import Standing
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.showing import show
from sinks.clickhouse.source import RECORDS_PER_ROUND_MAX, WHAT_TO_DO, Source
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.topics import Topic, topics
from sinks.clickhouse.warehouse import Warehouse

STOP_LIMIT_S = 5.0
# An insert of few rows waits more than it works. Twelve at once were no faster than four.
INSERTS_AT_ONCE = 4
FULL_ROUND_RECORDS = RECORDS_PER_ROUND_MAX // 2

_log = logging.getLogger(__name__)


MayShow = Callable[[], Awaitable[bool]]


async def always() -> bool:
    return True


async def run_sink(
    settings: SinkSettings,
    *,
    stop: asyncio.Event,
    metrics: SinkMetrics | None = None,
    standing: Standing | None = None,
    may_show: MayShow = always,
) -> None:
    """Carry the topics into ClickHouse until `stop` is set; `metrics` and `standing` are told how it goes.

    `may_show` is asked just before the views are made in `shown_in`: they are not if it says no.

    Waits for Kafka and ClickHouse as long as it takes. A round under way at the stop has STOP_LIMIT_S to end; it is
    repeated at the next start otherwise. Raises Refused (exit code 78).
    """
    running = asyncio.create_task(_run(settings, stop, metrics or SinkMetrics(), standing or Standing(), may_show))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({running}, timeout=STOP_LIMIT_S)
    finally:
        stopping.cancel()
        running.cancel()
        await asyncio.wait({running})
    if not running.cancelled():
        running.result()


async def _run(
    settings: SinkSettings, stop: asyncio.Event, metrics: SinkMetrics, standing: Standing, may_show: MayShow
) -> None:
    async with await Warehouse.open(settings, metrics.retried) as warehouse, await Source.open(settings) as source:
        if settings.migrate:
            await warehouse.patiently("migrate", lambda: migrate(warehouse.client, cluster=settings.cluster))
        async with aclosing(Sink(source, warehouse, topics(settings.topics), metrics)) as sink:
            await sink.begin()
            standing.carry()
            to_show = bool(settings.shown_in)
            while not stop.is_set():
                records = await sink.round()
                standing.carry()
                if to_show and sink.has_caught_up():
                    await show_if(may_show, warehouse, settings)
                    to_show = False
                if records < FULL_ROUND_RECORDS:
                    await _pause(stop, settings.linger_s)


async def show_if(may_show: MayShow, warehouse: Warehouse, settings: SinkSettings) -> None:
    """Make the views in `shown_in`, unless another generation stands by now."""
    if not await may_show():
        _log.warning("%s does not show %s: another generation stands.", settings.shown_in, settings.database)
        return
    shown = await warehouse.patiently(
        "show", lambda: show(warehouse.client, settings.shown_in, cluster=settings.cluster)
    )
    _log.info("%s shows %s: %d views.", settings.shown_in, settings.database, len(shown))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait({waiting}, timeout=seconds)
    waiting.cancel()


class Insert(NamedTuple):
    """The rows of one table that a batch becomes."""

    batch: Batch
    block: Block


class Taken(NamedTuple):
    """What was read in one go, and what is to be inserted of it."""

    batches: list[Batch]
    inserts: list[Insert]

    @property
    def records(self) -> int:
        return sum(len(batch.records) for batch in self.batches)


class Sink:
    """Source, tables and progress put together; `begin` once, then `round` again and again, `aclose` at the end.

    After a full round there is more to come: the next is read and made into rows while ClickHouse takes this one,
    several tables and partitions of it at once.
    """

    def __init__(
        self,
        source: Source,
        warehouse: Warehouse,
        read: Mapping[str, Topic],
        metrics: SinkMetrics | None = None,
        *,
        full_round_records: int = FULL_ROUND_RECORDS,
    ) -> None:
        self._source = source
        self._full_round_records = full_round_records
        self._carried: dict[Partition, int] = {}  # position behind what is in ClickHouse
        self._ahead: asyncio.Task[Taken] | None = None
        self._warehouse = warehouse
        self._progress = Progress(warehouse)
        self._topics = read
        self._metrics = metrics or SinkMetrics()

    async def begin(self) -> None:
        """Take up the positions, and finish every range that was begun. Refused when that cannot be done as it was."""
        partitions = await self._source.partitions(list(self._topics))
        marks = await self._progress.last()
        first_offsets = await self._source.first_offsets(partitions)
        positions = {p: self._position(p, marks.get(p), first_offsets[p]) for p in partitions}
        self._source.begin(positions)
        self._carried = positions
        for partition in partitions:
            mark = marks.get(partition)
            if mark is not None and mark.stage == BEFORE:
                await self._finish(mark)
        _log.info("The sink begins: %d partitions, %d of them with progress.", len(positions), len(marks))

    def _position(self, partition: Partition, mark: Mark | None, first_offset: int) -> int:
        topic, number = partition
        if mark is None and not self._topics[topic].is_complete:
            return first_offset
        position = mark.position if mark else 0
        if first_offset > position:
            raise PositionLost(
                f"{topic}-{number} begins at offset {first_offset}, but the sink is at {position}. {WHAT_TO_DO}"
            )
        return position

    async def _finish(self, mark: Mark) -> None:
        """Insert a range that was begun once more: same records, same token."""
        batch = await self._source.read_again(mark.range)
        if batch.sha256 != mark.sha256 and not self._topics[mark.range.topic].is_compacted:
            raise ContentChanged(
                f"{mark.range} was begun with records of SHA-256 {mark.sha256[:12]} and now holds {batch.sha256[:12]}: "
                "the topic is not the one that was read. sinks/clickhouse/README.md, 'When it refuses'."
            )
        await self._insert_all(self._blocks([batch]))
        await self._after([batch])
        _log.info("Finished %s, which was begun before.", mark.range)

    def has_caught_up(self) -> bool:
        """Whether it was near the ends of all partitions in the last round."""
        lags = self._lags()
        return len(lags) == len(self._carried) and sum(lags.values()) <= FULL_ROUND_RECORDS

    async def round(self) -> int:
        """Carry what has come; the number of records."""
        taken = await self._next()
        began_s = time.monotonic()
        if taken.records >= self._full_round_records:
            self._ahead = asyncio.create_task(self._take())
        await self._progress.before([batch for batch in taken.batches if batch.records])
        await self._insert_all(taken.inserts)
        await self._after(taken.batches)
        self._metrics.carried(taken.batches, self._lags(), time.monotonic() - began_s)
        return taken.records

    async def aclose(self) -> None:
        """Read no further."""
        if self._ahead is not None:
            self._ahead.cancel()
            # What it may have failed of was not begun, and will be met again.
            await asyncio.gather(self._ahead, return_exceptions=True)

    async def _next(self) -> Taken:
        """What was read ahead, if anything was."""
        if self._ahead is None:
            return await self._take()
        ahead, self._ahead = self._ahead, None
        return await ahead

    async def _take(self) -> Taken:
        """Before anything is written down: what cannot be read must not be begun."""
        batches = await self._source.read()
        # In a thread, so that the inserts under way go on meanwhile.
        return Taken(batches, await asyncio.to_thread(self._blocks, batches))

    async def _after(self, batches: Sequence[Batch]) -> None:
        await self._progress.after(batches)
        for batch in batches:
            self._carried[batch.range.topic, batch.range.partition] = batch.range.next

    def _lags(self) -> dict[Partition, int]:
        return {partition: max(0, end - self._carried[partition]) for partition, end in self._source.ends().items()}

    def _blocks(self, batches: Sequence[Batch]) -> list[Insert]:
        return [Insert(batch, block) for batch in batches for block in self._topics[batch.range.topic].blocks(batch)]

    async def _insert_all(self, inserts: Sequence[Insert]) -> None:
        """Some at a time and in any order. The first that fails for good ends the others."""
        turns = asyncio.Semaphore(INSERTS_AT_ONCE)

        async def in_turn(insert: Insert) -> None:
            async with turns:
                await self._insert(*insert)

        try:
            async with asyncio.TaskGroup() as group:
                for insert in inserts:
                    group.create_task(in_turn(insert))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed  # which names the others, should several fail at once

    async def _insert(self, batch: Batch, block: Block) -> None:
        began_s = time.monotonic()
        try:
            await self._warehouse.insert(block.table, block.columns, batch.token(block.table))
        except NotTaken as refused:
            topic = self._topics[batch.range.topic]
            raise await refusal_of(self._warehouse, topic, batch, block.table, refused) from None
        self._metrics.inserted(block, time.monotonic() - began_s)
