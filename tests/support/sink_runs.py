"""Running the sink in a test: until it has carried everything, or until it dies at some point."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from sinks.clickhouse.loop import Sink, run_sink
from sinks.clickhouse.marks import TABLE
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.reading import wait_until_caught_up
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import Source
from sinks.clickhouse.topics import topics
from sinks.clickhouse.warehouse import Columns, Warehouse
from tests.support.sink_database import Database
from tests.support.sink_topics import Topics

CAUGHT_UP_LIMIT_S = 120


@asynccontextmanager
async def running(settings: SinkSettings) -> AsyncIterator[asyncio.Task[None]]:
    """Run the sink until the block ends, then raise any exception of the sink."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_sink(settings, stop=stop))
    try:
        yield task
    finally:
        stop.set()
        await task


async def carry(settings: SinkSettings, written: Topics) -> None:
    """Run the sink until it has inserted everything, then stop it."""
    ends = await written.ends()
    async with running(settings) as sink:
        waiting = asyncio.create_task(wait_until_caught_up(settings, ends, CAUGHT_UP_LIMIT_S))
        await asyncio.wait({sink, waiting}, return_when=asyncio.FIRST_COMPLETED)
        assert not sink.done(), sink
        await waiting


@asynccontextmanager
async def database(settings: SinkSettings) -> AsyncIterator[Database]:
    async with await Warehouse.open(settings) as warehouse:
        yield Database(warehouse)


async def carry_to_the_end(settings: SinkSettings) -> None:
    """Run the sink until it stops with an error."""
    await asyncio.wait_for(run_sink(settings, stop=asyncio.Event()), CAUGHT_UP_LIMIT_S)


class Killed(Exception):
    """Simulates kill -9 at this point."""


class Dying(Warehouse):
    """A warehouse whose process dies before or after (`when`) the insert into `table`."""

    table = TABLE
    stage = ""
    when = "after"

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        hit = table == self.table and (not self.stage or self.stage in columns["stage"])
        if hit and self.when == "before":
            raise Killed
        await super().insert(table, columns, token)
        if hit:
            raise Killed


async def die(settings: SinkSettings, table: str, stage: str, when: str) -> None:
    async with await Source.open(settings) as source, await Dying.open(settings) as warehouse:
        await migrate(warehouse.client)
        warehouse.table, warehouse.stage, warehouse.when = table, stage, when
        # With this limit the sink reads ahead after every round that had records.
        async with aclosing(Sink(source, warehouse, topics(settings.topics), full_round_records=1)) as sink:
            await sink.begin()
            with pytest.raises(Killed):
                async with asyncio.timeout(CAUGHT_UP_LIMIT_S):
                    while True:
                        await sink.round()
