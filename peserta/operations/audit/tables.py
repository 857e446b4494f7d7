"""Rows of ClickHouse's tables as plain values: dates are days since 1970 and instants milliseconds since 1970."""

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
    """One partition's rows after deduplication (FINAL); with `stretch`, only those of this range of journal offsets."""
    names = ", ".join(columns)
    query = f"SELECT {names} FROM {table} FINAL WHERE partition = {{partition:UInt32}}{_STRETCH if stretch else ''}"
    first, end = stretch or (0, 0)
    return rows(client, query, {"partition": partition, "first": first, "next": end})


def rows(client: Client, query: str, asked: dict[str, Any]) -> Iterator[PlainRow]:
    """The rows that a query returns."""
    found: Iterable[Sequence[Any]] = client.query(query, parameters=asked).result_rows
    return map(as_row, found)


def each_by(key: Callable[[PlainRow], Hashable], rows: Iterable[PlainRow]) -> dict[Hashable, PlainRow]:
    """The rows by key. A further row with the same key gets a key that no other row has."""
    found: dict[Hashable, PlainRow] = {}
    for number, row in enumerate(rows):
        name = key(row)
        found[(name, f"once more, row {number}") if name in found else name] = row
    return found


def rows_of(block: Block) -> Iterator[PlainRow]:
    """The rows of a block that the sink inserts."""
    return map(as_row, zip(*block.columns.values(), strict=True))


def as_row(values: Iterable[Any]) -> PlainRow:
    """The row as plain values; rows read from ClickHouse and rows written to it compare equal."""
    return tuple(map(_plain, values))


def _plain(value: Any) -> Hashable:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, date):
        return value.toordinal() - EPOCH_ORDINAL
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value
