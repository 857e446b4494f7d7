"""Every question of analysts asked once of the demonstration's book, and compared with what is proved of it already.

The figures of the companies are those of the offline book, which the proof compares; alerts, dead letters and facts are
those of the topics. What a question says beyond them is not compared here: the tests hold it against a recount.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from peserta.demo.evidence import Evidence
from peserta.operations.audit.findings import EVERYWHERE, Finding, compare
from peserta.operations.questions import answer, request
from peserta.settings import Settings
from schemas.dates import day, day_text, jakarta_day
from schemas.public_json import JsonObject, row_json
from schemas.vocabulary import APPLIED, NO_EFFECT
from sinks.questions.headers import questions
from streams.core.policy_state import BREACHED, FIRING, MET, NOT_EVALUABLE, PENDING, RESOLVED

PERIOD_DAYS: Final = 90  # of what is asked between two dates: the longest window of the figures
FIRST: Final = "1970-01-01"  # before every alert
LAST: Final = "2199-12-31"
OF_RECORDS: Final = ("episodes", "refused")  # asked over all time

Rows = list[JsonObject]
Answers = Mapping[str, Rows]
Known = Iterator[tuple[Any, Any]]


def ask_every_question(settings: Settings, evidence: Evidence) -> Answers:
    """The rows of every question; none for a book without companies, which has no date to ask about."""
    if not evidence.companies:
        return {}
    as_of = _as_of(evidence)
    found = {}
    for question in questions():
        first = FIRST if question.name in OF_RECORDS else day_text(day(as_of) - PERIOD_DAYS)
        last = LAST if question.name in OF_RECORDS else as_of
        given = {"from": first, "to": last, "policy": _policy(evidence)}
        own = {parameter.name for parameter in question.parameters if parameter.is_required}
        rows = answer(settings, request(settings, question.name, {name: given[name] for name in own}))
        found[question.name] = [row_json(dict(zip(rows.columns, row, strict=True))) for row in rows.rows]
    return found


def prove_answered(evidence: Evidence, answers: Answers) -> Finding:
    """One finding: each question has an answer, and it agrees with the figures, alerts and records of the book."""
    wanted: dict[Any, Any] = {}
    found: dict[Any, Any] = {}
    if evidence.companies:
        wanted |= {(name, "was answered"): True for name in sorted(question.name for question in questions())}
        found |= {(name, "was answered"): True for name in answers}
        for name, (known, said) in CHECKS.items():
            wanted |= {(name, *key): value for key, value in known(evidence)}
            found |= {(name, *key): value for key, value in said(answers.get(name, []))}
    return compare("questions of analysts: answers = figures, alerts, records", EVERYWHERE, wanted, found)


def _as_of(evidence: Evidence) -> str:
    return max(str(company["as_of"]) for company in evidence.companies.values())


def _policy(evidence: Evidence) -> str:
    return min(evidence.exported.policies, default="")


def _figures(*names: str) -> Callable[[Evidence], Known]:
    """These figures of each company."""

    def known(evidence: Evidence) -> Known:
        for company_id, company in evidence.companies.items():
            yield (company_id,), tuple(company[name] for name in names)

    return known


def _window(*names: str) -> Callable[[Evidence], Known]:
    """These figures of the last PERIOD_DAYS of each company."""

    def known(evidence: Evidence) -> Known:
        for company_id, company in evidence.companies.items():
            yield (company_id,), tuple(company["windows"][str(PERIOD_DAYS)][name] for name in names)

    return known


def _people(count: Callable[[JsonObject], int]) -> Callable[[Evidence], Known]:
    """A count of each company that is not 0."""

    def known(evidence: Evidence) -> Known:
        for company_id, company in evidence.companies.items():
            if people := count(company):
                yield (company_id,), people

    return known


def _rows(*names: str, key: tuple[str, ...] = ("company_id",)) -> Callable[[Rows], Known]:
    """These columns of each row, by its key."""

    def said(rows: Rows) -> Known:
        for row in rows:
            yield tuple(row[name] for name in key), tuple(row[name] for name in names)

    return said


def _added(column: str | None = None, key: tuple[str, ...] = ("company_id",)) -> Callable[[Rows], Known]:
    """The sum of a column by key, or the number of rows."""

    def said(rows: Rows) -> Known:
        sums: Counter[tuple[Any, ...]] = Counter()
        for row in rows:
            sums[tuple(row[name] for name in key)] += 1 if column is None else row[column]
        yield from sums.items()

    return said


def _app(evidence: Evidence) -> Known:
    for company_id, company in evidence.companies.items():
        yield (company_id,), (company["active"], company["enrolled"]["JMO"])


def _employment(evidence: Evidence) -> Known:
    for company_id, company in evidence.companies.items():
        for employment_type, heads in company["by_employment_type"].items():
            yield (company_id, employment_type), (heads["active"], heads["covered"])


def _gaps(evidence: Evidence) -> Known:
    for company_id, status in _statuses(evidence):
        yield (company_id,), (status["state"], status["since"], status["gap_people"])


def _forecast(evidence: Evidence) -> Known:
    for company_id, status in _statuses(evidence):
        if status["state"] != NOT_EVALUABLE:
            window = evidence.companies[company_id]["windows"][str(PERIOD_DAYS)]
            pace = window["gained_cover"] - window["lost_cover"]
            yield (company_id,), (status["state"], status["gap_people"], pace)


def _statuses(evidence: Evidence) -> Iterator[tuple[str, JsonObject]]:
    """How each company stands under the policy that is asked about."""
    for company_id, company in evidence.companies.items():
        for status in company["policies"]:
            if status["policy_id"] == _policy(evidence):
                yield company_id, status


def _disagreement(evidence: Evidence) -> Known:
    for company_id, company in evidence.companies.items():
        met, not_met = (
            sorted(status["policy_id"] for status in company["policies"] if status["state"] in states)
            for states in ((MET,), (PENDING, BREACHED))
        )
        if met and not_met:
            yield (company_id,), (met, not_met)


def _trend(evidence: Evidence) -> Known:
    heads = [(company["active"], company["covered"]) for company in evidence.companies.values()]
    yield (_as_of(evidence),), (sum(active > 0 for active, _ in heads), *map(sum, zip(*heads, strict=True)))


def _last(rows: Rows) -> Known:
    for row in rows[-1:]:
        yield (row["date"],), (row["companies"], row["active"], row["covered"])


def _episodes(evidence: Evidence) -> Known:
    ends = {one.alert_id: day_text(one.business_date) for one in evidence.alerts if one.status == RESOLVED}
    for alert in evidence.alerts:
        if alert.status == FIRING:
            yield (alert.alert_id,), (day_text(alert.business_date), ends.get(alert.alert_id))


def _refused(evidence: Evidence) -> Known:
    yield from Counter((one.reason, at.topic) for at, one in evidence.dead_letters.items()).items()


def _freshness(evidence: Evidence) -> Known:
    last, counted = day(_as_of(evidence)), Counter[tuple[str]]()
    for at, entry in evidence.journal.items():
        record = evidence.ledger.get(at)
        if record is not None and record.disposition in (APPLIED, NO_EFFECT) and jakarta_day(entry.recorded_at) <= last:
            counted[(entry.fact.source,)] += 1
    yield from counted.items()


def _nothing(_evidence: Evidence) -> Known:
    """Nothing is restated where everything recorded is compared with itself."""
    yield from ()


_COVERAGE: Final = ("active", "covered", "uncovered", "uncovered_new", "coverage_bp", "coverage_due_bp")
_CHANGES: Final = ("joined", "left", "gained_cover", "lost_cover")
_OVERDUE: Final = _people(lambda company: company["uncovered"] - company["uncovered_new"])
# Question -> what is known without it, and what its rows say about the same.
CHECKS: Final[Mapping[str, tuple[Callable[[Evidence], Known], Callable[[Rows], Known]]]] = {
    "app": (_app, _rows("active", "jmo")),
    "contributions": (_figures("uncovered"), _rows("uncovered")),
    "coverage": (_figures(*_COVERAGE), _rows(*_COVERAGE)),
    "disagreement": (_disagreement, _rows("met", "not_met")),
    "employment": (_employment, _rows("active", "covered", key=("company_id", "employment_type"))),
    "episodes": (_episodes, _rows("fired_on", "resolved_on", key=("alert_id",))),
    "forecast": (_forecast, _rows("state", "gap_people", "pace_90")),
    "freshness": (_freshness, _added("facts", key=("source",))),
    "gaps": (_gaps, _rows("state", "since", "gap_people")),
    "movement": (_window(*_CHANGES), _rows(*_CHANGES)),
    "overdue": (_OVERDUE, _added("people")),
    "overdue_workers": (_OVERDUE, _added()),
    "programmes": (_people(lambda company: company["active"]), _added("people")),
    "refused": (_refused, _added("records", key=("reason", "topic"))),
    "restated": (_nothing, _rows("active_then", "covered_then")),
    "to_enroll": (_people(lambda company: company["uncovered"]), _added()),
    "trend": (_trend, _last),
    "turnover": (_window("joined", "left"), _rows("joined", "left")),
}
