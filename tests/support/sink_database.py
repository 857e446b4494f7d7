"""A test's own database, with the tables and views of the sink, and rows put in as the sink does."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from schemas.topics import TopicNames
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.ranges import Batch, Range, Record
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.topics import topics
from sinks.clickhouse.warehouse import Warehouse
from tests.support.sink_records import kept


class Database:
    """Puts records of a topic in, asks for rows."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.client = warehouse.client
        self._topics = topics(TopicNames())

    async def put(self, topic: str, values: Iterable[bytes], *, partition: int = 0, first: int = 0) -> None:
        """The rows of these values, as records from offset `first` on, as one batch."""
        records: Sequence[Record] = kept(values, first)
        batch = Batch.of(Range(topic, partition, first, first + len(records)), records)
        for block in self._topics[topic].blocks(batch):
            await self.warehouse.insert(block.table, block.columns, batch.token(block.table))

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        found = await self.client.query(query, parameters=parameters, tz_mode="aware")
        return list(found.named_results())

    async def value(self, query: str, **parameters: Any) -> Any:
        found = await self.client.query(query, parameters=parameters)
        ((value,),) = found.result_rows
        return value

    async def stop_merges(self) -> None:
        """From here, what is inserted stays in the parts in which it came."""
        for table in await self._tables():
            await self.client.command(f"SYSTEM STOP MERGES {table}")

    async def merge(self) -> None:
        """Merge every table into as few rows as it will ever have."""
        for table in await self._tables():
            await self.client.command(f"SYSTEM START MERGES {table}")
            await self.client.command(f"OPTIMIZE TABLE {table} FINAL")

    async def _tables(self) -> list[str]:
        found = await self.rows(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree'"
        )
        return [row["name"] for row in found]


@asynccontextmanager
async def made_database(url: str, name: str) -> AsyncIterator[Database]:
    """A new database with everything in it."""
    async with await Warehouse.open(SinkSettings("", url, database=name)) as warehouse:
        await migrate(warehouse.client)
        yield Database(warehouse)
