"""Rows move into their new layout without a loss, wherever that is interrupted, and readers see them all the time."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError
from typer.testing import CliRunner

from deploy.embedded.clickhouse.server import ClickHouse
from peserta.cli.clickhouse import clickhouse
from peserta.cli.exit_codes import ExitCode
from peserta.operations.topics import make_topics
from sinks.clickhouse.buckets import BITS
from sinks.clickhouse.migrations import ATTEMPTS_MAX, DDL, migrate, migrations, tables
from sinks.clickhouse.moving import move, moves
from sinks.clickhouse.refusals import NotTaken
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.totals import Totals
from sinks.clickhouse.warehouse import Warehouse
from tests.support.clickhouse_faults import FAULTY_PROGRAM, Faults
from tests.support.installation import installation
from tests.support.sink_database import Database
from tests.support.sink_records import inside, ledger_record, ledger_value, line, snapshot

LEDGER = "coverage.ledger.v1"
NEW_LAYOUT = "016"
MOVED_THROUGH, ENTRIES_THROUGH = "ledger_lines_by_offset", "ledger_entries_together"
BUCKETS = 3
LINES = 2 * (BUCKETS + 2)  # that `fill` writes for each partition; for both there are as many entries
LIMIT_S = 120
ASKED = {
    "entries": "SELECT * FROM ledger_entries FINAL ORDER BY ALL",
    "lines": "SELECT * EXCEPT (company_id), toString(company_id) FROM ledger_lines FINAL ORDER BY ALL",
    "ledger": "SELECT * EXCEPT (company_id), toString(company_id) FROM ledger ORDER BY ALL",
    "coverage_daily": "SELECT * EXCEPT (company_id), toString(company_id) FROM coverage_daily ORDER BY ALL",
    "coverage_as_of": "SELECT * EXCEPT (company_id), toString(company_id) FROM coverage_as_of(as_of='2025-10-03', "
    "known_at='2030-01-01T00:00:00Z') ORDER BY ALL",
}


@pytest.fixture
def folder_before(tmp_path: Path) -> Path:
    folder = tmp_path / "ddl"
    folder.mkdir()
    for file in DDL.glob("*.sql"):
        if file.name < NEW_LAYOUT:
            shutil.copy(file, folder)
    return folder


@asynccontextmanager
async def opened(url: str, name: str) -> AsyncIterator[Database]:
    async with await Warehouse.open(SinkSettings("", url, database=name)) as warehouse:
        yield Database(warehouse)


async def fill(database: Database) -> None:
    """Lines of two partitions in three buckets each, some of them twice."""
    for partition in (0, 5):
        records = [
            ledger_record(
                bucket << BITS, [line("2025-09-01", None, inside()), line("2025-10-01", inside(), inside(new=False))],
                company_id=f"C{partition}", partition=partition,
            )
            for bucket in range(BUCKETS)
        ]  # fmt: skip
        values = [*map(ledger_value, records)]
        await database.put(LEDGER, values, partition=partition)
        await database.put(LEDGER, values[:2], partition=partition, first=77)
        newest = snapshot(0, "2025-10-31", company_id=f"C{partition}")
        await database.put_snapshots_of_then([newest], first=partition)


async def rows(database: Database) -> dict[str, Any]:
    return {name: (await database.client.query(query)).result_rows for name, query in ASKED.items()}


@pytest.fixture
async def old(clickhouse_url: str, clickhouse_database: str, folder_before: Path) -> AsyncIterator[Database]:
    """A filled database of the version before."""
    async with opened(clickhouse_url, clickhouse_database) as database:
        await migrate(database.client, folder=folder_before)
        await fill(database)
        yield database


async def test_all_rows_are_there_after_the_move_and_the_old_table_is_gone(old: Database) -> None:
    before, told = await rows(old), []

    await migrate(old.client, progress=lambda done, of: told.append((done, of)))

    assert await rows(old) == before
    made = await old.rows("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine != 'View'")
    assert {row["name"] for row in made} == {*tables()}
    assert not {MOVED_THROUGH, ENTRIES_THROUGH} & {*tables()}
    keys = await old.rows(
        "SELECT name, partition_key FROM system.tables "
        "WHERE database = currentDatabase() AND name IN ('ledger_lines', 'ledger_entries', 'journal_facts')"
    )
    assert {row["name"]: row["partition_key"] for row in keys} == {
        "ledger_lines": "(partition, bitShiftRight(offset, 18))",
        "ledger_entries": "",
        "journal_facts": "",
    }
    lines, entries = told[: 2 * BUCKETS], told[2 * BUCKETS :]
    assert len(entries) == 2 * BUCKETS
    assert lines[-1] == (2 * LINES, 2 * LINES)
    assert entries[-1] == (LINES, LINES)


async def test_a_sink_of_before_is_refused_while_lines_move_and_what_it_was_inserting_is_moved(old: Database) -> None:
    """An insert that began before writers were refused may end in the middle of the move."""
    late = ledger_record(7, [line("2025-09-02", None, inside())], company_id="LATE")

    async def write() -> None:
        await old.put(LEDGER, [ledger_value(late)], first=500)

    class Interrupted(Exception):
        pass

    def interrupt(done: int, of: int) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        await migrate(old.client, progress=interrupt)
    with pytest.raises(NotTaken):
        await write()
    await old.client.command("ALTER TABLE ledger_lines DROP CONSTRAINT being_moved")
    await write()  # what had begun before

    await migrate(old.client)

    assert await old.value("SELECT count() FROM ledger WHERE company_id = 'LATE'") == 1
    await write()  # the new table takes it again, and shows it once
    assert await old.value("SELECT count() FROM ledger WHERE company_id = 'LATE'") == 1


async def test_writers_are_let_in_again_whom_a_second_process_refused_after_the_move(old: Database) -> None:
    """It looked before the tables were exchanged, and refuses writers to what is the new table by then."""
    await migrate(old.client)
    await old.client.command("ALTER TABLE ledger_lines ADD CONSTRAINT being_moved CHECK quantity != quantity")
    statements = "\n".join(statement for migration in migrations() for statement in migration.statements(None))
    asked = moves(statements)[0]

    await move(old.client, asked)

    await old.put(LEDGER, [ledger_value(ledger_record(9, [line("2025-09-02", None, inside())]))], first=900)
    assert await old.value("SELECT count() FROM ledger WHERE offset = 9") == 1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    server = ClickHouse.launch(tmp_path_factory.mktemp("clickhouse"), program=FAULTY_PROGRAM)
    yield server
    server.stop()


@pytest.mark.parametrize(
    "match, point",
    [
        ("ADD CONSTRAINT", "after"),
        (f"INSERT INTO {MOVED_THROUGH}", "before"),
        (f"INSERT INTO {MOVED_THROUGH}", "after"),
        (f"RENAME TABLE {MOVED_THROUGH} ", "after"),
        ("EXCHANGE TABLES", "after"),
        (f"RENAME TABLE {MOVED_THROUGH}_ready_", "after"),
        (f"DROP TABLE IF EXISTS {MOVED_THROUGH}", "after"),
        ("VIEW coverage_changes", "before"),
        (f"INSERT INTO {ENTRIES_THROUGH}", "before"),
        (f"INSERT INTO {ENTRIES_THROUGH}", "after"),
        (f"RENAME TABLE {ENTRIES_THROUGH}_ready_", "after"),
    ],
)
async def test_a_server_killed_in_the_move_has_all_rows(
    server: ClickHouse, clickhouse_database: str, folder_before: Path, match: str, point: str
) -> None:
    server.start()
    async with opened(server.url, clickhouse_database) as database:
        await migrate(database.client, folder=folder_before)
        await fill(database)
        before = await rows(database)
        Faults(server.url).add("exit", point, match=match)
        with pytest.raises(ClickHouseError):
            await migrate(database.client)
    assert server.process is not None
    assert server.process.wait(30) == -9
    server.start()
    async with opened(server.url, clickhouse_database) as database:
        assert await rows(database) == before
        await migrate(database.client)
        assert await rows(database) == before


def test_an_administrator_migrates_by_command_and_is_told_before(
    clickhouse_url: str, clickhouse_database: str, folder_before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def make() -> None:
        async with opened(clickhouse_url, clickhouse_database) as database:
            await migrate(database.client, folder=folder_before)
            await fill(database)

    asyncio.run(make())
    monkeypatch.setenv("PESERTA_CLICKHOUSE_URL", clickhouse_url)
    monkeypatch.setenv("PESERTA_CLICKHOUSE_DATABASE", clickhouse_database)

    def said(*arguments: str) -> list[str]:
        done = CliRunner().invoke(clickhouse, ["migrate", *arguments])
        assert done.exit_code == 0, done.output
        return done.output.splitlines()

    first = said("--dry-run")
    assert first == said("--dry-run")  # it did nothing
    assert first[0] == f"016_ledger_by_offset: moves {2 * LINES} rows of ledger_lines"
    assert f"020_fewer_parts: moves {LINES} rows of ledger_entries" in first
    assert said() == [*(line.split(":")[0] for line in first[:-1]), first[-1].replace(" to run", " run")]
    assert said() == said("--dry-run") == ["nothing to do"]


@pytest.mark.parametrize("command", [["clickhouse", "migrate"], ["worker", "sink"]], ids=" ".join)
def test_a_move_that_others_hinder_ends_with_the_code_for_starting_again(
    kafka_address: str, clickhouse_url: str, clickhouse_database: str, topic_prefix: str, folder_before: Path,
    tmp_path: Path, command: list[str],
) -> None:  # fmt: skip
    installed = installation(kafka_address, clickhouse_url, topic_prefix, clickhouse_database, tmp_path)

    async def make() -> None:
        async with opened(clickhouse_url, clickhouse_database) as database:
            await migrate(database.client, folder=folder_before)
            await fill(database)
            await database.client.command(f"CREATE TABLE {MOVED_THROUGH} AS ledger_lines ENGINE = Null")
        await make_topics(installed)

    asyncio.run(make())
    ended = subprocess.run(
        [sys.executable, "-m", "peserta", *command],
        env={**os.environ, **installed.environment()},
        capture_output=True,
        timeout=LIMIT_S,
        check=False,
    )

    said = " ".join(ended.stderr.decode().split())
    assert ended.returncode == ExitCode.RESTART_ME
    assert f"016_ledger_by_offset did not come to its end in {ATTEMPTS_MAX} tries" in said
    assert "start this one again" in said
    assert "Traceback" not in said


FIXTURE = Path(__file__).parents[1] / "data" / "clickhouse-015.tar.xz"


async def test_a_database_that_the_version_before_wrote_shows_what_it_showed_after_a_kill_in_the_move(
    tmp_path: Path,
) -> None:
    with tarfile.open(FIXTURE) as archive:
        archive.extractall(tmp_path, filter="data")
    showed = json.loads((tmp_path / "rows.json").read_text("utf-8"))
    asked = {
        **{view: f"SELECT * FROM {view} ORDER BY ALL" for view in ("ledger", "coverage_daily", "journal", "companies")},
        "coverage_as_of": "SELECT * "
        "FROM coverage_as_of(as_of='2025-08-01', known_at='2025-09-05T00:00:00Z') ORDER BY ALL",
    }

    async def shown(database: Database) -> dict[str, list[list[str]]]:
        found = {name: (await database.client.query(query)).result_rows for name, query in asked.items()}
        return {name: [[*map(str, row)] for row in rows] for name, rows in found.items()}

    server = ClickHouse.launch(tmp_path, program=FAULTY_PROGRAM)
    try:
        async with opened(server.url, "peserta") as database:
            assert await shown(database) == showed
            Faults(server.url).add("exit", "after", match=f"INSERT INTO {MOVED_THROUGH}")
            with pytest.raises(ClickHouseError):
                await migrate(database.client)
        assert server.process is not None
        assert server.process.wait(30) == -9
        server.start()
        async with opened(server.url, "peserta") as database:
            await migrate(database.client)
            assert await shown(database) == showed
            totals = Totals(database.warehouse)
            await totals.begin()
            while (bucket := totals.due()) is not None:
                await totals.total(bucket)
            assert await shown(database) == showed
            assert await database.value("SELECT count() FROM ledger_totals_by_month") > 0
    finally:
        server.stop()
