"""A test's own database with the sink's tables and views, filled in the way of the sink."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, Final, TypeVar

import clickhouse_connect

from schemas.records import Snapshot
from schemas.topics import SNAPSHOTS, TopicNames
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.ranges import Batch, Range, Record
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.topics import topics
from sinks.clickhouse.warehouse import Warehouse
from tests.support.sink_records import OUTPUT, kept

T = TypeVar("T")

ADDED_TO_SNAPSHOTS: Final = ("policy_baseline_covered", "policy_baseline_divisor", "policy_why")


class Database:
    """Inserts records of a topic, and queries rows."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.client = warehouse.client
        self._topics = topics(TopicNames())

    async def put(self, topic: str, values: Iterable[bytes], *, partition: int = 0, first: int = 0) -> None:
        """Insert the rows of these values as one batch of records from offset `first` on."""
        await self.put_records(topic, kept(values, first), partition=partition)

    async def put_snapshots_of_then(self, snapshots: Iterable[Snapshot], *, first: int = 0) -> None:
        """Insert them as a sink without migration 023 would, which does not know the columns that it adds."""
        batch = _batch(SNAPSHOTS, 0, kept(map(OUTPUT.encode_snapshot, snapshots), first))
        for block in self._topics[SNAPSHOTS].blocks(batch):
            known = {name: rows for name, rows in block.columns.items() if name not in ADDED_TO_SNAPSHOTS}
            await self.warehouse.insert(block.table, known, batch.token(block.table))

    async def put_records(self, topic: str, records: Sequence[Record], *, partition: int = 0) -> None:
        """Insert the rows of these records as one batch."""
        if not records:
            return
        batch = _batch(topic, partition, records)
        for block in self._topics[topic].blocks(batch):
            await self.warehouse.insert(block.table, block.columns, batch.token(block.table))

    def blocks(self, topic: str, values: Iterable[bytes], *, partition: int = 0, first: int = 0) -> list[Block]:
        """The rows of these values, not inserted."""
        return [*self._topics[topic].blocks(_batch(topic, partition, kept(values, first)))]

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        found = await self.client.query(query, parameters=parameters, tz_mode="aware")
        return list(found.named_results())

    async def value(self, query: str, **parameters: Any) -> Any:
        found = await self.client.query(query, parameters=parameters)
        ((value,),) = found.result_rows
        return value

    async def stop_merges(self) -> None:
        """Stop merges: inserted rows stay in their parts from now on."""
        for table in await self._tables():
            await self.client.command(f"SYSTEM STOP MERGES {table}")

    async def merge(self) -> None:
        """Merge every table completely."""
        for table in await self._tables():
            await self.client.command(f"SYSTEM START MERGES {table}")
            await self.client.command(f"OPTIMIZE TABLE {table} FINAL")

    async def _tables(self) -> list[str]:
        found = await self.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        )
        return [row["name"] for row in found]


def _batch(topic: str, partition: int, records: Sequence[Record]) -> Batch:
    return Batch.of(Range(topic, partition, records[0].offset, records[-1].offset + 1), records)


@asynccontextmanager
async def made_database(url: str, name: str) -> AsyncIterator[Database]:
    """A new database with all tables and views."""
    async with opened_database(url, name) as database:
        await migrate(database.client)
        yield database


@asynccontextmanager
async def opened_database(url: str, name: str) -> AsyncIterator[Database]:
    """A database that exists already."""
    async with await Warehouse.open(SinkSettings("", url, database=name)) as warehouse:
        yield Database(warehouse)


def drop_databases(url: str) -> None:
    """Drop every database of a server but its own."""
    others = "SELECT name FROM system.databases WHERE engine = 'Atomic' AND name != 'default'"
    with closing(clickhouse_connect.get_client(**SinkSettings("", url).clickhouse_options)) as client:
        for (name,) in client.query(others).result_rows:
            client.command(f"DROP DATABASE {name}")


def shared_database(url: str, *fill: Callable[[Database], Awaitable[T]]) -> tuple[str, list[T]]:
    """Make a database for tests that only read; its name, and what each step of filling it said.

    Migrations take most of a second of work, and a fixture of a module has no loop that its tests could use.
    """
    name = f"t{uuid.uuid4().hex[:10]}"

    async def make() -> list[T]:
        async with made_database(url, name) as database:
            return [await step(database) for step in fill]

    return name, asyncio.run(make())
