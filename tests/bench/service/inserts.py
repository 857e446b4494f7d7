"""Inserts the same rows of the ledger in three ways: as lists of rows, as columns, and as an Arrow table."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pyarrow as pa  # type: ignore[import-untyped]

from schemas.codec import OutputCodec
from schemas.topics import LEDGER
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.tables.ledger import ledger_blocks
from sinks.clickhouse.warehouse import Warehouse
from tests.bench.place import Place
from tests.bench.service.book import WrongWork
from tests.bench.service.material import Material

RECORDS_PER_BLOCK: Final = 20_000
SUM: Final = "SELECT count(), sum(cityHash64(*)) FROM {table}"

Figures = dict[str, float]
Insert = Callable[[Block], Awaitable[None]]


async def inserts(here: Place, material: Material, way: str) -> Figures:
    """Rows a second, and CPU of this process for a million rows; `way`: rows, columns or Arrow."""
    blocks = _blocks(material)
    async with await _opened(here) as reference:
        for each in blocks:
            await reference.insert(each.table, each.columns, "")
        wanted = await _sums(reference, blocks)
    async with await _opened(here) as warehouse:
        insert = WAYS[way](warehouse)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        for each in blocks:
            await insert(each)
        seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        if await _sums(warehouse, blocks) != wanted:
            raise WrongWork(f"inserted as {way}, the tables hold something else")
    rows = sum(map(_length, blocks))
    return {"rows/s": rows / seconds, "CPU-s per million rows": 1e6 * cpu_s / rows}


class Columns:
    """Inserts columns, like the sink."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse, self._numbers = warehouse, 0

    async def __call__(self, block: Block) -> None:
        self._numbers += 1
        await self._warehouse.insert(block.table, block.columns, f"columns-{self._numbers}")


class Rows:
    """Inserts a list of rows."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._client = warehouse.client

    async def __call__(self, block: Block) -> None:
        rows = list(zip(*block.columns.values(), strict=True))
        await self._client.insert(block.table, rows, column_names=list(block.columns))


class Arrow:
    """Inserts an Arrow table, which clickhouse-connect sends unchanged."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._client = warehouse.client

    async def __call__(self, block: Block) -> None:
        await self._client.insert_arrow(block.table, arrow_table(block))


WAYS: Final[dict[str, Callable[[Warehouse], Insert]]] = {"rows": Rows, "columns": Columns, "Arrow": Arrow}
ARROW_TYPES: Final[dict[str, Any]] = {
    "recorded_at": pa.timestamp("ms", tz="UTC"),
    "value_on": pa.date32(),
}


def arrow_table(block: Block) -> pa.Table:
    """The block's columns under Arrow's types."""
    names = list(block.columns)
    return pa.table([pa.array(block.columns[name], ARROW_TYPES.get(name)) for name in names], names=names)


def _blocks(material: Material) -> list[Block]:
    decode = OutputCodec().decode_ledger
    records = [decode(value) for lines in material.outputs[LEDGER] for _, value in lines]
    return [
        block
        for first in range(0, len(records), RECORDS_PER_BLOCK)
        for block in ledger_blocks(records[first : first + RECORDS_PER_BLOCK])
    ]


async def _opened(here: Place) -> Warehouse:
    """A new database with all tables."""
    name = here.prefix().rstrip(".")
    warehouse = await Warehouse.open(SinkSettings("", here.stack.clickhouse_url, database=name))
    await migrate(warehouse.client)
    return warehouse


async def _sums(warehouse: Warehouse, blocks: list[Block]) -> list[Any]:
    tables = sorted({block.table for block in blocks})
    asked = [warehouse.client.query(SUM.format(table=table)) for table in tables]
    return [found.result_rows for found in await asyncio.gather(*asked)]


def _length(block: Block) -> int:
    return len(next(iter(block.columns.values())))
