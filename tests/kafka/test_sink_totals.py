"""Figures from totals of full buckets are those of the lines, whatever was added up, repeated or left behind."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import pytest
from clickhouse_connect import get_client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peserta.operations.audit.totals import audit_totals
from schemas.records import Posting
from sinks.clickhouse.buckets import BITS, CHANGES, Bucket
from sinks.clickhouse.totals import Totals
from tests.support.sink_books import DAY_0, Book, book_entries, books
from tests.support.sink_database import Database, made_database
from tests.support.sink_figures import counts, figures
from tests.support.sink_records import EPOCH, OUTPUT, inside, ledger_record, ledger_value, line, snapshot

LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
IN_A_BUCKET = 3  # entries of these tests
STRIDE = -(-(1 << BITS) // IN_A_BUCKET)
UNTIL = 140  # days after DAY_0, the business date

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


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
            await database.client.command(
                f"INSERT INTO ledger_totals (company_id, value_on, attempt, {', '.join(CHANGES)}) "
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
    assert await database.value("SELECT sum(active) FROM ledger_totals") == 2 * IN_A_BUCKET


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
    assert await database.value("SELECT sum(active) FROM ledger_totals") == 2 + 3  # the first attempt is not read
    assert await database.value("SELECT max(version) FROM ledger_totalled WHERE bucket = 0") == 3  # named, taken, named


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


@pytest.mark.parametrize(
    "spoilt, holds",
    [
        pytest.param("SELECT 1", True, id="as it was added up"),
        pytest.param(
            "ALTER TABLE ledger_totals UPDATE active = 1 + active WHERE value_on = '2025-09-02'", False, id="other"
        ),
        pytest.param("ALTER TABLE ledger_totals DELETE WHERE value_on = '2025-09-02'", False, id="a row less"),
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
    await database.client.command(spoilt, settings={"mutations_sync": 2})

    with get_client(dsn=clickhouse_url, database=database.client.database) as client:
        (finding,) = audit_totals(client, 1, 0, 2 * IN_A_BUCKET * STRIDE)
        later = audit_totals(client, 1, 2 * IN_A_BUCKET * STRIDE, 2 * IN_A_BUCKET * STRIDE + 1)

    assert (finding.compared, finding.holds) == (2, holds)
    assert later == []  # an audit that goes on compares what no audit has compared
