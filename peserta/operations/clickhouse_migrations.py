"""Migrations of the ClickHouse of an installation, by command: what is missing, and running it."""

from typing import Final, NamedTuple

from peserta.operations.clickhouse_writing import writing
from peserta.operations.failure import Interrupted, Unfit
from peserta.settings import Settings
from sinks.clickhouse.migrations import lacking, migrate
from sinks.clickhouse.moving import MoveFailedError, Progress, moves
from sinks.clickhouse.refusals import MigrationChanged
from sinks.clickhouse.view_comments import comment_views

_ROWS: Final = """
SELECT ifNull(max(total_rows), 0) FROM system.tables WHERE database = {database:String} AND name = {table:String}"""


class Missing(NamedTuple):
    """A migration that has not run. `moved`: how many rows of which tables it moves into another layout."""

    name: str
    moved: dict[str, int]


async def missing(settings: Settings) -> list[Missing]:
    """What `run` would do. Raises Failed."""
    found = []
    async with writing(settings) as client:
        try:
            for migration in await lacking(client):
                moved = {}
                for table in (move.old for move in moves(migration.text)):
                    asked = {"database": client.database or "", "table": table}
                    moved[table] = int(str(await client.command(_ROWS, parameters=asked, use_database=False)))
                found.append(Missing(migration.name, {table: rows for table, rows in moved.items() if rows}))
        except MigrationChanged as error:
            raise Unfit(str(error)) from error
    return found


async def run(settings: Settings, progress: Progress) -> tuple[str, ...]:
    """Run what is missing; the names. Raises Failed."""
    async with writing(settings) as client:
        try:
            done = await migrate(client, cluster=settings.clickhouse_cluster or None, progress=progress)
            await comment_views(client, cluster=settings.clickhouse_cluster or None)
        except MigrationChanged as error:
            raise Unfit(str(error)) from error
        except MoveFailedError as error:
            raise Interrupted(str(error)) from error
    return done
