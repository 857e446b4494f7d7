"""Moving the rows of a table into a table of another layout, bucket by bucket, while readers go on reading.

A migration says `MOVE ROWS OF old THROUGH new ${on_cluster};`. In the end `old` has the layout of `new`, and `new` is
gone. It may be stopped anywhere, and begun again. Meanwhile writers of an earlier version are refused: nobody would
move what they write.
"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.clickhouse.buckets import WHERE_IN_BUCKET, Bucket

if TYPE_CHECKING:  # commands that only ask for the names of views do without its HTTP client
    from clickhouse_connect.driver.asyncclient import AsyncClient

Progress: TypeAlias = Callable[[int, int], None]  # rows moved, rows to move

_MOVE: Final = re.compile(r"^MOVE ROWS OF (\w+) THROUGH (\w+) ?(.*?);?$", re.MULTILINE)
_LAYOUT: Final = """
SELECT partition_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"""
FENCE: Final = "being_moved"  # the constraint that refuses writers of an earlier version
BUCKETS: Final = "bitShiftRight"  # in the partition key of the new layout
# What a statement ends with when the tables were exchanged or dropped since the last look.
MEANWHILE_CODES: Final = frozenset(
    {
        16,  # no such column in table
        47,  # unknown identifier
        60,  # unknown table
        218,  # table is being dropped
        469,  # the constraint that refuses writers
        473,  # deadlock avoided
        741,  # table uuid mismatch
    }
)
_BUCKETS: Final = (
    "SELECT partition, bitShiftRight(offset, 18) AS bucket, count() FROM {table} GROUP BY ALL ORDER BY ALL"
)
_KEYS: Final = f"""
SELECT count(), sum(cityHash64(company_id, offset, posting))
FROM (SELECT DISTINCT toString(company_id) AS company_id, offset, posting FROM {{table}} WHERE {WHERE_IN_BUCKET})"""
_COPY: Final = f"INSERT INTO {{new}} ({{columns}}) SELECT {{columns}} FROM {{old}} WHERE {WHERE_IN_BUCKET}"
_COLUMNS: Final = """
SELECT name FROM system.columns WHERE database = currentDatabase() AND table = {table:String} ORDER BY position"""


class MoveFailedError(Exception):
    """Another process changed the tables at the same time. The migration is to be run once more."""


class Move(NamedTuple):
    """The tables of one move, and what follows a table's name in a statement for a cluster."""

    old: str
    new: str
    on_cluster: str


def moves(text: str) -> list[Move]:
    """The moves that a text of migrations asks for; none for SQL."""
    return [Move(*found.groups()) for found in _MOVE.finditer(text)]


async def move(client: "AsyncClient", asked: Move, progress: Progress | None = None) -> None:
    """Do it, or what is left of it. Raises MoveFailedError when somebody else does it at the same time: the migration
    is then run again from its beginning."""
    try:
        if not await is_moved(client, asked):
            await _copy_all(client, asked, progress)
            if not await is_moved(client, asked):
                await client.command(f"EXCHANGE TABLES {asked.old} AND {asked.new} {asked.on_cluster}")
        if await is_moved(client, asked):
            await client.command(f"DROP TABLE IF EXISTS {asked.new} {asked.on_cluster} SYNC")
            # A second process may have refused writers to what was the new table by then.
            await client.command(f"ALTER TABLE {asked.old} {asked.on_cluster} DROP CONSTRAINT IF EXISTS {FENCE}")
    except DatabaseError as error:
        if error.code in MEANWHILE_CODES:
            raise MoveFailedError(f"{asked.old}: another process moves its rows at the same time.") from error
        raise
    if not await is_moved(client, asked):
        raise MoveFailedError(f"{asked.old} has its old layout again: another process moved its rows at the same time.")


async def is_moved(client: "AsyncClient", asked: Move) -> bool:
    """Whether the table has its new layout."""
    found = await client.query(_LAYOUT, parameters={"table": asked.old})
    return any(BUCKETS in str(key) for (key,) in found.result_rows)


async def _copy_all(client: "AsyncClient", asked: Move, progress: Progress | None) -> None:
    """Copy until nothing is missing: an insert that had begun before writers were refused may arrive later."""
    copied: dict[Bucket, int] = {}
    rows = await _buckets(client, asked.old)
    if rows:
        await client.command(
            f"ALTER TABLE {asked.old} {asked.on_cluster} "
            f"ADD CONSTRAINT IF NOT EXISTS {FENCE} CHECK quantity != quantity"
        )
        rows = await _buckets(client, asked.old)
    while changed := {bucket: count for bucket, count in rows.items() if copied.get(bucket) != count}:
        for bucket, count in changed.items():
            await _copy(client, asked, bucket)
            copied[bucket] = count
            if progress is not None:
                progress(sum(copied.values()), sum(rows.values()))
        rows = await _buckets(client, asked.old)


async def _buckets(client: "AsyncClient", table: str) -> dict[Bucket, int]:
    found = await client.query(_BUCKETS.format(table=table))
    return {Bucket(partition, number): count for partition, number, count in found.result_rows}


async def _copy(client: "AsyncClient", asked: Move, bucket: Bucket) -> None:
    """Copy a bucket, unless it is there. What was copied in part is copied once more: the table replaces by key."""
    if await _keys(client, asked.new, bucket) == await _keys(client, asked.old, bucket):
        return
    names = (await client.query(_COLUMNS, parameters={"table": asked.old})).result_rows
    columns = ", ".join(str(name) for (name,) in names)
    copy = _COPY.replace("{new}", asked.new).replace("{old}", asked.old).replace("{columns}", columns)
    await client.command(copy, parameters=bucket.parameters(), settings={"insert_deduplicate": 0})
    if await _keys(client, asked.new, bucket) != await _keys(client, asked.old, bucket):
        raise MoveFailedError(f"{asked.new} does not have the rows of {asked.old} in {bucket} after they were copied.")


async def _keys(client: "AsyncClient", table: str, bucket: Bucket) -> tuple[Any, ...]:
    found = await client.query(_KEYS.replace("{table}", table), parameters=bucket.parameters())
    return tuple(found.result_rows[0])
