"""Migrations on ClickHouse's own engine, and the rules that hold for every table."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from peserta.operations.clickhouse_reading import analyst
from peserta.operations.failure import Rejected, Unavailable
from peserta.settings import read_settings
from sinks.clickhouse.migrations import DDL, migrate, migrations
from sinks.clickhouse.migrations import tables as lasting_tables
from sinks.clickhouse.refusals import MigrationChanged, Refused
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.tables.limits import DATE32, DATETIME64, HELD, INT8, NESTED, UINT32, UINT64
from sinks.clickhouse.warehouse import Warehouse
from tests.support.sink_database import Database

DEDUPLICATION_WINDOW_MIN = 10_000


@pytest.fixture
async def database(clickhouse_url: str, clickhouse_database: str) -> AsyncIterator[Database]:
    async with await Warehouse.open(SinkSettings("", clickhouse_url, database=clickhouse_database)) as warehouse:
        yield Database(warehouse)


async def test_migrations_run_once_and_can_be_asked_for_again(database: Database) -> None:
    first = await migrate(database.client)
    second = await migrate(database.client)

    assert first == tuple(migration.name for migration in migrations())
    assert second == ()


async def test_every_statement_can_be_run_again(database: Database) -> None:
    """A run may have died after the statement and before it recorded the migration."""
    await migrate(database.client)
    await database.client.command("TRUNCATE TABLE migrations")

    assert await migrate(database.client) == tuple(migration.name for migration in migrations())


async def test_a_new_database_is_like_one_that_got_its_migrations_one_after_another(
    database: Database, clickhouse_url: str, clickhouse_database: str, tmp_path: Path
) -> None:
    """A new one gets each view in its last form only."""
    await migrate(database.client)
    other = f"{clickhouse_database}_slowly"
    async with await Warehouse.open(SinkSettings("", clickhouse_url, database=other)) as warehouse:
        for migration in migrations():
            (tmp_path / f"{migration.name}.sql").write_text(migration.text, encoding="utf-8")
            assert await migrate(warehouse.client, folder=tmp_path) == (migration.name,)
        slowly = await _described(Database(warehouse))

    of_the_same_name = {name: text.replace(other, clickhouse_database) for name, text in slowly.items()}
    assert await _described(database) == of_the_same_name


async def test_a_migration_in_another_wording_is_refused(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "001_one.sql"
    file.write_text("CREATE VIEW IF NOT EXISTS one AS SELECT 1;\n")
    await migrate(database.client, folder=tmp_path)
    file.write_text("CREATE VIEW IF NOT EXISTS one AS SELECT 2;\n")

    with pytest.raises(MigrationChanged, match="001_one") as refusal:
        await migrate(database.client, folder=tmp_path)

    assert isinstance(refusal.value, Refused)


async def test_what_failed_is_run_at_the_next_time(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "001_one.sql"
    file.write_text("CREATE VIEW IF NOT EXISTS one AS SELECT 1;\n\nCREATE NONSENSE;\n")
    with pytest.raises(DatabaseError):
        await migrate(database.client, folder=tmp_path)
    file.write_text("CREATE VIEW IF NOT EXISTS one AS SELECT 1;\n")

    assert await migrate(database.client, folder=tmp_path) == ("001_one",)


async def test_an_analyst_is_told_that_the_views_are_still_being_made(
    database: Database, clickhouse_url: str, clickhouse_database: str, tmp_path: Path
) -> None:
    settings = read_settings(clickhouse_url=clickhouse_url, clickhouse_database=clickhouse_database, data_dir=tmp_path)

    def ask(table: str) -> None:
        with analyst(settings) as client:
            client.query(f"SELECT * FROM {table}")

    for file in sorted(DDL.glob("*.sql"))[:2]:
        shutil.copy(file, tmp_path)
    await migrate(database.client, folder=tmp_path)
    with pytest.raises(Unavailable, match="does not have all its views yet"):
        await asyncio.to_thread(ask, "coverage_current")

    await migrate(database.client)
    await asyncio.to_thread(ask, "coverage_current")
    with pytest.raises(Rejected, match="nonsense"):
        await asyncio.to_thread(ask, "nonsense")


async def test_every_table_remembers_tokens_and_replaces_by_version(database: Database) -> None:
    await migrate(database.client)

    tables = await database.rows(
        "SELECT name, engine, extract(engine_full, '[^_]non_replicated_deduplication_window = (\\\\d+)') AS window, "
        "extract(engine_full, ' replicated_deduplication_window = (\\\\d+)') AS replicated_window "
        "FROM system.tables WHERE database = currentDatabase() AND engine != 'View'"
    )

    assert {table["name"] for table in tables} == {*lasting_tables()}
    for table in tables:
        assert table["engine"] == "ReplacingMergeTree", table
        assert int(table["window"] or 0) >= DEDUPLICATION_WINDOW_MIN, table
        assert int(table["replicated_window"] or 0) >= DEDUPLICATION_WINDOW_MIN, table


async def test_the_partition_of_a_row_follows_from_its_sorting_key(database: Database) -> None:
    """ClickHouse never merges rows across partitions, so a key in two partitions would stay two rows."""
    await migrate(database.client)

    tables = await database.rows(
        "SELECT name, splitByRegexp('\\\\W+', partition_key) AS words, splitByString(', ', sorting_key) AS sorting "
        "FROM system.tables WHERE database = currentDatabase() AND partition_key != ''"
    )

    assert {table["name"] for table in tables} == {"ledger_lines"}
    no_columns = {"", "bitShiftRight", "18"}
    assert all({*table["words"]} - no_columns <= {*table["sorting"]} for table in tables)


async def test_instants_say_that_they_are_utc_and_words_are_not_enums(database: Database) -> None:
    await migrate(database.client)

    types = {
        row["type"] for row in await database.rows("SELECT type FROM system.columns WHERE database = currentDatabase()")
    }

    assert {_bare(name) for name in types if "DateTime" in name} == {"DateTime64(3, 'UTC')"}
    assert not any("Enum" in name for name in types)


async def test_a_database_of_before_gets_the_field_of_a_dead_letter_in_place(
    database: Database, tmp_path: Path
) -> None:
    await migrate(database.client, folder=_only(tmp_path, "012"))
    await database.client.command(
        "INSERT INTO dead_letter_records (topic, partition, offset, recorded_at, reason, key_bytes, value_bytes, "
        "letter_partition, letter_offset) VALUES ('facts', 0, 7, '2025-09-01 00:00:00', 'decode_error', 2, 9, 0, 1)"
    )

    assert "012_dead_letter_fields" in await migrate(database.client)

    found = await database.client.query("SELECT offset, reason, field, rule FROM dead_letters")
    assert found.result_rows == [(7, "decode_error", None, None)]


async def test_a_database_of_before_gets_the_tables_of_notices_in_place(database: Database, tmp_path: Path) -> None:
    """Its other tables stay as they are."""
    await migrate(database.client, folder=_only(tmp_path / "from", "015"))
    before = await _described(database)

    made = await migrate(database.client, folder=_only(tmp_path / "to", "016"))

    assert made == ("015_notices",)
    after = await _described(database)
    assert {name: after[name] for name in before} == before
    assert after.keys() - before.keys() == {"notice_records", "notices", "handling_records", "alert_handling"}
    assert [await database.value(f"SELECT count() FROM {view}") for view in ("notices", "alert_handling")] == [0, 0]


def _only(folder: Path, before: str) -> Path:
    """A folder with the migrations whose names come before this one."""
    folder.mkdir(exist_ok=True)
    for migration in migrations():
        if migration.name < before:
            (folder / f"{migration.name}.sql").write_text(migration.text, encoding="utf-8")
    return folder


async def _described(database: Database) -> dict[str, str]:
    rows = await database.rows(
        "SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase() AND name != 'migrations'"
    )
    return {row["name"]: row["create_table_query"] for row in rows}


SPANS = {"Date32": DATE32, "DateTime64(3, 'UTC')": DATETIME64, "Int8": INT8, "UInt32": UINT32, "UInt64": UINT64}
# The sink's own tables. Their values do not come from records.
NOT_FROM_RECORDS = ("migrations", "sink_progress", "ledger_totals_by_day", "ledger_totals_by_month", "ledger_buckets")


async def test_what_a_column_holds_is_asked_of_every_column_that_holds_less_than_a_record(database: Database) -> None:
    """Other columns need no check: Int64 holds every integer of Avro, String every text, and the sink makes Bool values
    and by_book itself."""
    await migrate(database.client)

    found = await database.rows(
        "SELECT columns.name AS name, type, table FROM system.columns AS columns "
        "INNER JOIN system.tables AS tables ON tables.database = columns.database AND tables.name = columns.table "
        "WHERE columns.database = currentDatabase() AND engine != 'View' AND name != 'by_book'"
    )
    columns = [column for column in found if column["table"] not in NOT_FROM_RECORDS]
    narrow = {column["name"]: SPANS[bare] for column in columns if (bare := _bare(column["type"])) in SPANS}

    assert narrow == HELD
    assert {c["name"] for c in columns if c["type"].startswith(("Array(", "Nullable(")) and c["name"] in HELD} == NESTED


def _bare(kind: str) -> str:
    """The type without Array, Nullable and LowCardinality."""
    while wrapped := re.fullmatch(r"(?:Array|Nullable|LowCardinality)\((.*)\)", kind):
        kind = wrapped[1]
    return kind
