"""The audit on ClickHouse's own engine finds missing, extra and different rows in every table."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from peserta.operations.audit.position import IN_CLICKHOUSE, SNAPSHOTS, Position, topic_names
from peserta.operations.audit.report import Report, audit_clickhouse, audit_topics
from peserta.settings import Settings
from schemas.codec import InboundCodec, JournalCodec
from schemas.dates import day, instant
from schemas.records import Baseline, Company, CompanySet, Coordinates, Fact, Policy, PolicySet
from schemas.vocabulary import HIRE
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.topics import topics
from streams.partitioning import partition_of
from tests.support.book_in_memory import PARTITIONS, SETTINGS, TOPICS, BookInMemory, published_book
from tests.support.installation import installation
from tests.support.partition_log import Stored
from tests.support.sink_database import Database, made_database

SCALE = 0.02
REGISTERED = ["JT-0001-A", "JT-0002-A", "JT-0003-A", "JT-0004-A"]
HALVES = 3  # books that are split at random places
NAMES = topic_names(SETTINGS)
FAR = instant("2160-01-01T00:00:00Z")

FACTS, COMPANIES, POLICIES, LEDGER, LINES, ALERTS, LAST = (
    f"{rows} in ClickHouse"
    for rows in (
        "journal facts",
        "journal companies",
        "journal policies",
        "ledger records and chain",
        "ledger lines",
        "alerts",
        "last snapshots",
    )
)


def registry(book: BookInMemory, company_ids: list[str], first: int = 0, only: int = 4) -> None:
    """Registry entries of each company: the first, its replacement, one by an older recorder that appends late, and a
    repeat of the replacement."""
    codec = JournalCodec()
    for number, company_id in enumerate(company_ids):
        partition = partition_of(company_id.encode(), PARTITIONS)
        for place, name in ((number, "A"), (100 + number, "B"), (50 + number, "late"), (100 + number, "B"))[:only]:
            entry = CompanySet(Coordinates("companies", 0, first + place), 1_735_000_000_000, Company(company_id, name))
            book.append(TOPICS.journal, partition, company_id.encode(), codec.encode(entry))


@pytest.fixture(scope="module")
def book() -> BookInMemory:
    book = published_book(SCALE)
    registry(book, REGISTERED)
    book.record()
    book.keep()
    return book


@pytest.fixture
def settings(clickhouse_url: str, clickhouse_database: str, tmp_path: Path) -> Settings:
    return installation("", clickhouse_url, "", clickhouse_database, tmp_path)


@pytest.fixture
async def database(clickhouse_url: str, settings: Settings) -> AsyncIterator[Database]:
    async with made_database(clickhouse_url, settings.database) as made:
        yield made


async def carry(database: Database, book: BookInMemory, ends: dict[str, int] | None = None) -> None:
    """Insert like the sink: one range a partition, from the last position. `ends` limits the offsets of a topic."""
    progress, read = Progress(database.warehouse), topics(TOPICS)
    marks = await progress.last()
    for name in IN_CLICKHOUSE:
        for partition in range(PARTITIONS):
            mark = marks.get((NAMES[name], partition))
            first, log = mark.position if mark else 0, book.stored(NAMES[name], partition)
            end = min(len(log), (ends or {}).get(name, len(log)))
            if first < end:
                batch = Batch.of(Range(NAMES[name], partition, first, end), log[first:end])
                for block in read[NAMES[name]].blocks(batch):
                    await database.warehouse.insert(block.table, block.columns, batch.token(block.table))
                await progress.after([batch])


async def audited(settings: Settings, book: BookInMemory, since: Position | None = None) -> Report:
    report = await audit_topics(SETTINGS, book.topics, lambda _: None, dict(book.committed), since)
    assert report.is_well
    await audit_clickhouse(settings, book.topics, report)
    return report


def wrong(report: Report) -> dict[str, Counter[str]]:
    """Claim -> numbers of missing, extra and different rows, for each claim that does not hold."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in report.findings:
        if not finding.holds:
            counts = {"missing": finding.missing, "extra": finding.extra, "different": finding.different}
            found[finding.claim] += Counter(counts)
    return dict(found)


def in_clickhouse(report: Report) -> dict[str, int]:
    """Claim -> number of compared rows."""
    found: dict[str, int] = {}
    for finding in report.findings:
        if finding.where.endswith("ClickHouse"):
            found[finding.claim] = found.get(finding.claim, 0) + finding.compared
    return found


async def test_all_rows_that_the_sink_wrote_are_right_and_none_is_left_out(
    settings: Settings, database: Database, book: BookInMemory
) -> None:
    await carry(database, book)
    report = await audited(settings, book)
    assert wrong(report) == {}
    compared = in_clickhouse(report)
    registry_entries = 4 * compared[COMPANIES]
    assert compared[FACTS] == sum(one.entries for one in report.kept) - compared[POLICIES] - registry_entries
    assert compared[COMPANIES] == 4
    assert compared[LAST] == len({record.key for p in range(PARTITIONS) for record in snapshots(book, p)}) > 4
    assert compared[LEDGER] == compared[FACTS] and compared[LINES] > 100 and compared[ALERTS] > 2


def snapshots(book: BookInMemory, partition: int) -> list[Stored]:
    return list(book.stored(TOPICS.snapshots, partition))


# Kind of finding -> claim -> the statement that causes exactly one such finding.
HARMS: dict[str, dict[str, str]] = {
    "missing": {
        FACTS: "DELETE FROM journal_facts WHERE partition = 0 AND offset = 40",
        COMPANIES: "DELETE FROM journal_companies WHERE company_id = 'JT-0002-A'",
        POLICIES: "DELETE FROM journal_policies WHERE partition = 1 AND came_from_offset = 1",
        LAST: "DELETE FROM snapshots WHERE company_id = 'JT-0002-A'",
        LEDGER: "DELETE FROM ledger_entries WHERE partition = 1 AND offset = 50",
        LINES: "DELETE FROM ledger_lines WHERE (partition, offset, posting) = "
        "(SELECT min((partition, offset, posting)) FROM ledger_lines)",
        ALERTS: "DELETE FROM alert_records WHERE (alert_id, status) = "
        "(SELECT min((alert_id, status)) FROM alert_records)",
    },
    "different": {
        FACTS: "ALTER TABLE journal_facts UPDATE came_from_offset = 1 WHERE partition = 0 AND offset = 40",
        COMPANIES: "ALTER TABLE journal_companies UPDATE name = 'C' WHERE company_id = 'JT-0002-A'",
        POLICIES: "ALTER TABLE journal_policies UPDATE threshold_bp = 1 WHERE partition = 1 AND came_from_offset = 1",
        LAST: "ALTER TABLE snapshots UPDATE joined_30 = joined_30 + 1 WHERE company_id = 'JT-0002-A'",
        LEDGER: "ALTER TABLE ledger_entries UPDATE chain = '' WHERE partition = 0 AND offset = 40",
        LINES: "ALTER TABLE ledger_lines UPDATE quantity = 7 WHERE (partition, offset, posting) = "
        "(SELECT min((partition, offset, posting)) FROM ledger_lines)",
        ALERTS: "ALTER TABLE alert_records UPDATE uncovered = uncovered + 1 WHERE (alert_id, status) = "
        "(SELECT min((alert_id, status)) FROM alert_records)",
    },
    "extra": {
        FACTS: "INSERT INTO journal_facts SELECT * REPLACE(1 AS offset) FROM "  # there the journal has a policy
        "(SELECT * FROM journal_facts WHERE partition = 0 AND offset = 40)",
        COMPANIES: "INSERT INTO journal_companies SELECT * REPLACE('X' AS company_id) FROM journal_companies LIMIT 1",
        POLICIES: "INSERT INTO journal_policies SELECT * REPLACE(77 AS came_from_offset) FROM journal_policies LIMIT 1",
        LAST: "INSERT INTO snapshots SELECT * REPLACE('X' AS company_id) FROM snapshots LIMIT 1",
        LEDGER: "INSERT INTO ledger_entries SELECT * REPLACE('X' AS company_id) FROM ledger_entries LIMIT 1",
        LINES: "INSERT INTO ledger_lines SELECT * REPLACE(77 AS posting) FROM ledger_lines LIMIT 1",
        ALERTS: "INSERT INTO alert_records SELECT * REPLACE('X' AS alert_id) FROM alert_records LIMIT 1",
    },
}


@pytest.mark.parametrize(("kind", "statements"), HARMS.items(), ids=HARMS)
async def test_harm_to_a_table_is_found_in_it(
    settings: Settings, database: Database, book: BookInMemory, kind: str, statements: dict[str, str]
) -> None:
    await carry(database, book)
    for statement in statements.values():
        await database.client.command(statement, settings={"mutations_sync": 1})
    found = wrong(await audited(settings, book))
    assert found.keys() == statements.keys()
    assert {claim: counts[kind] for claim, counts in found.items()} == dict.fromkeys(statements, 1)


@pytest.mark.parametrize("seed", range(HALVES))
async def test_an_audit_that_goes_on_compares_what_the_one_before_it_could_not(
    settings: Settings, database: Database, book: BookInMemory, seed: int
) -> None:
    rng = Random(seed)
    early = published_book(SCALE)
    registry(early, REGISTERED)
    early.record()
    early.keep(until=rng.randrange(60, 250))
    ends = {name: rng.randrange(250) for name in IN_CLICKHOUSE} | {SNAPSHOTS: rng.randrange(20)}
    await carry(database, early, ends)
    told = [min(ends[SNAPSHOTS], len(snapshots(early, partition))) for partition in range(PARTITIONS)]
    first = await audited(settings, early)
    assert wrong(first) == {}
    if seed:  # with seed 0 only the sink continues
        registry(early, REGISTERED[:1], first=40, only=1)  # one more entry of an older recorder
        early.keep()
    await carry(database, early)
    later = await audited(settings, early, first.position(SETTINGS))
    assert wrong(later) == {}
    full, parts = in_clickhouse(await audited(settings, early)), (in_clickhouse(first), in_clickhouse(later))
    counted_once = set(full) - {LAST, COMPANIES}
    assert {c: full[c] for c in counted_once} == {c: sum(p[c] for p in parts) for c in counted_once}
    await database.client.command("TRUNCATE TABLE snapshots")
    changed = {record.key for p in range(PARTITIONS) for record in snapshots(early, p)[told[p] :]}
    assert wrong(await audited(settings, early, first.position(SETTINGS))) == {LAST: {"missing": len(changed)}}


async def test_what_clickhouse_has_beyond_the_audit_is_left_to_the_next_one(
    settings: Settings, database: Database
) -> None:
    book = published_book(SCALE)
    registry(book, REGISTERED)
    book.record(until=100)
    book.keep(until=60)
    report = await audit_topics(SETTINGS, book.topics, lambda _: None, dict(book.committed))
    registry(book, REGISTERED, first=1_000)
    book.record()
    book.keep()
    await carry(database, book)
    await audit_clickhouse(settings, book.topics, report)
    assert wrong(report) == {}
    later = await audited(settings, book, report.position(SETTINGS))
    assert wrong(later) == {}
    assert in_clickhouse(later)[COMPANIES] == len(REGISTERED)
    assert in_clickhouse(later)[LAST] == len({record.key for p in range(PARTITIONS) for record in snapshots(book, p)})


def far_book() -> BookInMemory:
    """The book, followed by a fact recorded in 2160, a policy without an end, and baselines of 1850 and 1860."""
    book, journal = published_book(SCALE), JournalCodec()
    endless = Policy("z", 5_000, day("0001-01-01"), effective_until=day("9999-12-31"))
    policy = PolicySet(Coordinates("policies", 0, 1_000), FAR, endless)
    for partition in range(PARTITIONS):
        book.append(TOPICS.journal, partition, b"z", journal.encode(policy))
    company = Company("FAR", baselines=(Baseline(day("1850-01-01"), 5, 5), Baseline(day("1860-01-01"), 5, 5)))
    entry = CompanySet(Coordinates("companies", 0, 1_000), FAR, company)
    book.append(TOPICS.journal, partition_of(b"FAR", PARTITIONS), b"FAR", journal.encode(entry))
    fact = Fact(HIRE, 0, "e1", "FAR", "w1", day("2161-01-01"), FAR, "hris", "")
    book.publish(b"FAR", InboundCodec().encode(fact), FAR)
    book.record()
    book.keep()
    return book


async def test_dates_of_every_century_are_compared(settings: Settings, database: Database) -> None:
    book = far_book()
    await carry(database, book)
    assert wrong(await audited(settings, book)) == {}

    for statement in (
        "ALTER TABLE ledger_lines UPDATE value_on = value_on + 1 WHERE company_id = 'FAR' AND posting = 1",
        "ALTER TABLE snapshots UPDATE as_of = as_of + 1 WHERE company_id = 'FAR'",
        "ALTER TABLE journal_facts UPDATE effective_on = effective_on + 1 WHERE company_id = 'FAR'",
        "ALTER TABLE journal_policies UPDATE effective_from = toDate32('1901-01-01') WHERE policy_id = 'z'",
        "ALTER TABLE journal_companies UPDATE baseline_on = [toDate32('1901-01-01'), toDate32('1900-01-01')] "
        "WHERE company_id = 'FAR'",
    ):
        await database.client.command(statement, settings={"mutations_sync": 1})

    found = {claim: counts["different"] for claim, counts in wrong(await audited(settings, book)).items()}
    assert found == {LINES: 1, LAST: 1, FACTS: 1, POLICIES: PARTITIONS, COMPANIES: 1}


async def test_declared_dates_as_an_earlier_sink_cut_them_are_right(settings: Settings, database: Database) -> None:
    book = far_book()
    await carry(database, book)

    for statement in (
        "ALTER TABLE journal_policies UPDATE effective_from = toDate32('1900-01-01'), "
        "effective_until = toDate32('2299-12-31') WHERE policy_id = 'z'",
        "ALTER TABLE journal_companies UPDATE baseline_on = [toDate32('1900-01-01'), toDate32('1900-01-01')] "
        "WHERE company_id = 'FAR'",
    ):
        await database.client.command(statement, settings={"mutations_sync": 1})

    assert wrong(await audited(settings, book)) == {}
