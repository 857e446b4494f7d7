"""Moving the rows of a table into a table of another layout, bucket by bucket, while readers go on reading.

A migration says `MOVE ROWS OF old THROUGH new ${on_cluster};`. In the end `old` has the layout of `new`, and `new` is
gone. It may be stopped anywhere, begun again, and done by several processes at once. Why no row is lost:

- *Writers are refused* in the old layout only: the same statement changes nothing for those of the new one, so that a
  process that comes late does not stop sinks that are at work already. What had begun before is waited for, so that the
  old table does not change while its last rows are copied. An empty table is treated like any other.
- *Only a complete copy takes the name.* Processes fill `new` together. One that found it complete renames it to a name
  of its own, sees that it is the table it filled and that nobody was first, and exchanges it. Nobody else exchanges a
  table of that name.
- *What lost the name is dropped when its rows are where they belong.* It is renamed to a name that nobody exchanges;
  inserts that had found it under the name `old` are waited for; then what is missing is copied, by key.
- *Whoever has ended was the last to exchange.* It renamed the copies of all others after it had seen the new layout,
  and a copy made later sees that layout too. So a sink begins to write into the table that stays, and what killed
  processes have left is brought to its end by the next one.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.clickhouse.buckets import WHERE_IN_BUCKET, Bucket

if TYPE_CHECKING:  # commands that only ask for the names of views do without its HTTP client
    from clickhouse_connect.driver.asyncclient import AsyncClient

Progress: TypeAlias = Callable[[int, int], None]  # rows moved, rows to move

_MOVE: Final = re.compile(r"^MOVE ROWS OF (\w+) THROUGH (\w+) ?(.*?);?$", re.MULTILINE)
INSERTS_LIMIT_S: Final = 60.0  # how long a try waits for an insert that had begun before
LOOK_S: Final = 0.05  # between two looks at what is being inserted
_LAYOUT: Final = """
SELECT partition_key FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"""
FENCE: Final = "being_moved"  # the constraint that refuses writers of an earlier version


class Layout(NamedTuple):
    """How the new layout of a table is told from the old one: by its partition key and by a column.

    Writers of the old one are refused by adding the column there with a value that it never has in the new one. On the
    new table the same statement adds no column, and what it demands is always so.
    """

    partitioned_by: str  # what the partition key of the new layout has in it; empty: it has none
    column: str
    type: str
    refused: int
    key: str  # of a row in a bucket; in the form that old and new layout have in common

    def is_of(self, partition_key: str) -> bool:
        """Whether a table with this partition key has the new layout."""
        return self.partitioned_by in partition_key if self.partitioned_by else not partition_key

    @property
    def refuse_writers(self) -> str:
        """For ALTER TABLE."""
        return (
            f"ADD COLUMN IF NOT EXISTS {self.column} {self.type} MATERIALIZED {self.refused}, "
            f"ADD CONSTRAINT IF NOT EXISTS {FENCE} CHECK {self.column} != {self.refused}"
        )


_TOGETHER: Final = Layout("", "layout", "UInt8", 1, "company_id, offset")
LAYOUTS: Final = {
    "ledger_lines": Layout(
        "bitShiftRight", "class_before", "UInt16", 65535,
        "toString(company_id), offset, posting",
    ),
    "journal_facts": _TOGETHER,
    "ledger_entries": _TOGETHER,
}  # fmt: skip
# What a statement ends with when the tables were exchanged, renamed or dropped since the last look.
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
_MISSING: Final = f"""
SELECT count() FROM {{source}} WHERE {WHERE_IN_BUCKET} AND ({{key}}) NOT IN
(SELECT {{key}} FROM {{target}} WHERE {WHERE_IN_BUCKET})"""
_COPY: Final = f"INSERT INTO {{target}} ({{columns}}) SELECT {{columns}} FROM {{source}} WHERE {WHERE_IN_BUCKET}"
_COLUMNS: Final = """
SELECT name FROM system.columns
WHERE database = currentDatabase() AND table = {table:String} AND default_kind = '' ORDER BY position"""
_UUID: Final = "SELECT uuid FROM system.tables WHERE database = currentDatabase() AND name = {table:String}"
_COPIES: Final = """
SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {table:String}) ORDER BY name"""
# Another user's inserts are shown to who may see them; on a cluster these are the inserts of all its servers.
_INSERTING: Final = """
SELECT hostName(), query_id FROM {processes} WHERE query_kind = 'Insert' AND position(query, {{table:String}}) > 0"""


class MoveFailedError(Exception):
    """Another process changed the tables at the same time. The migration is to be run once more."""


class Move(NamedTuple):
    """The tables of one move, and what follows a table's name in a statement for a cluster."""

    old: str
    new: str
    on_cluster: str

    @property
    def layout(self) -> Layout:
        """The one that `old` shall have."""
        return LAYOUTS[self.old]

    @property
    def ready(self) -> str:
        """What the names of complete copies begin with."""
        return f"{self.new}_ready_"

    @property
    def left(self) -> str:
        """What the names of tables begin with that are to be dropped."""
        return f"{self.new}_left_"


def moves(text: str) -> list[Move]:
    """The moves that a text of migrations asks for; none for SQL."""
    return [Move(*found.groups()) for found in _MOVE.finditer(text)]


async def move(client: "AsyncClient", asked: Move, progress: Progress | None = None) -> None:
    """Do it, or what is left of it. Raises MoveFailedError when somebody else does it at the same time: the migration
    is then run again from its beginning."""
    try:
        if not await is_moved(client, asked):
            await _exchange(client, asked, progress)
        await _drop_what_is_left(client, asked)
        # An earlier version may have refused writers to the new table.
        await client.command(f"ALTER TABLE {asked.old} {asked.on_cluster} DROP CONSTRAINT IF EXISTS {FENCE}")
    except DatabaseError as error:
        if error.code in MEANWHILE_CODES:
            raise MoveFailedError(f"{asked.old}: another process moves its rows at the same time.") from error
        raise


async def is_moved(client: "AsyncClient", asked: Move) -> bool:
    """Whether the table has its new layout."""
    found = await client.query(_LAYOUT, parameters={"table": asked.old})
    return any(asked.layout.is_of(str(key)) for (key,) in found.result_rows)


async def _exchange(client: "AsyncClient", asked: Move, progress: Progress | None) -> None:
    """Fill the new table and let it take the name, unless another process was first."""
    filled = await _uuid(client, asked.new)
    await _copy_all(client, asked, progress)
    mine = asked.ready + uuid.uuid4().hex
    await client.command(f"RENAME TABLE {asked.new} TO {mine} {asked.on_cluster}")
    if await _uuid(client, mine) != filled:
        raise MoveFailedError(f"{asked.new} is not the table that was filled: another process was first.")
    if not await is_moved(client, asked):
        await client.command(f"EXCHANGE TABLES {asked.old} AND {mine} {asked.on_cluster}")


async def _drop_what_is_left(client: "AsyncClient", asked: Move) -> None:
    """Of the tables that lost the name or never had it, bring the rows that are missing, and drop them."""
    if not await is_moved(client, asked):
        raise MoveFailedError(f"{asked.old} has its old layout: another process moves its rows at the same time.")
    for name in await _names(client, asked):
        if name == asked.new or name.startswith(asked.ready):
            await client.command(f"RENAME TABLE {name} TO {asked.left}{uuid.uuid4().hex} {asked.on_cluster}")
    if left := [name for name in await _names(client, asked) if name.startswith(asked.left)]:
        await _wait_for_inserts(client, asked)
    for name in left:
        for bucket in await _buckets(client, name):
            await _copy(client, asked, name, asked.old, bucket)
        await client.command(f"DROP TABLE IF EXISTS {name} {asked.on_cluster} SYNC")


async def _copy_all(client: "AsyncClient", asked: Move, progress: Progress | None) -> None:
    """Copy until nothing is missing."""
    await client.command(f"ALTER TABLE {asked.old} {asked.on_cluster} {asked.layout.refuse_writers}")
    copied: dict[Bucket, int] = {}
    await _wait_for_inserts(client, asked)
    rows = await _buckets(client, asked.old)
    while changed := {bucket: count for bucket, count in rows.items() if copied.get(bucket) != count}:
        for bucket, count in changed.items():
            await _copy(client, asked, asked.old, asked.new, bucket)
            copied[bucket] = count
            if progress is not None:
                progress(sum(copied.values()), sum(rows.values()))
        rows = await _buckets(client, asked.old)


async def _wait_for_inserts(client: "AsyncClient", asked: Move) -> None:
    """Wait for the end of every insert into `old` that is running: a later one finds what has the name by now, and that
    it refuses. Raises MoveFailedError after INSERTS_LIMIT_S."""
    until = time.monotonic() + INSERTS_LIMIT_S
    running = await _inserting(client, asked)
    while running:
        if time.monotonic() > until:
            raise MoveFailedError(
                f"An insert into {asked.old} has not ended for {INSERTS_LIMIT_S:.0f} s: stop the sink that runs it."
            )
        await asyncio.sleep(LOOK_S)
        running &= await _inserting(client, asked)


async def _inserting(client: "AsyncClient", asked: Move) -> set[tuple[str, str]]:
    """The server and the id of each."""
    cluster = asked.on_cluster.removeprefix("ON CLUSTER ")
    processes = f"clusterAllReplicas({cluster}, system.processes)" if cluster else "system.processes"
    found = await client.query(_INSERTING.format(processes=processes), parameters={"table": asked.old})
    return {(str(host), str(query_id)) for host, query_id in found.result_rows}


async def _uuid(client: "AsyncClient", table: str) -> str:
    found = await client.query(_UUID, parameters={"table": table})
    return "".join(str(uuid) for (uuid,) in found.result_rows)


async def _names(client: "AsyncClient", asked: Move) -> list[str]:
    """Of the table that is filled, of the complete copies and of those to be dropped."""
    found = await client.query(_COPIES, parameters={"table": asked.new})
    return [str(name) for (name,) in found.result_rows]


async def _buckets(client: "AsyncClient", table: str) -> dict[Bucket, int]:
    found = await client.query(_BUCKETS.format(table=table))
    return {Bucket(partition, number): count for partition, number, count in found.result_rows}


async def _copy(client: "AsyncClient", asked: Move, source: str, target: str, bucket: Bucket) -> None:
    """Copy a bucket, unless it is there. What was copied in part is copied once more: the table replaces by key."""
    if not await _missing(client, asked, source, target, bucket):
        return
    names = (await client.query(_COLUMNS, parameters={"table": source})).result_rows
    columns = ", ".join(str(name) for (name,) in names)
    copy = _COPY.replace("{source}", source).replace("{target}", target).replace("{columns}", columns)
    await client.command(copy, parameters=bucket.parameters(), settings={"insert_deduplicate": 0})
    if missing := await _missing(client, asked, source, target, bucket):
        raise MoveFailedError(f"{target} lacks {missing} rows of {source} in {bucket} after they were copied.")


async def _missing(client: "AsyncClient", asked: Move, source: str, target: str, bucket: Bucket) -> int:
    """How many rows of the source have no row with their key in the target."""
    query = _MISSING.replace("{source}", source).replace("{target}", target).replace("{key}", asked.layout.key)
    ((count,),) = (await client.query(query, parameters=bucket.parameters())).result_rows
    return int(count)
