"""A block: the rows of one insert."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

Row: TypeAlias = Sequence[Any]


class Block(NamedTuple):
    """Columns of equal, non-zero length for a table."""

    table: str
    columns: dict[str, Sequence[Any]]


def block(table: str, names: Sequence[str], rows: Sequence[Row]) -> Iterable[Block]:
    """The rows as one block of columns; no block if there are no rows."""
    if rows:
        yield Block(table, dict(zip(names, zip(*rows, strict=True), strict=True)))
