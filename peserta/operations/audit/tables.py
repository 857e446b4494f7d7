"""Rows of ClickHouse's tables, as plain values: days and milliseconds since 1970 as the sink writes them."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeAlias

from clickhouse_connect.driver.client import Client

from schemas.dates import EPOCH_ORDINAL
from sinks.clickhouse.tables.block import Block

PlainRow: TypeAlias = tuple[Any, ...]

_STRETCH: Final = " AND offset >= {first:UInt64} AND offset < {next:UInt64}"


def final_rows(
    client: Client, table: str, columns: Sequence[str], partition: int, stretch: tuple[int, int] | None = None
) -> Iterator[PlainRow]:
    """One partition's rows, each once; only those of a `stretch` of offsets in the journal if one is given."""
    names = ", ".join(columns)
    query = f"SELECT {names} FROM {table} FINAL WHERE partition = {{partition:UInt32}}{_STRETCH if stretch else ''}"
    first, end = stretch or (0, 0)
    return rows(client, query, {"partition": partition, "first": first, "next": end})


def rows(client: Client, query: str, asked: dict[str, Any]) -> Iterator[PlainRow]:
    """What a query gives."""
    found: Iterable[Sequence[Any]] = client.query(query, parameters=asked).result_rows
    return map(as_row, found)


def each_by(key: Callable[[PlainRow], Hashable], rows: Iterable[PlainRow]) -> dict[Hashable, PlainRow]:
    """The rows by key; what there is more than one of, under a key that nothing else has."""
    found: dict[Hashable, PlainRow] = {}
    for number, row in enumerate(rows):
        name = key(row)
        found[(name, f"once more, row {number}") if name in found else name] = row
    return found


def rows_of(block: Block) -> Iterator[PlainRow]:
    """The rows that an insert of the sink brings."""
    return map(as_row, zip(*block.columns.values(), strict=True))


def as_row(values: Iterable[Any]) -> PlainRow:
    """Plain values, whether they come from ClickHouse or go there."""
    return tuple(map(_plain, values))


def _plain(value: Any) -> Hashable:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, date):
        return value.toordinal() - EPOCH_ORDINAL
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
