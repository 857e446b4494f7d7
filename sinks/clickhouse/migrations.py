"""Migrations: the statements of `ddl/NNN_name.sql`, in order, each file once per database.

Every statement can be run again, and the table `migrations` records the files that have run, so an interrupted run is
simply repeated. A published file never changes; a change is a new file. One kind of statement is ours: `moving`.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from sinks.clickhouse.moving import MoveFailedError, Progress, is_moved, move, moves
from sinks.clickhouse.refusals import MigrationChanged, Refused

if TYPE_CHECKING:  # commands that only ask for the names of views do without its HTTP client
    from clickhouse_connect.driver.asyncclient import AsyncClient

ATTEMPTS_MAX: Final = 20  # of a migration that another process runs at the same time
WAIT_MAX_S: Final = 1.0
DDL = Path(__file__).parent / "ddl"
_FILE_NAME = re.compile(r"\d{3}_[a-z_]+\.sql")
_STATEMENT_END = re.compile(r";[ \t]*(?:\n|\Z)")
_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\w+)", re.MULTILINE)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW (\w+)", re.MULTILINE)
_DROPPED = re.compile(r"^DROP TABLE IF EXISTS (\w+)", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9_]+")

_MIGRATIONS_TABLE = """
CREATE TABLE IF NOT EXISTS migrations ${on_cluster}
(
    name String,
    sha256 String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replicated}ReplacingMergeTree(applied_at)
ORDER BY name
SETTINGS non_replicated_deduplication_window = 10000,
    replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file with its placeholders unfilled."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    def views(self) -> list[str]:
        """The views that it makes or replaces."""
        return _VIEW.findall(self.text)

    def statements(self, cluster: str | None) -> list[str]:
        """The statements for one server, or for a cluster of that name."""
        filled = fill(self.text, cluster)
        return [statement.strip() for statement in _STATEMENT_END.split(filled) if statement.strip()]


def fill(text: str, cluster: str | None) -> str:
    """Fill a statement's placeholders for one server, or for a cluster with replicated engines."""
    if cluster is None:
        return Template(text).substitute(replicated="", on_cluster="")
    return Template(text).substitute(replicated="Replicated", on_cluster=f"ON CLUSTER {checked(cluster)}")


def migrations(folder: Path = DDL) -> list[Migration]:
    """The migrations of this program, in order."""
    files = sorted(folder.glob("*.sql"))
    misnamed = [file.name for file in files if not _FILE_NAME.fullmatch(file.name)]
    assert not misnamed, f"not NNN_name.sql: {misnamed}"
    return [Migration(file.stem, file.read_text(encoding="utf-8")) for file in files]


def tables(folder: Path = DDL) -> tuple[str, ...]:
    """Names of the tables that a database has after these migrations, with the table `migrations`; not of views."""
    texts = [migration.text for migration in migrations(folder)]
    gone = {each.new for text in texts for each in moves(text)}
    gone |= {name for text in texts for name in _DROPPED.findall(text)}
    return tuple(sorted({*tables_ever_made(folder)} - gone))


def tables_ever_made(folder: Path = DDL) -> tuple[str, ...]:
    """The same, and the tables that a later migration dropped: a database from before it may have them still."""
    texts = [_MIGRATIONS_TABLE, *(migration.text for migration in migrations(folder))]
    return tuple(sorted(name for text in texts for name in _TABLE.findall(text)))


def views(folder: Path = DDL) -> tuple[str, ...]:
    """Names of the views that these migrations create."""
    return tuple(sorted({name for migration in migrations(folder) for name in migration.views()}))


async def migrate(
    client: "AsyncClient", *, cluster: str | None = None, folder: Path = DDL, progress: Progress | None = None
) -> tuple[str, ...]:
    """Create the client's default database if it is missing, run the migrations that it lacks, and return their names.
    `progress` is told of rows that are moved to another layout.

    Raises MigrationChanged if it was migrated with another text of a file; MoveFailedError if others hindered it for
    ATTEMPTS_MAX tries.
    """
    await make_database(client, client.database or "", cluster)
    await client.command(fill(_MIGRATIONS_TABLE, cluster))
    undone = await lacking(client, folder)
    # A new database gets each view once, in its last form, and is recorded as a whole: nobody has read it yet.
    is_new = undone == migrations(folder)
    for number, migration in enumerate(undone):
        made_later = {view for later in undone[number + 1 :] for view in later.views()} if is_new else set()
        await _run_patiently(client, _without(migration, made_later), cluster, progress)
        if not is_new:
            await _record(client, [migration])
    if is_new:
        await _record(client, undone)
    return tuple(migration.name for migration in undone)


def _without(migration: Migration, views: set[str]) -> Migration:
    """The migration without the statements that make these views."""
    statements = _STATEMENT_END.split(migration.text)
    kept = [each for each in statements if not ((made := _VIEW.search(each)) and made[1] in views)]
    return Migration(migration.name, ";\n".join(kept))


async def _record(client: "AsyncClient", done: list[Migration]) -> None:
    rows = [[migration.name, migration.sha256] for migration in done]
    await client.insert("migrations", rows, column_names=["name", "sha256"])


async def _run_patiently(
    client: "AsyncClient", migration: Migration, cluster: str | None, progress: Progress | None
) -> None:
    tries = AsyncRetrying(
        retry=retry_if_exception_type(MoveFailedError),
        stop=stop_after_attempt(ATTEMPTS_MAX),
        wait=wait_random(0, WAIT_MAX_S),
        reraise=True,
    )
    try:
        await tries(_run, client, migration, cluster, progress)
    except MoveFailedError as error:
        raise MoveFailedError(
            f"Migration {migration.name} did not come to its end in {ATTEMPTS_MAX} tries. {error} No row is lost. Stop "
            "every other sink and `peserta clickhouse migrate` of this database, and start this one again: it goes on "
            "where it was."
        ) from error


async def _run(client: "AsyncClient", migration: Migration, cluster: str | None, progress: Progress | None) -> None:
    for statement in migration.statements(cluster):
        if asked := moves(statement):
            await move(client, asked[0], progress)
        else:
            await client.command(statement)


async def lacking(client: "AsyncClient", folder: Path = DDL) -> list[Migration]:
    """The migrations that have not run in the client's default database; all of them if there is none. One that moves
    rows has run when they are moved: two processes at once may have undone it.

    Raises MigrationChanged.
    """
    made = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'migrations'"
    exists = await client.command(made, parameters={"database": client.database or ""}, use_database=False)
    had: dict[str, str] = {}
    if exists:
        found = await client.query("SELECT name, sha256 FROM migrations FINAL")
        had = {str(name): str(sha256) for name, sha256 in found.result_rows}
    undone = []
    for migration in migrations(folder):
        if not _is_had(migration, had) or not all([await is_moved(client, each) for each in moves(migration.text)]):
            undone.append(migration)
    return undone


def _is_had(migration: Migration, had: dict[str, str]) -> bool:
    sha256 = had.get(migration.name)
    if sha256 is not None and sha256 != migration.sha256:
        raise MigrationChanged(
            f"Migration {migration.name} was run here with another text (SHA-256 {sha256[:12]}, now "
            f"{migration.sha256[:12]}). Run the version of the program that made this database, or fill a new one."
        )
    return sha256 is not None


async def make_database(client: "AsyncClient", database: str, cluster: str | None) -> None:
    """Create a database if it does not exist."""
    on_cluster = f" ON CLUSTER {checked(cluster)}" if cluster else ""
    await client.command(f"CREATE DATABASE IF NOT EXISTS {checked(database)}{on_cluster}", use_database=False)


def checked(name: str) -> str:
    """The name, if it is safe in a statement without quoting; otherwise raises Refused."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} cannot be the name of a database or a cluster here: letters, digits and _ only.")
    return name
