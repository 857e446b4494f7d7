"""The extreme values that admission allows, from the HTTP door to every view. Recorder, book and sink accept them and
agree on the results."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from deploy.embedded.stack import Stack
from schemas.codec import InboundCodec, OutputCodec
from schemas.dates import (
    BUSINESS_DATE_MAX,
    INSTANT_END,
    INSTANT_MIN,
    day,
    day_text,
    effective_range,
    instant,
    jakarta_day,
    jakarta_midnight,
)
from schemas.fact_json import line_of
from schemas.handling import ACTIONS, ASSIGNED, NAME_LENGTH_MAX, NOTE, Handling
from schemas.handling import TEXT_LENGTH_MAX as HANDLING_TEXT_MAX
from schemas.notices import ANSWER_LENGTH_MAX, DIGEST, PENDING, REMINDER, STATES, Notice
from schemas.records import Baseline, Company, Fact, LedgerRecord, Policy, Posting, Scope
from schemas.vocabulary import (
    ALL_PROGRAMMES,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
)
from streams.core.book import GRACE_DAYS_MAX
from streams.core.reference_rules import (
    ENTRIES_OF_A_LIST_MAX,
    HEADCOUNT_MAX,
    HOLD_DAYS_MAX,
    TEXT_LENGTH_MAX,
    VERSION_MAX,
)
from streams.core.simulate import Rules, simulate
from tests.support.book_in_memory import SETTINGS, TOPICS, BookInMemory
from tests.support.sink_database import Database, opened_database, shared_database
from tests.support.sink_figures import counts, daily_days, figures, share_bp
from tests.support.sink_records import Kept

EPOCH = date(1970, 1, 1)
FIRST, LAST = INSTANT_MIN, INSTANT_END - 1
LAST_OF_DATE = day("2149-06-06")  # the last day of ClickHouse's type Date
LONG = "\N{GRINNING FACE}" * 64  # four bytes a character
ODD = "'\"\\`\x00;--${x}"
ONE = "P"
COMPANIES = (LONG, ODD, ONE, "\N{COMBINING ACUTE ACCENT}0")
WORKERS = (LONG, ODD, "1234567890123456x", "\x7f")
EVERY_TEXT = "\N{GRINNING FACE}" * TEXT_LENGTH_MAX


def told() -> list[tuple[int, Fact]]:
    """Facts with their times of recording. Each company has the smallest and the largest value of every field."""
    return [
        (recorded_at, fact._replace(event_id=(f"{number}." + "e" * 64)[:64], company_id=company_id))
        for recorded_at, facts in _by_time()
        for company_id in COMPANIES
        for number, fact in enumerate(facts, start=recorded_at % 997 * 100)
    ]


def _by_time() -> Iterator[tuple[int, list[Fact]]]:
    for recorded_at in (FIRST, jakarta_midnight(LAST_OF_DATE) - 1, instant("2160-01-01T00:00:00Z"), LAST):
        earliest, latest = effective_range(jakarta_day(recorded_at))
        facts = []
        for place, on in enumerate((earliest, jakarta_day(recorded_at), latest)):
            occurred_at = (FIRST, recorded_at, LAST)[place]
            who = Fact(HIRE, place, "", "", WORKERS[place], on, occurred_at, (LONG, ODD, "\n")[place], "")
            facts += [
                who,
                who._replace(kind=ENROLLMENT, detail=ALL_PROGRAMMES >> place),
                who._replace(kind=ENROLLMENT, detail=WITHDRAWN | 1 << place),
                who._replace(kind=ENROLLMENT, detail=ALL_PROGRAMMES, worker_id=WORKERS[3]),
            ]
        everybody = [facts[0]._replace(detail=t, worker_id=f"w{t}") for t in range(len(EMPLOYMENT_TYPES))]
        leaving = [
            facts[-1]._replace(kind=TERMINATION, detail=r, worker_id=f"w{r % 5}", effective_on=latest)
            for r in range(len(TERMINATION_REASONS))
        ]
        new = facts[0]._replace(worker_id=f"new{recorded_at}", effective_on=latest)
        nothing = facts[0]._replace(kind=CORRECTION, detail=0, corrects="c" * 64)
        yield recorded_at, [*facts, *everybody, *leaving, new, nothing]


POLICIES = (
    Policy("a" * 64, 0, day("0001-01-01"), VERSION_MAX, EVERY_TEXT, effective_until=day("9999-12-31"), min_active=0),
    Policy("always", 10_000, day("1970-01-01"), title=ODD, min_active=0, hold_days=HOLD_DAYS_MAX, hysteresis_bp=0),
    Policy("growth", 1_000_000, day("1900-01-01"), rule="growth", baseline_on=day("0001-01-01"), min_active=1),
    Policy("late", 5_000, BUSINESS_DATE_MAX, min_active=0, clock="due", required=ALL_PROGRAMMES),
    Policy("never", 1, day("9999-12-31"), min_active=HEADCOUNT_MAX, effective_until=day("9999-12-31")),
    Policy(
        "one",
        5_000,
        LAST_OF_DATE,
        effective_until=LAST_OF_DATE,
        min_active=1,
        scope=Scope(company_ids=COMPANIES, regencies=(EVERY_TEXT[:9], *map(str, range(ENTRIES_OF_A_LIST_MAX - 1)))),
    ),
)
REGISTRY = (
    Company(
        LONG,
        EVERY_TEXT,
        ODD,
        EVERY_TEXT[:9],
        (
            Baseline(day("0001-01-01"), HEADCOUNT_MAX, HEADCOUNT_MAX),
            Baseline(day("1899-12-31"), 1, 0, 1),
            Baseline(day("9999-12-31"), 0, 0, 0, ALL_PROGRAMMES),
        ),
    ),
    Company(ODD),
)


def notices() -> list[Notice]:
    """Notices with the smallest and the largest value of every field: those of every company, of every state."""
    ids = [f"{company}/{'p' * 64}/{2**63 - 1}" for company in COMPANIES]
    plain = Notice("s" * 64 + f"/{ids[0]}/reminder/{2**63 - 1}", "s" * 64, REMINDER, PENDING, 2**64 - 1, LAST)
    told = [
        replace(plain, notice_id=f"{state}/{alert_id}", state=state, alert_id=alert_id, company_id=company)
        for state in STATES
        for alert_id, company in zip(ids, COMPANIES, strict=True)
    ]
    late = replace(plain, seq=0, created_at=FIRST, attempts=2**32 - 1, first_at=FIRST, next_at=LAST, last_at=LAST)
    many = tuple(one.notice_id for one in told)
    digest = replace(late, notice_id=ODD, kind=DIGEST, items=many, last_answer=LONG[:1] * ANSWER_LENGTH_MAX)
    return [plain, *told, digest, replace(late, notice_id=LONG, status="firing", digest_id=ODD, gone=True, closed=True)]


def handling() -> list[Handling]:
    """Actions with the smallest and the largest value of every field."""
    names = (ONE, "\N{GRINNING FACE}" * NAME_LENGTH_MAX, ODD)
    texts = (ONE, "\N{GRINNING FACE}" * HANDLING_TEXT_MAX, f"{ODD}\n\t,")
    return [
        Handling(f"{company}{number}{action}", f"{company}/p/1", company, action, name, at,
                 to=name if action == ASSIGNED else None, text=texts[number] if action == NOTE else None)
        for company in COMPANIES
        for number, (name, at) in enumerate(zip(names, (FIRST, 1, LAST), strict=True))
        for action in ACTIONS
    ]  # fmt: skip


class Whole:
    """The service's records of these facts in memory, and the result of the offline book."""

    def __init__(self, grace_days: int) -> None:
        self.grace_days = grace_days
        self.book = BookInMemory(replace(SETTINGS, partitions=1, grace_days=grace_days))
        inbound, outputs = InboundCodec(), OutputCodec()
        for policy in POLICIES:
            self.book.publish(policy.policy_id.encode(), outputs.encode_policy(policy), FIRST, TOPICS.policies)
        for company in REGISTRY:
            self.book.publish(company.company_id.encode(), outputs.encode_company(company), FIRST, TOPICS.companies)
        for recorded_at, fact in told():
            self.book.publish(fact.company_id.encode(), inbound.encode(fact), recorded_at)
        self.book.publish(b"C9", b"no Avro", LAST)
        self.book.record()
        self.book.tick(BUSINESS_DATE_MAX)
        self.book.keep()

    def values(self, topic: str) -> list[bytes]:
        return [record.value for record in self.book.stored(topic, 0) if record.value]

    def ledger(self) -> list[LedgerRecord]:
        return [*map(OutputCodec().decode_ledger, self.values(TOPICS.ledger))]

    def postings(self, company_id: str, known_at: int = LAST) -> list[Posting]:
        known = (r for r in self.ledger() if r.company_id == company_id and r.recorded_at <= known_at)
        return [posting for record in known for posting in record.lines]

    def offline(self) -> list[dict[str, Any]]:
        lines = [line_of(fact, recorded_at).encode() for recorded_at, fact in told()]
        return [*simulate(enumerate(lines, 1), Rules(POLICIES, REGISTRY, self.grace_days), BUSINESS_DATE_MAX)]


@pytest.fixture(scope="module", params=[0, GRACE_DAYS_MAX], ids=lambda days: f"{days} days of grace")
def whole(request: pytest.FixtureRequest) -> Whole:
    return Whole(request.param)


@pytest.fixture(scope="module")
def name(whole: Whole, stack: Stack) -> str:
    async def fill(database: Database) -> None:
        for topic in (TOPICS.journal, TOPICS.ledger, TOPICS.snapshots, TOPICS.alerts, TOPICS.dead_letters):
            await database.put(topic, whole.values(topic))
        await database.put_records(
            TOPICS.notices, [Kept(n, one.encode(), one.notice_id.encode()) for n, one in enumerate(notices())]
        )
        await database.put_records(
            TOPICS.handling, [Kept(n, one.encode(), one.handling_id.encode()) for n, one in enumerate(handling())]
        )

    return shared_database(stack.clickhouse_url, fill)[0]


@pytest.fixture
async def database(clickhouse_url: str, name: str) -> AsyncIterator[Database]:
    """The shared database. Tests must not write to it."""
    async with opened_database(clickhouse_url, name) as opened:
        yield opened


def on(text: date) -> int:
    return (text - EPOCH).days


def at(moment: datetime) -> int:
    return (moment.replace(tzinfo=None) - datetime(1970, 1, 1)) // timedelta(milliseconds=1)


async def test_all_of_it_is_admitted_and_every_fact_reaches_its_view(whole: Whole, database: Database) -> None:
    letters = await database.rows("SELECT reason, recorded_at FROM dead_letters")
    rows = await database.rows("SELECT * FROM journal ORDER BY offset")

    assert [(row["reason"], at(row["recorded_at"])) for row in letters] == [("bad_magic", LAST)]
    assert len(rows) == len(told())
    for (recorded_at, fact), row in zip(told(), rows, strict=True):
        texts = (fact.event_id, fact.company_id, fact.worker_id, fact.source, fact.corrects)
        assert tuple(row[n] for n in ("event_id", "company_id", "worker_id", "source", "corrects")) == texts
        numbers = (on(row["effective_on"]), at(row["occurred_at"]), at(row["recorded_at"]))
        assert numbers == (fact.effective_on, fact.occurred_at, recorded_at)


async def test_the_current_figures_are_those_of_the_offline_book(whole: Whole, database: Database) -> None:
    companies = {said["company_id"]: said for said in whole.offline() if said["kind"] == "company"}
    rows = await database.rows("SELECT * FROM coverage_current")

    assert {row["company_id"] for row in rows} == set(COMPANIES) == set(companies)
    for row in rows:
        said = companies[row["company_id"]]
        plain = ("active", "covered", "uncovered", "uncovered_new", "coverage_bp", "coverage_due_bp")
        assert {name: row[name] for name in plain} == {name: said[name] for name in plain}
        assert row["as_of"].isoformat() == said["as_of"] == "2200-01-01"
        assert {p: row[f"enrolled_{p.lower()}"] for p in PROGRAMMES} == said["enrolled"]
        for days, window in said["windows"].items():
            assert {name: row[f"{name}_{days}"] for name in window} == window
        registered = {company.company_id: company.name for company in REGISTRY}
        assert row["name"] == registered.get(row["company_id"])


async def test_policies_companies_and_alerts_are_those_of_the_offline_book(whole: Whole, database: Database) -> None:
    said = whole.offline()
    status = {
        (row["company_id"], row["policy_id"]): (row["state"], row["since"] and str(row["since"]), row["gap_people"])
        for row in await database.rows("SELECT * FROM policy_status")
    }
    alerts = sorted(
        (row["alert_id"], row["status"], row["business_date"].isoformat(), row["episode_start"].isoformat())
        for row in await database.rows("SELECT * FROM alerts")
    )
    policies = {row["policy_id"]: row for row in await database.rows("SELECT * FROM policies")}
    companies = {row["company_id"]: row for row in await database.rows("SELECT * FROM companies")}

    assert status == {
        (company["company_id"], p["policy_id"]): (p["state"], p["since"], p["gap_people"])
        for company in said
        if company["kind"] == "company"
        for p in company["policies"]
    }
    assert alerts == sorted(
        (a["alert_id"], a["status"], a["business_date"], a["episode_start"]) for a in said if a["kind"] == "alert"
    )
    assert alerts
    for policy in POLICIES:
        row = policies[policy.policy_id]
        assert (row["title"], row["version"]) == (policy.title, policy.version)
        dates = (row["effective_from"], row["effective_until"], row["baseline_on"])
        assert [None if found is None else on(found) for found in dates] == [
            policy.effective_from,
            policy.effective_until,
            policy.baseline_on,
        ]
        assert len(row["scope_regencies"]) == len(policy.scope.regencies or ())
    for company in REGISTRY:
        row = companies[company.company_id]
        assert (row["name"], row["kbli"]) == (company.name, company.kbli)
        assert [*map(on, row["baseline_on"])] == [baseline.on for baseline in company.baselines]
        assert row["baseline_active"] == [baseline.active for baseline in company.baselines]


async def test_the_ledger_has_every_posting_with_its_date(whole: Whole, database: Database) -> None:
    rows = await database.rows("SELECT company_id, value_on, quantity FROM ledger ORDER BY offset, posting")

    posted = [(r.company_id, p.value_on, p.quantity) for r in whole.ledger() for p in r.lines]
    assert [(row["company_id"], on(row["value_on"]), row["quantity"]) for row in rows] == posted
    assert max(value_on for _, value_on, _ in posted) >= day("2201-01-01") + whole.grace_days


def edges(postings: list[Posting]) -> list[int]:
    """Days on which an off-by-one error would show: around each posting, and where it leaves the longest window."""
    near = {posting.value_on + days for posting in postings for days in (-1, 0, 89, 90)}
    fixed = ("1900-01-01", "1969-12-31", "1970-01-01", "2149-06-05", "2149-06-06", "2149-06-07", "2200-01-01")
    return sorted(near | {day(text) for text in (*fixed, "2299-12-31")})


@pytest.mark.parametrize("known_at", [FIRST, jakarta_midnight(LAST_OF_DATE) - 1, LAST])
async def test_figures_as_of_every_edge_are_what_a_recount_gives(
    whole: Whole, database: Database, known_at: int
) -> None:
    """All companies have the same facts, so they must have the same figures."""
    postings = whole.postings(ONE, known_at)
    for as_of in edges(postings):
        found = await database.rows(
            "SELECT * FROM coverage_as_of(as_of={d:String}, known_at={known:DateTime64(3, 'UTC')})",
            d=day_text(as_of),
            known=datetime(1970, 1, 1) + timedelta(milliseconds=known_at),
        )
        wanted = figures(postings, as_of) | {"as_of": EPOCH + timedelta(days=as_of)}
        are_known = any(posting.value_on <= as_of for posting in postings)
        assert sorted(row.pop("company_id") for row in found) == (sorted(COMPANIES) if are_known else [])
        assert all(row == wanted for row in found), day_text(as_of)


async def test_daily_figures_reach_from_the_first_value_date_to_the_last_business_date(
    whole: Whole, database: Database
) -> None:
    postings = whole.postings(ONE)
    days = daily_days((p.value_on for p in postings), BUSINESS_DATE_MAX)
    watched = sorted(set(days) & set(edges(postings)))
    rows = await database.rows(
        "SELECT * FROM coverage_daily WHERE company_id = {c:String} AND date IN {d:Array(Date32)} ORDER BY date",
        c=ONE,
        d=[EPOCH + timedelta(days=d) for d in watched],
    )

    spans = await database.rows("SELECT company_id, groupArray(toInt64(date)) AS days FROM coverage_daily GROUP BY 1")
    assert [on(row["date"]) for row in rows] == watched
    for d, row in zip(watched, rows, strict=True):
        wanted = counts(postings, d)
        assert {name: row[name] for name in ("active", "covered", "uncovered_new")} == {
            name: wanted[name] for name in ("active", "covered", "uncovered_new")
        }
        assert row["coverage_bp"] == share_bp(wanted["covered"], wanted["active"])
    for span in spans:
        value_dates = [p.value_on for p in whole.postings(span["company_id"])]
        assert sorted(span["days"]) == daily_days(value_dates, BUSINESS_DATE_MAX)


async def test_every_notice_and_every_action_is_in_its_view_as_it_was_written(database: Database) -> None:
    found = {row["notice_id"]: row for row in await database.rows("SELECT * FROM notices")}
    actions = {row["handling_id"]: row for row in await database.rows("SELECT * FROM alert_handling")}

    assert found.keys() == {one.notice_id for one in notices()}
    for one in notices():
        row = found[one.notice_id]
        plain = ("subscription_id", "kind", "status", "alert_id", "company_id", "state", "attempts", "last_answer")
        more = ("gone", "digest_id", "seq")
        assert {name: row[name] for name in (*plain, *more)} == {name: getattr(one, name) for name in (*plain, *more)}
        times = [row[name] and at(row[name]) for name in ("created_at", "first_at", "next_at", "last_at", "ended_at")]
        ended_at = one.last_at if one.has_ended else None
        assert times == [one.created_at, one.first_at, one.next_at, one.last_at, ended_at]
        assert row["policy_id"] == ("p" * 64 if one.alert_id else None)
    assert actions.keys() == {one.handling_id for one in handling()}
    for action in handling():
        row = actions[action.handling_id]
        words = (row["alert_id"], row["company_id"], row["policy_id"], row["action"], row["handled_by"])
        assert words == (action.alert_id, action.company_id, "p", action.action, action.by)
        assert (at(row["handled_at"]), row["assigned_to"], row["note"]) == (action.at, action.to, action.text)
