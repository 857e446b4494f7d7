"""The views on ClickHouse's own engine are right before and after merges, and equal an independent recount."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.embedded.stack import Stack
from schemas.records import Baseline, Company, Entry, Policy, Posting, Scope
from schemas.vocabulary import DUPLICATE, ENROLLMENT, WITHDRAWN, programme_set
from schemas.wire import frame
from tests.support.sink_books import DAY_0, Book, book_entries, books
from tests.support.sink_database import Database, made_database, shared_database
from tests.support.sink_figures import DAILY_DAYS, counts, daily_days, figures, share_bp
from tests.support.sink_records import (
    EPOCH,
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
    policy_ended,
    policy_set,
    snapshot,
    tick,
)

JOURNAL = "coverage.journal.v1"
LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
ALERTS = "coverage.alerts.v1"
DEAD_LETTERS = "workforce.dead-letters.v1"

DAILY_ENROLLED = ["enrolled_jht", "enrolled_jkk", "enrolled_jkm", "enrolled_jkp", "enrolled_jmo", "enrolled_jp"]
# The columns of SEMANTICS 9, and the coordinates beside them.
COLUMNS = {
    "journal": "partition offset recorded_at type event_id company_id worker_id effective_on occurred_at source "
    "disposition employment_type reason action programmes corrects came_from_topic came_from_partition "
    "came_from_offset",
    "counted_facts": "company_id partition offset recorded_at type source effective_on",
    "fact_workers": "company_id partition offset worker_id",
    "dispositions": "company_id partition offset recorded_at event_id disposition",
    "ledger": "company_id value_on employment_type_before programmes_before new_before employment_type_after "
    "programmes_after new_after inside_before inside_after quantity partition offset posting recorded_at",
    "coverage_daily": f"company_id date active covered uncovered_new {' '.join(DAILY_ENROLLED)} coverage_bp",
    "policy_status": "company_id policy_id state since gap_people threshold threshold_bp version as_of "
    "baseline_covered baseline_divisor why",
    "alerts": "alert_id status reason company_id policy_id policy_version rule threshold_bp business_date episode "
    "episode_start previous_state active covered divisor coverage_bp gap_people baseline_covered baseline_divisor "
    "uncovered joined_30 left_30 gained_cover_30 lost_cover_30 cause event_id journal_partition "
    "journal_offset recorded_at",
    "dead_letters": "reason topic partition offset recorded_at source event_id key_bytes value_bytes field rule",
    "companies": "company_id name kbli regency baseline_on baseline_active baseline_covered baseline_uncovered_new "
    "baseline_required recorded_at",
    "policies": "policy_id version title rule threshold_bp required clock employment_types scope_company_ids "
    "scope_regencies scope_kbli_prefixes min_active hysteresis_bp hold_days effective_from effective_until baseline_on "
    "ended recorded_at",
    "notices": "notice_id subscription_id kind status alert_id company_id policy_id state attempts last_answer gone "
    "digest_id seq created_at first_at next_at last_at ended_at",
    "alert_handling": "handling_id alert_id company_id policy_id action handled_by handled_at assigned_to note offset",
}


@pytest.fixture
async def database(clickhouse_url: str, clickhouse_database: str) -> AsyncIterator[Database]:
    async with made_database(clickhouse_url, clickhouse_database) as made:
        yield made


async def test_a_view_has_the_columns_that_readers_rely_on(database: Database) -> None:
    found = {view: await database.rows(f"DESCRIBE {view}") for view in COLUMNS}

    assert {view: [column["name"] for column in rows] for view, rows in found.items()} == {
        view: columns.split() for view, columns in COLUMNS.items()
    }


async def test_the_current_figures_and_the_figures_as_of_a_date_have_the_same_columns(database: Database) -> None:
    every_figure = {*figures([], 0)}
    current = {column["name"] for column in await database.rows("DESCRIBE coverage_current")}
    await database.put(LEDGER, [ledger_value(ledger_record(0, [line("2025-09-01", None, inside())]))])
    (as_of,) = await as_of_rows(database, "2025-09-01", "2025-09-02T00:00:00")

    assert current == every_figure | {
        "company_id", "as_of", "name", "regency", "kbli", "journal_partition", "journal_offset", "recorded_at"
    }  # fmt: skip
    assert {*as_of} == every_figure | {"company_id", "as_of"}


async def fill(database: Database) -> None:
    """Insert a small book twice, the second time in other ranges."""
    await database.stop_merges()
    entries: list[Entry] = [
        company_set(0, Company("C1", "Old name", "14111", "Garut")),
        policy_set(0, Policy("footwear", 2000, day("2025-01-01"))),
        fact_entry(2),
        fact_entry(2),  # A repeat of the recorder has no ledger record.
        fact_entry(4, kind=ENROLLMENT, detail=programme_set(("JKM", "JKK")) | WITHDRAWN),
        company_set(1, Company("C1", "New name", None, "Garut", (Baseline(day("2024-12-31"), 9, 3),))),
        company_set(0, Company("C1", "Old name", "14111", "Garut")),
        policy_set(1, Policy("footwear", 2500, day("2025-01-01"), 2, "Footwear", scope=Scope(regencies=("Garut",)))),
        policy_ended(2, "footwear"),
        policy_set(3, Policy("half", 5000, day("1970-01-01"), effective_until=day("9999-12-31"))),
        tick("2025-09-02"),
    ]
    postings = [line("2025-09-01", None, inside(new=True)), line("2025-10-01", inside(new=True), inside())]
    ledger = [ledger_value(ledger_record(2, postings)), ledger_value(ledger_record(4, disposition=DUPLICATE))]
    snapshots = [OUTPUT.encode_snapshot(snapshot(offset, active=active)) for offset, active in ((4, 8), (10, 10))]
    alerts = [OUTPUT.encode_alert(alert(status)) for status in ("firing", "resolved")]
    letters = [OUTPUT.encode_dead_letter(dead_letter(offset)) for offset in (5, 6, 5)]
    for first in (0, 1):
        await database.put(JOURNAL, journal_values(entries)[first:], first=first)
        for topic, values in (
            (LEDGER, ledger),
            (SNAPSHOTS, snapshots[::-1]),
            (ALERTS, alerts),
            (DEAD_LETTERS, letters),
        ):
            await database.put(topic, values, first=first)
    await database.put(SNAPSHOTS, snapshots[:1], first=7)
    await database.put(JOURNAL, journal_values([policy_ended(2, "footwear")]), partition=1)


VIEW_ROWS = [
    pytest.param(
        "SELECT offset, type, action, programmes, employment_type, disposition FROM journal ORDER BY offset",
        [(2, "hire", "", [], "daily", "applied"), (4, "enrollment", "withdrawn", ["JKK", "JKM"], "", "duplicate")],
        id="the journal shows what was dispositioned, once, and no repeat of the recorder",
    ),
    pytest.param(
        "SELECT offset, disposition FROM dispositions ORDER BY offset",
        [(2, "applied"), (4, "duplicate")],
        id="what became of a fact is there once",
    ),
    pytest.param(
        "SELECT offset, worker_id FROM fact_workers ORDER BY offset",
        [(2, "w1"), (3, "w1"), (4, "w1")],
        id="every fact in the journal has its worker, a repeat by the recorder too",
    ),
    pytest.param(
        "SELECT offset, type FROM counted_facts ORDER BY offset",
        [(2, "hire")],
        id="a fact that counts is there once, and neither a duplicate nor a repeat of the recorder",
    ),
    pytest.param(
        "SELECT posting, value_on, inside_before, employment_type_before, inside_after, new_after, quantity "
        "FROM ledger ORDER BY posting",
        [(1, date(2025, 9, 1), 0, "", 1, True, 1), (2, date(2025, 10, 1), 1, "daily", 1, False, 1)],
        id="the ledger shows each posting once",
    ),
    pytest.param(
        "SELECT company_id, name, kbli, baseline_on, baseline_required FROM companies",
        [("C1", "New name", None, [date(2024, 12, 31)], [["JKK", "JKM"]])],
        id="a company has its newest entry, although an older one was appended after it",
    ),
    pytest.param(
        "SELECT policy_id, version, threshold_bp, scope_regencies, effective_from, effective_until, ended "
        "FROM policies ORDER BY 1",
        [
            ("footwear", 2, 2500, ["Garut"], date(2025, 1, 1), None, True),
            ("half", 1, 5000, [], date(1970, 1, 1), date(9999, 12, 31), False),
        ],
        id="a policy has its last version, and says whether it ended",
    ),
    pytest.param(
        "SELECT active, uncovered, enrolled_jkk, enrolled_jp, active_daily, covered_permanent, active_outsourced, "
        "coverage_due_bp, joined_7, min_coverage_bp_7, mean_coverage_bp_90, min_coverage_bp_90, as_of, name, kbli "
        "FROM coverage_current",
        [(10, 6, 4, 3, 7, 3, 0, 4444, 1, None, None, 17, date(2025, 9, 30), "New name", None)],
        id="the current figures are those of the highest journal offset",
    ),
    pytest.param(
        "SELECT policy_id, state, since, gap_people, threshold_bp, version, baseline_covered, baseline_divisor, why "
        "FROM policy_status ORDER BY 1",
        [
            ("footwear", "met", date(2025, 9, 5), 0, 2000, 2, 3, 5, None),
            ("half", "not_evaluable", None, None, 5000, 1, None, None, "too_few"),
        ],
        id="policy status has one row for each company and policy",
    ),
    pytest.param(
        "SELECT count(), min(date), max(date), sum(active), sum(uncovered_new) FROM coverage_daily",
        [(30, date(2025, 9, 1), date(2025, 9, 30), 30, 30)],
        id="daily coverage ends with the business date",
    ),
    pytest.param(
        "SELECT alert_id, status, reason, business_date, baseline_covered, event_id FROM alerts ORDER BY status",
        [
            ("C1/footwear/1", "firing", "crossed", date(2025, 9, 30), None, "e7"),
            ("C1/footwear/1", "resolved", "recovered", date(2025, 9, 30), None, "e7"),
        ],
        id="an alert is there once for each status",
    ),
    pytest.param(
        "SELECT topic, offset, reason, field, substring(rule, 1, 12), source, event_id, value_bytes FROM dead_letters "
        "ORDER BY offset",
        [
            ("workforce.facts.v1", 5, "invalid_field", "event_id", "must be 1 to", "hris", None, 16),
            ("workforce.facts.v1", 6, "invalid_field", "event_id", "must be 1 to", "hris", None, 16),
        ],
        id="a refused record is there once",
    ),
]


Rows = dict[str, list[tuple[object, ...]]]


async def asked(database: Database) -> Rows:
    """Query -> its rows."""
    queries = [str(case.values[0]) for case in VIEW_ROWS]
    return {query: [tuple(row) for row in (await database.client.query(query)).result_rows] for query in queries}


@pytest.fixture(scope="module")
def before_and_after(stack: Stack) -> tuple[Rows, Rows]:
    """The results for one small book, before and after its parts are merged."""

    async def filled(database: Database) -> Rows:
        await fill(database)
        return await asked(database)

    async def merged(database: Database) -> Rows:
        await database.merge()
        return await asked(database)

    _, (before, after) = shared_database(stack.clickhouse_url, filled, merged)
    return before, after


@pytest.mark.parametrize("query, expected", VIEW_ROWS)
def test_a_view_is_right_before_and_after_merges(
    before_and_after: tuple[Rows, Rows], query: str, expected: list[tuple[object, ...]]
) -> None:
    before, after = before_and_after

    assert before[query] == expected
    assert after[query] == expected


@pytest.mark.parametrize("reasons", [("id_conflict", "invalid_field"), ("invalid_field", "id_conflict")])
async def test_of_two_letters_for_one_record_the_books_is_shown_and_both_are_kept(
    database: Database, reasons: tuple[str, str]
) -> None:
    letters = [replace(dead_letter(102), reason=reason) for reason in reasons]
    await database.put(JOURNAL, journal_values([fact_entry(2)]))
    await database.put(DEAD_LETTERS, [OUTPUT.encode_dead_letter(letter) for letter in letters])
    await database.merge()

    shown = await database.rows("SELECT offset, reason FROM dead_letters")
    kept = await database.rows("SELECT reason FROM dead_letter_records FINAL ORDER BY reason")

    assert [tuple(row.values()) for row in shown] == [(102, "id_conflict")]
    assert [row["reason"] for row in kept] == ["id_conflict", "invalid_field"]


async def test_a_letter_of_before_there_were_fields_is_carried_without_one(database: Database) -> None:
    old = OUTPUT.encode_dead_letter(replace(dead_letter(3), field=None, rule=None))
    assert old[:5] == frame(60)  # the first version of the schema
    await database.put(DEAD_LETTERS, [old, OUTPUT.encode_dead_letter(dead_letter(4))])

    shown = await database.rows("SELECT offset, field, rule FROM dead_letters ORDER BY offset")

    assert [(row["offset"], row["field"]) for row in shown] == [(3, None), (4, "event_id")]
    assert shown[0]["rule"] is None


async def test_facts_of_all_partitions_count_that_are_applied_or_have_no_effect(database: Database) -> None:
    """Facts with the same offset are told apart by their partition."""
    dispositions = ("applied", "no_effect", DUPLICATE, "dead_letter:id_conflict", None)
    for partition in (0, 1, 2, 15):
        entries = [fact_entry(offset) for offset in range(len(dispositions))]
        await database.put(JOURNAL, journal_values(entries), partition=partition)
        posted = [
            ledger_record(offset, disposition=disposition, partition=partition)
            for offset, disposition in enumerate(dispositions[partition % 4 :], partition % 4)
            if disposition is not None
        ]
        await database.put(LEDGER, [ledger_value(record) for record in posted], partition=partition)

    counted = await database.rows("SELECT partition, offset FROM counted_facts ORDER BY ALL")
    joined = await database.rows(
        "SELECT partition, offset FROM journal WHERE disposition IN ('applied', 'no_effect') ORDER BY ALL"
    )

    assert counted == joined == [{"partition": p, "offset": o} for p, o in ((0, 0), (0, 1), (1, 1))]


async def test_the_payload_of_a_refused_record_is_nowhere(database: Database) -> None:
    await fill(database)

    (row,) = await database.rows("SELECT * FROM dead_letter_records FINAL WHERE offset = 5")

    assert not any("secret" in str(value) for value in row.values())


async def test_a_snapshot_of_an_earlier_release_has_its_policies_without_a_baseline(database: Database) -> None:
    """Whether the release wrote the record, or its sink the row too."""
    inserted, carried = snapshot(4), snapshot(5, company_id="C2")
    await database.put_snapshots_of_then([inserted])
    await database.put(SNAPSHOTS, [OUTPUT.snapshot_in_version_of(frame(40), OUTPUT.encode_snapshot(carried))], first=1)

    found = await database.rows("SELECT * FROM policy_status ORDER BY company_id, policy_id")

    assert [(row["company_id"], row["policy_id"], row["state"], row["gap_people"]) for row in found] == [
        (company_id, policy_id, state, missing)
        for company_id in ("C1", "C2")
        for policy_id, state, missing in (("footwear", "met", 0), ("half", "not_evaluable", None))
    ]
    assert {(row["baseline_covered"], row["baseline_divisor"], row["why"]) for row in found} == {(None, None, None)}


# ---- figures against a recount


async def put_book(database: Database, company_id: str, entries: list[list[Posting]], first: int, as_of: int) -> None:
    """Insert the entries at offsets from `first` on, each recorded a minute after the one before it."""
    records = [
        ledger_record(first + i, lines, company_id=company_id, recorded=f"2025-09-01T03:{i:02}:00")
        for i, lines in enumerate(entries)
    ]
    await database.put(LEDGER, [ledger_value(record) for record in records], first=first)
    newest = OUTPUT.encode_snapshot(
        snapshot(first, (date.fromordinal(EPOCH.toordinal() + as_of)).isoformat(), company_id=company_id)
    )
    await database.put(SNAPSHOTS, [newest], first=first)


async def as_of_rows(database: Database, as_of: str, known_at: str) -> list[dict[str, object]]:
    return await database.rows(
        "SELECT * FROM coverage_as_of(as_of={as_of:Date}, known_at={known_at:DateTime64(3, 'UTC')})",
        as_of=date.fromisoformat(as_of),
        known_at=datetime.fromisoformat(known_at).replace(tzinfo=UTC),
    )


FEW = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Companies:
    """Gives each example a company of its own in one database."""

    def __init__(self) -> None:
        self.made = 0

    def next(self) -> tuple[str, int]:
        self.made += 1
        return f"C{self.made}", 1000 * self.made


@pytest.fixture
def companies() -> Companies:
    return Companies()


@FEW
@given(books, st.integers(-5, 140) | st.integers(DAILY_DAYS - 5, DAILY_DAYS + 140))
async def test_daily_coverage_is_what_a_recount_gives(
    database: Database, companies: Companies, book: Book, until: int
) -> None:
    entries = book_entries(book)
    lines = [posting for entry in entries for posting in entry]
    company_id, first = companies.next()
    await put_book(database, company_id, entries, first, DAY_0 + until)

    rows = await database.rows(
        "SELECT * FROM coverage_daily WHERE company_id = {company_id:String} ORDER BY date", company_id=company_id
    )

    days = daily_days([x.value_on for x in lines], DAY_0 + until)
    assert [(row["date"] - EPOCH).days for row in rows] == days
    last_change = max((x.value_on for x in lines), default=DAY_0)
    for on, row in zip(days, rows, strict=True):
        if last_change < on < days[-1]:
            continue  # figures stay the same between the last change and the last day
        wanted = counts(lines, on)
        wanted_row = {name: wanted[name] for name in ("active", "covered", "uncovered_new", *DAILY_ENROLLED)}
        assert {name: row[name] for name in wanted_row} == wanted_row
        assert row["coverage_bp"] == share_bp(wanted["covered"], wanted["active"])


@FEW
@given(books, st.integers(0, 140), st.integers(0, 11))
async def test_figures_as_of_a_date_as_known_then_are_what_a_recount_gives(
    database: Database,
    companies: Companies,
    book: Book,
    on: int,
    minute: int,
) -> None:
    entries = book_entries(book)
    company_id, first = companies.next()
    await put_book(database, company_id, entries, first, DAY_0)
    known = [posting for entry in entries[: minute + 1] for posting in entry]
    as_of = date.fromordinal(EPOCH.toordinal() + DAY_0 + on).isoformat()

    rows = await as_of_rows(database, as_of, f"2025-09-01T03:{minute:02}:00")

    mine = [row for row in rows if row["company_id"] == company_id]
    if not any(posting.value_on <= DAY_0 + on for posting in known):
        assert mine == []
    else:
        (row,) = mine
        wanted = figures(known, DAY_0 + on)
        assert {name: row[name] for name in wanted} == wanted


async def test_windows_begin_and_end_on_their_days(database: Database) -> None:
    """Every day one worker joins and gets cover the day after. Every other day one loses cover and one leaves."""
    enrolled = inside("daily", "JKK", "JKM")
    lines = []
    for on in range(DAY_0, DAY_0 + 120):
        lines += [Posting(on, None, inside(), 1), Posting(on + 1, inside(), enrolled, 1)]
        if on % 2:
            lines += [Posting(on + 2, enrolled, inside(), 1), Posting(on + 3, inside(), None, 1)]
    await database.put(LEDGER, [ledger_value(ledger_record(0, lines))])

    for iso in ("2025-06-03", "2025-06-07", "2025-06-08", "2025-07-01", "2025-08-30", "2025-09-15"):
        (row,) = await as_of_rows(database, iso, "2025-09-01T03:00:00")
        wanted = figures(lines, day(iso))
        assert {name: row[name] for name in wanted} == wanted


async def test_a_history_of_decades_has_its_changes_and_no_rows_of_decades(database: Database) -> None:
    long_ago = inside("permanent", "JKK", "JKM")
    value_dates = ["1970-01-01", "2015-09-30", "2025-08-20"]
    entries = [[Posting(day(value_date), None, long_ago, 1)] for value_date in value_dates]
    await put_book(database, "C1", entries, 0, day("2025-09-30"))

    rows = await database.rows("SELECT date, active, covered FROM coverage_daily ORDER BY date")

    assert [(row["date"], row["active"]) for row in rows[:3]] == [
        (date(1970, 1, 1), 1),
        (date(2015, 9, 30), 2),  # from the next date on, every date has a row
        (date(2015, 10, 1), 2),
    ]
    assert (len(rows), rows[-1]["date"], rows[-1]["covered"]) == (2 + DAILY_DAYS, date(2025, 9, 30), 3)
