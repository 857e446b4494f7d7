"""The migration from Date to Date32 loses no row, wherever it is interrupted."""

import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.embedded.clickhouse.server import ClickHouse
from schemas.records import Baseline, Company, Policy
from sinks.clickhouse.migrations import DDL, migrate, migrations
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.warehouse import Warehouse
from tests.support.clickhouse_faults import FAULTY_PROGRAM, Faults
from tests.support.sink_database import ADDED_TO_SNAPSHOTS, Database
from tests.support.sink_records import (
    OUTPUT,
    alert,
    company_set,
    day,
    dead_letter,
    fact_entry,
    inside,
    journal_values,
    ledger_record,
    ledger_value,
    line,
    policy_set,
    snapshot,
)

WIDENING = ("011", "013", "014")  # a database without these migrations has Date, and the older views
NEW_LAYOUT = "016"  # from here on tables are moved (test_sink_moving.py)
LAST_DATE = "2149-06-06"
WIDENED = [statement for m in migrations() if m.name[:3] in WIDENING for statement in m.statements(None)]
ASKED = {
    # A table whose rows were moved does not know their tokens: what is inserted again is there until it is merged.
    **{
        table: f"SELECT * FROM {table} FINAL ORDER BY ALL"
        for table in ("journal_facts", "ledger_entries", "ledger_lines")
    },
    **{table: f"SELECT * FROM {table} ORDER BY ALL" for table in ("alert_records", "sink_progress")},
    "snapshots": f"SELECT * EXCEPT ({', '.join(ADDED_TO_SNAPSHOTS)}) FROM snapshots ORDER BY ALL",
    "policy_status": "SELECT * EXCEPT (baseline_covered, baseline_divisor, why) FROM policy_status ORDER BY ALL",
    **{view: f"SELECT * FROM {view} ORDER BY ALL" for view in ("journal", "ledger", "coverage_current", "alerts")},
    "policies": "SELECT * FROM policies ORDER BY ALL",
    # Versions of this view differ in the days that have a row. From this date on, every version has a row for each day.
    "coverage_daily": "SELECT * FROM coverage_daily WHERE date >= '2024-08-31' ORDER BY ALL",
    **{view: f"SELECT * FROM {view} ORDER BY ALL" for view in ("companies", "dead_letters")},
}
KNOWN_AT = "toDateTime64('2030-01-01 00:00:00', 3, 'UTC')"  # a form that both versions of the view accept
AS_OF = f"SELECT * FROM coverage_as_of(as_of='2025-10-03', known_at={KNOWN_AT})"


@pytest.fixture
def folder_before(tmp_path: Path) -> Path:
    folder = tmp_path / "ddl"
    folder.mkdir()
    for file in DDL.glob("*.sql"):
        if file.name[:3] not in WIDENING and file.name < NEW_LAYOUT:
            shutil.copy(file, folder)
    return folder


@asynccontextmanager
async def opened(url: str, name: str) -> AsyncIterator[Database]:
    async with await Warehouse.open(SinkSettings("", url, database=name)) as warehouse:
        yield Database(warehouse)


async def fill(database: Database) -> None:
    """Insert rows into every table, with dates up to the last that Date holds."""
    policy = Policy("half", 5000, day("1970-01-01"), effective_until=day("2100-01-01"))
    await database.put(
        "coverage.journal.v1",
        journal_values(
            [
                fact_entry(0),
                fact_entry(1, effective_on=day(LAST_DATE)),
                fact_entry(2, effective_on=0),
                company_set(0, Company("C1", "Name", baselines=(Baseline(day("2024-12-31"), 9, 3),))),
                policy_set(0, policy),
            ]
        ),
    )
    lines = [line("1970-01-01", None, inside(new=True)), line("2025-10-01", inside(new=True), inside())]
    records = [ledger_record(0, lines), ledger_record(1, [line(LAST_DATE, None, inside("daily", "JKK", "JKM"))])]
    await database.put("coverage.ledger.v1", map(ledger_value, [*records, ledger_record(2)]))
    newest = [snapshot(3), snapshot(2, LAST_DATE, company_id="C2")]
    await database.put_snapshots_of_then(newest)
    await database.put("coverage.alerts.v1", [OUTPUT.encode_alert(alert())])
    await database.put("workforce.dead-letters.v1", [OUTPUT.encode_dead_letter(dead_letter(5))])


async def rows(database: Database) -> dict[str, Any]:
    """Table or view -> its rows. Rows of `coverage_as_of` are sorted by company."""
    found = {name: (await database.client.query(query)).result_rows for name, query in ASKED.items()}
    return found | {"coverage_as_of": sorted(map(repr, (await database.client.query(AS_OF)).result_rows))}


async def columns(database: Database) -> list[dict[str, Any]]:
    return await database.rows(
        "SELECT table, name, type, position, default_expression, is_in_sorting_key, is_in_partition_key "
        "FROM system.columns WHERE database = currentDatabase() ORDER BY table, position"
    )


@pytest.fixture
async def old(clickhouse_url: str, clickhouse_database: str, folder_before: Path) -> AsyncIterator[Database]:
    """A database whose filled tables still have Date."""
    async with opened(clickhouse_url, clickhouse_database) as database:
        await migrate(database.client, folder=folder_before)
        await fill(database)
        yield database


async def test_no_column_of_an_old_database_was_left_as_it_was(old: Database, clickhouse_url: str) -> None:
    before = await rows(old)
    had_dates = {column["type"] for column in await columns(old) if "Date" in column["type"]}

    await migrate(old.client)

    async with opened(clickhouse_url, f"{old.client.database}_new") as new:
        await migrate(new.client)
        assert await columns(old) == await columns(new)
        made = "SELECT name, engine, create_table_query FROM system.tables WHERE database = {database:String}"
        old_tables = await old.rows(f"{made} ORDER BY name", database=old.client.database)
        new_tables = await new.rows(f"{made} ORDER BY name", database=new.client.database)
        await new.client.command(f"DROP DATABASE {new.client.database} SYNC")
    assert [table | {"create_table_query": _unnamed(table, "_new")} for table in new_tables] == old_tables
    assert await rows(old) == before
    assert {"Date", "Array(Nullable(Date))"} < had_dates
    types = {column["type"] for column in await columns(old) if "Date" in column["type"]}
    assert not types & {"Date", "Nullable(Date)", "Array(Date)", "Array(Nullable(Date))"}


def _unnamed(table: dict[str, Any], suffix: str) -> str:
    """The table's CREATE statement, with the suffix removed from the database's name."""
    return str(table["create_table_query"]).replace(f"{suffix}.", ".")


# Before the first statement, after it, in the middle, before the last and after it.
@pytest.mark.parametrize("done", sorted({0, 1, len(WIDENED) // 2, len(WIDENED) - 1, len(WIDENED)}))
async def test_a_sink_that_died_in_the_migration_is_followed_by_one_that_ends_it(old: Database, done: int) -> None:
    before = await rows(old)
    for statement in WIDENED[:done]:
        await old.client.command(statement)

    assert await rows(old) == before
    await fill(old)  # the same ranges again; ClickHouse knows their tokens
    assert await rows(old) == before
    await migrate(old.client)

    assert await rows(old) == before


async def test_an_old_sink_goes_on_beside_a_migrated_database(old: Database) -> None:
    """The old sink still sends columns of type Date, because it read the types when it started."""
    await migrate(old.client)

    await old.put("coverage.ledger.v1", [ledger_value(ledger_record(9, [line(LAST_DATE, None, inside())]))], first=9)

    assert await old.value("SELECT max(toString(value_on)) FROM ledger") == LAST_DATE


# ---- the server dies


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    server = ClickHouse.launch(tmp_path_factory.mktemp("clickhouse"), program=FAULTY_PROGRAM)
    yield server
    server.stop()


ALTERS = [statement.split()[2] for statement in WIDENED if "ALTER TABLE" in statement]


@pytest.mark.parametrize("point", ["before", "after"])
@pytest.mark.parametrize("match", [f"ALTER TABLE {ALTERS[1]}", f"ALTER TABLE {ALTERS[-1]}", "VIEW coverage_as_of"])
async def test_a_server_killed_in_the_migration_has_all_rows(
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
        await fill(database)
        assert await rows(database) == before


async def test_a_server_killed_while_it_writes_a_column_anew_has_all_rows(
    server: ClickHouse, clickhouse_database: str, folder_before: Path
) -> None:
    """The test stops merges. That also stops the mutation, so it is unfinished when the server dies."""
    server.start()
    unfinished = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
    async with opened(server.url, clickhouse_database) as database:
        await migrate(database.client, folder=folder_before)
        await fill(database)
        before = await rows(database)
        await database.stop_merges()
        for statement in WIDENED:
            await database.client.command(statement, settings={"alter_sync": 0})
        assert await database.value(unfinished) > 0
        assert await rows(database) == before
    server.kill()
    server.start()
    async with opened(server.url, clickhouse_database) as database:
        await migrate(database.client)
        assert await rows(database) == before
        await database.merge()
        assert await database.value(unfinished) == 0
        assert await rows(database) == before
