"""The sink adds up full buckets by itself, and takes a name away before it writes into such a bucket again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from sinks.clickhouse.buckets import BITS
from sinks.clickhouse.loop import Sink
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import Source
from sinks.clickhouse.topics import topics
from tests.support.sink_database import Database
from tests.support.sink_records import inside, ledger_record, ledger_value, line
from tests.support.sink_runs import CAUGHT_UP_LIMIT_S, Dying, Killed, running
from tests.support.sink_topics import Topics, made_topics

LEDGER = "coverage.ledger.v1"
BUCKET = 1 << BITS
NAMED = "SELECT groupArray(bucket) FROM (SELECT bucket FROM ledger_buckets FINAL WHERE attempt != '' ORDER BY bucket)"
ACTIVE = "SELECT active FROM coverage_as_of(as_of='2025-09-01', known_at='2030-01-01T00:00:00Z')"


@pytest.fixture
def settings(kafka_address: str, clickhouse_url: str, clickhouse_database: str, topic_prefix: str) -> SinkSettings:
    return SinkSettings(kafka_address, clickhouse_url, clickhouse_database, topic_prefix, gather_ms=0)


@pytest.fixture
async def written(settings: SinkSettings) -> AsyncIterator[Topics]:
    async with made_topics(settings.kafka_address, settings.topic_prefix) as made:
        yield made


@asynccontextmanager
async def begun(settings: SinkSettings) -> AsyncIterator[tuple[Sink, Dying]]:
    async with await Source.open(settings) as source, await Dying.open(settings) as warehouse:
        warehouse.table = ""
        await migrate(warehouse.client)
        async with aclosing(Sink(source, warehouse, topics(settings.topics))) as sink:
            await sink.begin()
            yield sink, warehouse


async def write(written: Topics, *offsets: int) -> None:
    """One line of one person each."""
    records = [ledger_record(offset, [line("2025-09-01", None, inside())]) for offset in offsets]
    await written.write(LEDGER, map(ledger_value, records))


async def carry(sink: Sink) -> None:
    while not await sink.round():
        pass


async def test_it_adds_up_what_is_full_and_what_a_sink_before_it_left(settings: SinkSettings, written: Topics) -> None:
    async with begun(settings) as (sink, warehouse):
        database = Database(warehouse)
        await write(written, 0, 1, BUCKET - 1)
        await carry(sink)
        await sink.total()
        assert await database.value("SELECT count() FROM ledger_buckets") == 0  # there may be more to come
        await write(written, BUCKET, 2 * BUCKET)
        await carry(sink)
        await sink.total()
        await sink.total()
        await sink.total()
        assert await database.value(NAMED) == [0, 1]
        await write(written, 3 * BUCKET)
        await carry(sink)
    async with begun(settings) as (sink, warehouse):
        database = Database(warehouse)
        await sink.total()
        await sink.total()
        assert await database.value(NAMED) == [0, 1, 2]
        assert await database.value("SELECT count() FROM ledger_totals_by_day") == 3  # each once
        assert await database.value(ACTIVE) == 6


async def test_a_line_in_a_bucket_that_is_added_up_counts_wherever_the_sink_dies(
    settings: SinkSettings, written: Topics
) -> None:
    async with begun(settings) as (sink, warehouse):
        database = Database(warehouse)
        await write(written, 0, BUCKET)
        await carry(sink)
        await sink.total()
        assert await database.value(NAMED) == [0]
        await write(written, 5)
        warehouse.table = "ledger_lines"
        with pytest.raises(Killed):
            await carry(sink)
        assert await database.value(NAMED) == []
        assert await database.value(ACTIVE) == 3
    async with begun(settings) as (sink, warehouse):
        database = Database(warehouse)
        await sink.total()
        assert await database.value(NAMED) == [0]
        assert await database.value(ACTIVE) == 3


async def test_a_sink_that_has_nothing_to_carry_adds_up(settings: SinkSettings, written: Topics) -> None:
    await write(written, *range(0, 4 * BUCKET, BUCKET // 2))
    async with begun(settings) as (_, warehouse), running(settings) as sink:
        database = Database(warehouse)
        async with asyncio.timeout(CAUGHT_UP_LIMIT_S):
            while await database.value(NAMED) != [0, 1, 2]:
                assert not sink.done()
        assert await database.value(ACTIVE) == 8
