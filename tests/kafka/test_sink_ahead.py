"""The sink inserts several blocks at once and reads ahead meanwhile. Records read ahead do not count as inserted."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Any

from sinks.clickhouse.loop import INSERTS_AT_ONCE, Sink
from sinks.clickhouse.marks import AFTER, BEFORE, TABLE, Partition
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import Source
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.together import RECORDS_MAX
from sinks.clickhouse.topics import Topic, topics
from sinks.clickhouse.warehouse import Columns, Warehouse
from tests.support.sink_records import fact_entry, inside, journal_values, ledger_record, ledger_value, line
from tests.support.sink_topics import PARTITIONS, made_topics

JOURNAL = "coverage.journal.v1"
LEDGER = "coverage.ledger.v1"
LIMIT_S = 120
ROUNDS = 4
RECORDS_A_ROUND = 3
TOO_MANY = RECORDS_MAX // 2 + 1  # for two partitions to share an insert


class Noting(Source):
    """Reads until records arrive, however long that takes, and counts its reads.

    The real source returns empty after a short wait. On a busy machine that may be before a slow insert has begun, and
    then nothing would be read during the insert.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.reads = 0
        self.has_read = asyncio.Event()

    async def read(self) -> list[Batch]:
        while not (batches := await super().read()):
            pass
        self.reads += 1
        self.has_read.set()
        return batches


class Slow(Warehouse):
    """Delays each insert of the ledger until `meanwhile` returns. Lists the inserted tables and stages in `written`."""

    async def meanwhile(self) -> None:
        """Does nothing unless a test replaces it."""

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        await super().insert(table, columns, token)
        self.written.append(columns["stage"][0] if table == TABLE else table)
        if table == "ledger_entries":
            await self.meanwhile()

    written: list[str]


class Meeting(Warehouse):
    """Blocks inserts of rows until INSERTS_AT_ONCE of them run. `most` is the largest number that ran at once."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.under_way = 0
        self.most = 0
        self.has_met = asyncio.Event()

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        if table == TABLE:
            await super().insert(table, columns, token)
            return
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        if self.under_way == INSERTS_AT_ONCE:
            self.has_met.set()
        await self.has_met.wait()
        await super().insert(table, columns, token)
        self.under_way -= 1


class Told(SinkMetrics):
    """Collects the lags of each round."""

    def __init__(self) -> None:
        super().__init__()
        self.lags: list[dict[Partition, int]] = []

    def carried(self, batches: Sequence[Batch], lags: Mapping[Partition, int], seconds: float) -> None:
        super().carried(batches, lags, seconds)
        self.lags.append(dict(lags))


def values(first: int, count: int = RECORDS_A_ROUND) -> list[bytes]:
    postings = [line("2025-09-01", None, inside("daily", "JKK"))]
    return [ledger_value(ledger_record(offset, postings)) for offset in range(first, first + count)]


async def test_what_is_read_ahead_is_neither_begun_nor_counted_as_carried(
    kafka_address: str, topic_prefix: str, clickhouse_url: str, clickhouse_database: str
) -> None:
    settings = SinkSettings(kafka_address, clickhouse_url, clickhouse_database, topic_prefix)
    ledger, told = (settings.topics.ledger, 0), Told()
    async with (
        made_topics(kafka_address, topic_prefix) as made,
        await Noting.open(settings) as source,
        await Slow.open(settings) as warehouse,
        asyncio.timeout(LIMIT_S),
    ):
        await migrate(warehouse.client)
        warehouse.written = []

        async def more_comes_and_is_read() -> None:
            if source.reads < ROUNDS:
                source.has_read.clear()
                await made.write(LEDGER, values(source.reads * RECORDS_A_ROUND))
                await source.has_read.wait()

        warehouse.meanwhile = more_comes_and_is_read  # type: ignore[method-assign]
        await made.write(LEDGER, values(0))
        async with aclosing(Sink(source, warehouse, topics(settings.topics), told, full_round_records=1)) as sink:
            await sink.begin()
            while len(told.lags) < ROUNDS:
                await sink.round()
            assert sink.has_caught_up()
    assert [lags[ledger] >= RECORDS_A_ROUND for lags in told.lags] == [True] * (ROUNDS - 1) + [False]
    rounds = [warehouse.written[i : i + 4] for i in range(0, len(warehouse.written), 4)]
    assert [[first, *sorted(tables), last] for first, *tables, last in rounds] == [
        [BEFORE, "ledger_entries", "ledger_lines", AFTER]
    ] * ROUNDS


def noting(read: Mapping[str, Topic], made_in: set[int]) -> dict[str, Topic]:
    """The same topics; adds the threads that make their rows to `made_in`."""

    def noting_blocks(blocks: Callable[[Batch], list[Block]], batch: Batch) -> list[Block]:
        made_in.add(threading.get_ident())
        return blocks(batch)

    return {name: replace(topic, blocks=partial(noting_blocks, topic.blocks)) for name, topic in read.items()}


async def test_several_inserts_are_under_way_at_once_but_not_more_than_the_limit(
    kafka_address: str, topic_prefix: str, clickhouse_url: str, clickhouse_database: str
) -> None:
    settings = SinkSettings(kafka_address, clickhouse_url, clickhouse_database, topic_prefix)
    made_in: set[int] = set()
    async with (
        made_topics(kafka_address, topic_prefix) as made,
        await Source.open(settings) as source,
        await Meeting.open(settings) as warehouse,
        asyncio.timeout(LIMIT_S),
    ):
        await migrate(warehouse.client)
        for partition in range(PARTITIONS):
            await made.write(LEDGER, values(partition * TOO_MANY, TOO_MANY), partition=partition)
            await made.write(JOURNAL, journal_values([fact_entry()]), partition=partition)
        async with aclosing(Sink(source, warehouse, noting(topics(settings.topics), made_in))) as sink:
            await sink.begin()
            records = 0
            while records < PARTITIONS * (TOO_MANY + 1):
                records += await sink.round()
        found = await warehouse.client.query("SELECT count() FROM ledger_entries FINAL")
    assert warehouse.most == INSERTS_AT_ONCE
    assert made_in, "rows were made"
    assert threading.get_ident() not in made_in, "and the inserts did not wait for it"
    assert found.result_rows == [(PARTITIONS * TOO_MANY,)]
