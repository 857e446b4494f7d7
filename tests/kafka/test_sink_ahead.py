"""The sink reads on while ClickHouse takes what it has: that is not carried yet, and is not said to be."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from sinks.loop import Sink
from sinks.metrics import SinkMetrics
from sinks.migrations import migrate
from sinks.progress import AFTER, BEFORE, TABLE, Partition
from sinks.ranges import Batch
from sinks.settings import SinkSettings
from sinks.source import Source
from sinks.topics import topics
from sinks.warehouse import Columns, Warehouse
from tests.support.sink_records import inside, ledger_record, ledger_value, line
from tests.support.sink_topics import made_topics

LEDGER = "coverage.ledger.v1"
LIMIT_S = 30
ROUNDS = 4
RECORDS_A_ROUND = 3


class Noting(Source):
    """Says how often it has read something."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.reads = 0
        self.has_read = asyncio.Event()

    async def read(self) -> list[Batch]:
        batches = await super().read()
        if batches:
            self.reads += 1
            self.has_read.set()
        return batches


class Slow(Warehouse):
    """Holds each insert of the ledger until something has come about; notes what is written."""

    async def meanwhile(self) -> None:
        """Nothing, unless a test says what."""

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        await super().insert(table, columns, token)
        self.written.append(columns["stage"][0] if table == TABLE else table)
        if table == "ledger_entries":
            await self.meanwhile()

    written: list[str]


class Told(SinkMetrics):
    """Keeps the lags of each round."""

    def __init__(self) -> None:
        super().__init__()
        self.lags: list[dict[Partition, int]] = []

    def carried(self, batches: Sequence[Batch], lags: Mapping[Partition, int], seconds: float) -> None:
        super().carried(batches, lags, seconds)
        self.lags.append(dict(lags))


def values(first: int) -> list[bytes]:
    postings = [line("2025-09-01", None, inside("daily", "JKK"))]
    return [ledger_value(ledger_record(offset, postings)) for offset in range(first, first + RECORDS_A_ROUND)]


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
    assert warehouse.written == [BEFORE, "ledger_entries", "ledger_lines", AFTER] * ROUNDS
