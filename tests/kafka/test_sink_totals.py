"""Figures from totals of full buckets are those of the lines, whatever was added up, repeated or left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest
from clickhouse_connect import get_client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.embedded.clickhouse.server import ClickHouse
from peserta.operations.audit.totals import audit_totals
from schemas.records import Posting
from sinks.clickhouse.buckets import BITS, CHANGES, Bucket
from sinks.clickhouse.migrations import migrate, migrations
from sinks.clickhouse.totals import Totals
from tests.support.clickhouse_faults import FAULTY_PROGRAM, Faults
from tests.support.sink_books import DAY_0, Book, book_entries, books
from tests.support.sink_database import Database, made_database, opened_database
from tests.support.sink_figures import counts, figures
from tests.support.sink_records import EPOCH, OUTPUT, inside, ledger_record, ledger_value, line, snapshot

LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
IN_A_BUCKET = 3  # entries of these tests
STRIDE = -(-(1 << BITS) // IN_A_BUCKET)
BY_MONTH = "018"
ON = 120
UNTIL = 140  # days after DAY_0, the business date

FEW = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
async def database(clickhouse_url: str, clickhouse_database: str) -> AsyncIterator[Database]:
    async with made_database(clickhouse_url, clickhouse_database) as made:
        yield made


async def put(database: Database, partition: int, number: int, lines: list[Posting]) -> None:
    """Insert an entry of the company of this partition, recorded `number` minutes after the first. (A partition of its
    own is what each example has.)"""
    record = ledger_record(
        number * STRIDE, lines, company_id=f"C{partition}", partition=partition, recorded=minute(number)
    )
    await database.put(LEDGER, [ledger_value(record)], partition=partition, first=number)


def minute(number: int) -> str:
    return f"2025-09-01T03:{number:02}:00"


async def total_everything(database: Database) -> list[Bucket]:
    """What a sink that starts now adds up."""
    totals, done = Totals(database.warehouse), []
    await totals.begin()
    while (bucket := totals.due()) is not None:
        await totals.total(bucket)
        done.append(bucket)
    return done


class Partitions:
    """Gives each example a partition of its own in one database."""

    def __init__(self) -> None:
        self.made = 0

    def next(self) -> int:
        self.made += 1
        return self.made


@pytest.fixture
def partitions() -> Partitions:
    return Partitions()


TOTALS = {"ledger_totals_by_day": "value_on", "ledger_totals_by_month": "month"}
ACTS = st.sampled_from(["total", "repeat", "left behind", "merge", "nothing", "nothing"])


@FEW
@given(books, st.lists(ACTS, min_size=12, max_size=12), st.integers(0, 140), st.integers(0, 12))
async def test_figures_are_those_of_a_recount_whatever_was_added_up(
    database: Database, partitions: Partitions, book: Book, acts: list[str], on: int, known: int
) -> None:
    partition, entries = partitions.next(), book_entries(book)
    await database.stop_merges()
    for number, (lines, act) in enumerate(zip(entries, acts, strict=False)):
        await put(database, partition, number, lines)
        await do(database, act, partition, entries[: number + 1])
    newest = snapshot(0, date.fromordinal(EPOCH.toordinal() + DAY_0 + UNTIL).isoformat(), company_id=f"C{partition}")
    await database.put(SNAPSHOTS, [OUTPUT.encode_snapshot(newest)], first=partition)

    lines = [posting for entry in entries for posting in entry]
    known_lines = [posting for entry in entries[: known + 1] for posting in entry]
    assert await as_of(database, partition, on, known) == (
        figures(known_lines, DAY_0 + on) if any(x.value_on <= DAY_0 + on for x in known_lines) else None
    )
    assert await changed(database, partition, on, known) == active_and_covered(known_lines, DAY_0 + on)
    assert await daily(database, partition, on) == (
        counts(lines, DAY_0 + on)["active"] if any(x.value_on <= DAY_0 + on for x in lines) else None
    )


async def do(database: Database, act: str, partition: int, entries: list[list[Posting]]) -> None:
    match act:
        case "total":
            await total_everything(database)
        case "repeat":  # by a sink of before there were totals, in another range
            for number, lines in enumerate(entries):
                record = ledger_record(
                    number * STRIDE, lines, company_id=f"C{partition}", partition=partition, recorded=minute(number)
                )
                await database.put(
                    LEDGER, [ledger_value(record)] * 2, partition=partition, first=1000 * len(entries) + number
                )
        case "left behind":  # by a sink that was killed before it named its attempt
            for table, date in TOTALS.items():
                await database.client.command(
                    f"INSERT INTO {table} (company_id, {date}, attempt, {', '.join(CHANGES)}) "
                    f"SELECT company_id, value_on, 'killed', {', '.join(CHANGES)} FROM ledger_changes"
                )
        case "merge":
            await database.merge()
            await database.stop_merges()


async def as_of(database: Database, partition: int, on: int, known: int) -> dict[str, object] | None:
    rows = await database.rows(
        "SELECT * EXCEPT (company_id, as_of) "
        f"FROM coverage_as_of(as_of = {{as_of:String}}, known_at = '{minute(known)}Z') "
        "WHERE company_id = {company_id:String}",
        as_of=date.fromordinal(EPOCH.toordinal() + DAY_0 + on).isoformat(),
        company_id=f"C{partition}",
    )
    return rows[0] if rows else None


async def changed(database: Database, partition: int, on: int, known: int) -> tuple[int, int]:
    """Active and covered, from the months before a date and the days of its own."""
    (found,) = await database.rows(
        "SELECT sum(changes.active) AS active, sum(changes.covered) AS covered "
        f"FROM coverage_changes_since(since = {{on:String}}, known_at = '{minute(known)}Z') AS changes "
        "WHERE company_id = {company_id:String} AND value_on <= toDate32({on:String})",
        on=date.fromordinal(EPOCH.toordinal() + DAY_0 + on).isoformat(),
        company_id=f"C{partition}",
    )
    return found["active"], found["covered"]


def active_and_covered(lines: list[Posting], day: int) -> tuple[int, int]:
    counted = counts(lines, day)
    return counted["active"], counted["covered"]


async def daily(database: Database, partition: int, on: int) -> object:
    rows = await database.rows(
        "SELECT active FROM coverage_daily WHERE date = {on:String} AND company_id = {company_id:String}",
        on=date.fromordinal(EPOCH.toordinal() + DAY_0 + on).isoformat(),
        company_id=f"C{partition}",
    )
    return rows[0]["active"] if rows else None


async def test_only_full_buckets_are_added_up_and_each_once(database: Database) -> None:
    for number in range(2 * IN_A_BUCKET + 1):
        await put(database, 1, number, [line("2025-09-01", None, inside())])

    assert await total_everything(database) == [Bucket(1, 0), Bucket(1, 1)]
    assert await total_everything(database) == []
    assert await database.value("SELECT sum(active) FROM ledger_totals_by_day") == 2 * IN_A_BUCKET


async def test_a_line_of_a_bucket_that_is_added_up_is_missing_nowhere(database: Database) -> None:
    """A second sink may write what the first has not reached. A sink that knows of totals takes the name away first."""
    for number in (0, 2, 3):
        await put(database, 1, number, [line("2025-09-01", None, inside())])
    await total_everything(database)
    totals = Totals(database.warehouse)
    await totals.begin()
    record = ledger_record(
        STRIDE, [line("2025-09-01", None, inside())], company_id="C1", partition=1, recorded=minute(1)
    )

    await totals.before(database.blocks(LEDGER, [ledger_value(record)], partition=1, first=1))
    await database.put(LEDGER, [ledger_value(record)], partition=1, first=1)

    asked = "SELECT active FROM coverage_as_of(as_of='2025-09-01', known_at='2030-01-01T00:00:00Z')"
    assert await database.value(asked) == 4
    assert totals.due() == Bucket(1, 0)
    await totals.total(Bucket(1, 0))
    assert await database.value(asked) == 4
    days = "SELECT sum(active) FROM ledger_totals_by_day"
    assert await database.value(days) == 2 + 3  # the first attempt is not read
    assert await database.value("SELECT max(version) FROM ledger_buckets WHERE bucket = 0") == 3  # named, taken, named


async def test_an_insert_over_two_buckets_is_there_once_after_half_of_it_arrived(database: Database) -> None:
    """Each bucket is a part of its own: a server that dies between them keeps one, and the token keeps it single."""
    records = [
        ledger_record(number * STRIDE, [line("2025-09-01", None, inside())], company_id="C1", partition=1)
        for number in range(2 * IN_A_BUCKET)
    ]
    (block,) = [
        b for b in database.blocks(LEDGER, map(ledger_value, records), partition=1) if b.table == "ledger_lines"
    ]
    half = {name: values[:IN_A_BUCKET] for name, values in block.columns.items()}
    await database.stop_merges()

    await database.warehouse.insert(block.table, half, "token")
    await asyncio.gather(*(database.warehouse.insert(block.table, block.columns, "token") for _ in range(2)))

    assert await database.value("SELECT count() FROM ledger_lines") == 2 * IN_A_BUCKET


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouse]:
    server = ClickHouse.launch(tmp_path_factory.mktemp("clickhouse"), program=FAULTY_PROGRAM)
    yield server
    server.stop()


@pytest.mark.parametrize("table", [*TOTALS, "ledger_buckets"])
async def test_a_sink_whose_answer_was_lost_adds_nothing_up_twice(
    faulty: ClickHouse, clickhouse_database: str, table: str
) -> None:
    async with made_database(faulty.url, clickhouse_database) as database:
        await database.stop_merges()
        for number in range(IN_A_BUCKET + 1):
            await put(database, 1, number, [line("2025-09-01", None, inside())])
        Faults(faulty.url).add("cut", "after", match=f"INSERT INTO {table}", times=1)

        assert await total_everything(database) == [Bucket(1, 0)]

        assert Faults(faulty.url).hits() == [1]
        Faults(faulty.url).clear()
        assert await changed(database, 1, ON, IN_A_BUCKET) == (IN_A_BUCKET + 1, 0)
        assert await as_of_all(database) == IN_A_BUCKET + 1


async def test_a_database_with_sums_by_day_alone_shows_its_figures_before_and_after_they_are_added_up_anew(
    clickhouse_url: str, clickhouse_database: str, tmp_path: Path
) -> None:
    for migration in migrations():
        if migration.name < BY_MONTH:
            (tmp_path / f"{migration.name}.sql").write_text(migration.text, encoding="utf-8")
    async with opened_database(clickhouse_url, clickhouse_database) as database:
        await migrate(database.client, folder=tmp_path)
        for number in range(IN_A_BUCKET + 1):
            await put(database, 1, number, [line("2025-09-01", None, inside())])
        await database.client.command(  # as the sink of then did
            f"INSERT INTO ledger_totals (company_id, value_on, attempt, {', '.join(CHANGES)}) "
            f"SELECT company_id, value_on, 'then', {', '.join(f'sum(each.{name})' for name in CHANGES)} "
            f"FROM ledger_changes AS each WHERE offset < {1 << BITS} GROUP BY ALL"
        )
        await database.client.command(
            "INSERT INTO ledger_totalled SELECT 1, 0, 'then', min(recorded_at), max(recorded_at), count(), 1 "
            f"FROM ledger_lines WHERE offset < {1 << BITS}"
        )
        assert await as_of_all(database) == IN_A_BUCKET + 1

        await migrate(database.client)

        assert await as_of_all(database) == IN_A_BUCKET + 1
        assert await total_everything(database) == [Bucket(1, 0)]
        assert await as_of_all(database) == IN_A_BUCKET + 1
        names = await database.rows("SELECT name FROM system.tables WHERE database = currentDatabase()")
        assert not {"ledger_totals", "ledger_totalled"} & {row["name"] for row in names}


async def as_of_all(database: Database) -> object:
    return await database.value(
        "SELECT sum(active) FROM coverage_as_of(as_of='2026-03-01', known_at='2030-01-01T00:00:00Z')"
    )


@pytest.mark.parametrize(
    "spoilt, holds",
    [
        pytest.param("SELECT 1", True, id="as it was added up"),
        pytest.param(
            "ALTER TABLE ledger_totals_by_day UPDATE active = 1 + active WHERE value_on = '2025-09-02'",
            False,
            id="other",
        ),
        pytest.param("ALTER TABLE ledger_totals_by_day DELETE WHERE value_on = '2025-09-02'", False, id="a row less"),
        pytest.param(
            "ALTER TABLE ledger_totals_by_month UPDATE active = 1 + active WHERE true", False, id="other month"
        ),
        pytest.param("ALTER TABLE ledger_totals_by_month DELETE WHERE true", False, id="no month"),
        pytest.param("TRUNCATE TABLE ledger_totals_by_day", False, id="no days"),
        pytest.param("TRUNCATE TABLES FROM {database} LIKE 'ledger_totals_by_%'", False, id="no sums at all"),
        pytest.param(
            "ALTER TABLE ledger_lines UPDATE quantity = -1 WHERE posting = 1", False, id="lines changed later"
        ),
    ],
)
async def test_an_audit_finds_totals_that_are_not_those_of_their_lines(
    database: Database, clickhouse_url: str, spoilt: str, holds: bool
) -> None:
    for number in range(2 * IN_A_BUCKET + 1):
        await put(database, 1, number, [line(f"2025-09-0{number + 1}", None, inside())])
    await total_everything(database)
    await database.client.command(
        spoilt.replace("{database}", str(database.client.database)), settings={"mutations_sync": 2}
    )

    with get_client(dsn=clickhouse_url, database=database.client.database) as client:
        (finding,) = audit_totals(client, 1, 0, 2 * IN_A_BUCKET * STRIDE)
        later = audit_totals(client, 1, 2 * IN_A_BUCKET * STRIDE, 2 * IN_A_BUCKET * STRIDE + 1)

    assert (finding.compared, finding.holds) == (2 * 2, holds)  # two buckets, by day and by month
    assert later == []  # an audit that goes on compares what no audit has compared


@pytest.mark.parametrize("table", ["ledger_totals_by_day", "ledger_totals_by_month"])
async def test_every_sum_is_kept_without_the_bits_that_are_zero(database: Database, table: str) -> None:
    rows = await database.rows(
        "SELECT name, compression_codec FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String} AND type = 'Int32'",
        table=table,
    )
    assert {row["name"]: row["compression_codec"] for row in rows} == dict.fromkeys(CHANGES, "CODEC(T64, ZSTD(1))")
