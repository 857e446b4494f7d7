"""The sink's loop: read ranges, write `before`, insert their rows, write `after`; resume at the last mark."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import NamedTuple

from schemas.generation import FIRST
from schemas.kafka.ending import end
from sinks.clickhouse.culprit import refusal_of
from sinks.clickhouse.marks import BEFORE, Mark, Partition
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.published_views import publish_for_analysts, publish_views
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.readiness import SinkStatus
from sinks.clickhouse.refusals import ContentChanged, NotTaken, PositionLost, Refused
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import RECORDS_PER_ROUND_MAX, WHAT_TO_DO, Source
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.together import Insert, inserts
from sinks.clickhouse.topics import Topic, topics
from sinks.clickhouse.totals import Totals
from sinks.clickhouse.view_comments import comment_views
from sinks.clickhouse.warehouse import Warehouse

STOP_LIMIT_S = 5.0
# An insert of few rows mostly waits. Twelve concurrent inserts were no faster than four.
INSERTS_AT_ONCE = 4
FULL_ROUND_RECORDS = RECORDS_PER_ROUND_MAX // 2

_log = logging.getLogger(__name__)


MayPublish = Callable[[], Awaitable[bool]]


async def always() -> bool:
    return True


async def run_sink(
    settings: SinkSettings,
    *,
    stop: asyncio.Event,
    metrics: SinkMetrics | None = None,
    status: SinkStatus | None = None,
    may_publish: MayPublish = always,
) -> None:
    """Copy the topics to ClickHouse until `stop` is set, and report to `metrics` and `status`.

    Just before it publishes views in another database (in `published_in`, in that of analysts) it calls `may_publish`;
    if that returns false, it does not publish them.

    Waits for Kafka and ClickHouse as long as it takes. When stopped, the current round has STOP_LIMIT_S to end;
    otherwise the next start repeats it. Raises Refused (exit code 78); MoveFailedError (70).
    """
    running = asyncio.create_task(_run(settings, stop, metrics or SinkMetrics(), status or SinkStatus(), may_publish))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({running}, timeout=STOP_LIMIT_S)
    finally:
        stopping.cancel()
        await end(running)
    if not running.cancelled():
        running.result()


async def _run(
    settings: SinkSettings, stop: asyncio.Event, metrics: SinkMetrics, status: SinkStatus, may_publish: MayPublish
) -> None:
    async with await Warehouse.open(settings, metrics.retried) as warehouse, await Source.open(settings) as source:
        if settings.migrate:
            await warehouse.patiently("migrate", lambda: migrate(warehouse.client, cluster=settings.cluster))
            await warehouse.patiently("comment", lambda: comment_views(warehouse.client, cluster=settings.cluster))
            if settings.generation == FIRST and await may_publish():
                # A later generation is shown when it has caught up; the first one has nothing before it.
                await warehouse.patiently(
                    "publish for analysts",
                    lambda: publish_for_analysts(warehouse.client, settings.database, cluster=settings.cluster),
                )
        async with aclosing(Sink(source, warehouse, topics(settings.topics), metrics)) as sink:
            await sink.begin()
            status.carry()
            to_publish = bool(settings.published_in)
            while not stop.is_set():
                records = await sink.round()
                status.carry()
                if to_publish and sink.has_caught_up():
                    await publish_if(may_publish, warehouse, settings)
                    to_publish = False
                if records < FULL_ROUND_RECORDS:
                    await sink.total()


async def publish_if(may_publish: MayPublish, warehouse: Warehouse, settings: SinkSettings) -> None:
    """Publish the views in `published_in`, unless another generation is current by now."""
    if not await may_publish():
        _log.warning(
            "The views of %s are not published in %s: another generation is current.",
            settings.database,
            settings.published_in,
        )
        return
    published = await warehouse.patiently(
        "publish views", lambda: publish_views(warehouse.client, settings.published_in, cluster=settings.cluster)
    )
    _log.info("%d views of %s are published in %s.", len(published), settings.database, settings.published_in)


class Taken(NamedTuple):
    """The batches of one round, the blocks of each, and the inserts that they become together."""

    batches: list[Batch]
    blocks: list[Block]
    inserts: list[Insert]

    @property
    def records(self) -> int:
        return sum(len(batch.records) for batch in self.batches)


class Sink:
    """Source, tables and progress combined. Call `begin` once, `round` repeatedly, and `aclose` at the end.

    After a full round more records are waiting, so the next round is read and made into rows while ClickHouse inserts
    the current one, several tables and partitions at a time.
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
        self._carried: dict[Partition, int] = {}  # the position after the rows that are in ClickHouse
        self._ahead: asyncio.Task[Taken] | None = None
        self._warehouse = warehouse
        self._progress = Progress(warehouse)
        self._totals = Totals(warehouse)
        self._topics = read
        self._metrics = metrics or SinkMetrics()

    async def begin(self) -> None:
        """Read the positions and finish every begun range. Raises Refused if a range cannot be repeated."""
        partitions = await self._source.partitions(list(self._topics))
        marks = await self._progress.last()
        first_offsets = await self._source.first_offsets(partitions)
        positions = {p: self._position(p, marks.get(p), first_offsets[p]) for p in partitions}
        self._source.begin(positions)
        self._carried = positions
        begun = [mark for partition in partitions if (mark := marks.get(partition)) and mark.stage == BEFORE]
        if begun:
            await self._finish(begun)
        await self._totals.begin()
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

    async def _finish(self, begun: Sequence[Mark]) -> None:
        """Repeat the inserts of the round that was begun: same records, same tokens."""
        batches = [await self._read_again(mark) for mark in begun]
        await self._insert_all((await asyncio.to_thread(self._taken, batches)).inserts)
        await self._after(batches)
        for mark in begun:
            _log.info("Finished %s, which was begun before.", mark.range)

    async def _read_again(self, mark: Mark) -> Batch:
        batch = await self._source.read_again(mark.range)
        if batch.sha256 != mark.sha256 and not self._topics[mark.range.topic].is_compacted:
            raise ContentChanged(
                f"{mark.range} was begun with records of SHA-256 {mark.sha256[:12]} and now holds {batch.sha256[:12]}: "
                "the topic is not the one that was read. sinks/clickhouse/README.md, 'When it refuses'."
            )
        return batch

    def has_caught_up(self) -> bool:
        """Whether the last round was near the ends of all partitions."""
        lags = self._lags()
        return len(lags) == len(self._carried) and sum(lags.values()) <= FULL_ROUND_RECORDS

    async def round(self) -> int:
        """Copy the records that have arrived; returns their number."""
        taken = await self._next()
        began_s = time.monotonic()
        if taken.records >= self._full_round_records:
            self._ahead = asyncio.create_task(self._take())
        await self._progress.before([batch for batch in taken.batches if batch.records])
        await self._totals.before(taken.blocks)
        await self._insert_all(taken.inserts)
        await self._after(taken.batches)
        self._totals.after(taken.blocks)
        self._metrics.carried(taken.batches, self._lags(), time.monotonic() - began_s)
        return taken.records

    async def total(self) -> None:
        """Add up one full bucket of the ledger, if there is one."""
        if (bucket := self._totals.due()) is not None:
            await self._totals.total(bucket)

    async def aclose(self) -> None:
        """Cancel reading ahead."""
        if self._ahead is not None:
            await end(self._ahead)
            if not self._ahead.cancelled():
                self._ahead.exception()  # nothing was begun; the error recurs on the next read

    async def _next(self) -> Taken:
        """The round that was read ahead, or a new one."""
        if self._ahead is None:
            return await self._take()
        ahead, self._ahead = self._ahead, None
        return await ahead

    async def _take(self) -> Taken:
        """Read a round and make its rows before `before` is written: an unreadable range must not be begun."""
        batches = await self._source.read()
        # In a thread, so that concurrent inserts go on.
        return await asyncio.to_thread(self._taken, batches)

    def _taken(self, batches: list[Batch]) -> Taken:
        by_range = {batch.range: list(self._topics[batch.range.topic].blocks(batch)) for batch in batches}
        blocks = [block for own in by_range.values() for block in own]
        return Taken(batches, blocks, inserts(batches, lambda batch: by_range[batch.range]))

    async def _after(self, batches: Sequence[Batch]) -> None:
        await self._progress.after(batches)
        for batch in batches:
            self._carried[batch.range.topic, batch.range.partition] = batch.range.next

    def _lags(self) -> dict[Partition, int]:
        return {partition: max(0, end - self._carried[partition]) for partition, end in self._source.ends().items()}

    async def _insert_all(self, inserts: Sequence[Insert]) -> None:
        """Insert some at a time, in any order. The first that fails for good cancels the others."""
        turns = asyncio.Semaphore(INSERTS_AT_ONCE)

        async def in_turn(insert: Insert) -> None:
            async with turns:
                await self._insert(insert)

        try:
            async with asyncio.TaskGroup() as group:
                for insert in inserts:
                    group.create_task(in_turn(insert))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed  # `failed` has the others, if several failed

    async def _insert(self, insert: Insert) -> None:
        block, began_s = insert.block, time.monotonic()
        try:
            await self._warehouse.insert(block.table, block.columns, insert.token)
        except NotTaken as refused:
            raise await self._refusal(insert, refused) from None
        self._metrics.inserted(block, time.monotonic() - began_s)

    async def _refusal(self, insert: Insert, refused: NotTaken) -> Refused:
        """Unwritable with the first record that ClickHouse rejects; `refused` itself if it accepts each alone."""
        for batch in insert.batches:
            topic = self._topics[batch.range.topic]
            found = await refusal_of(self._warehouse, topic, batch, insert.block.table, refused)
            if found is not refused:
                return found
        return refused
