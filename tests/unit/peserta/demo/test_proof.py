"""The proof proved: it holds for what a right service gives, and each thing that goes wrong fails the checks it should.

The service is the real recorder and book-keeper in memory (`whole_service`), on the story at its smallest.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.demo.evidence import Evidence
from peserta.demo.material import Material, from_story
from peserta.demo.proof import Check, failures, prove
from peserta.demo.run import Sent
from peserta.demo.story import DEFAULT_SEED, story
from schemas.admission import Refusal
from schemas.records import Coordinates, LedgerRecord
from schemas.vocabulary import APPLIED, ID_CONFLICT, NO_EFFECT
from tests.support.journals import deterministic
from tests.unit.peserta.operations.whole_service import copied, through

SCALE: Final = 0.05
COMPANIES: Final = (b'"JT-0001-B"', b'"JT-0002-A"', b'"JT-0004-A"', b'"JT-0006-A"', b'"JT-0010-A"')
SOME: Final = settings(deterministic, max_examples=15)
CHECKS: Final = (
    "rules",
    "lines",
    "facts",
    "accounted",
    "refused",
    "dispositions",
    "book refused",
    "ledger",
    "ledger in ClickHouse",
    "sums",
    "alerts",
    "alerts in ClickHouse",
    "figures",
    "counts",
)

Alter = Callable[[Sent, Evidence], object]


@cache
def material() -> Material:
    """What five companies sent, among them a conflict and a file that came twice; all the broken records."""
    told = from_story(story(DEFAULT_SEED, SCALE))
    lines = [(number, line) for number, line in told.lines if any(company in line for company in COMPANIES)]
    return replace(told, lines=lines)


@cache
def run() -> tuple[Sent, Evidence]:
    return through(material())


def checked(sent: Sent, evidence: Evidence) -> dict[str, Check]:
    return dict(zip(CHECKS, prove(material(), sent, evidence), strict=True))


def failing(alter: Alter) -> set[str]:
    """The checks that fail once the run is altered."""
    sent, evidence = run()
    sent, evidence = replace(sent, lines=dict(sent.lines), refused={}, raw=dict(sent.raw)), copied(evidence)
    alter(sent, evidence)
    return {name for name, check in checked(sent, evidence).items() if not check.holds}


def test_everything_holds_for_a_right_service_and_every_check_compares_something() -> None:
    checks = checked(*run())
    assert {name: check.differences for name, check in checks.items() if not check.holds} == {}
    assert [name for name, check in checks.items() if check.compared == 0] == []


# ---------------------------------------------------------------- one thing goes wrong


def a_record(evidence: Evidence, disposition: str, lines: int = 0) -> tuple[tuple[int, int], LedgerRecord]:
    """Some ledger record of this disposition, with at least so many lines."""
    return next((at, r) for at, r in evidence.ledger.items() if r.disposition == disposition and len(r.lines) >= lines)


def set_policy(evidence: Evidence, **changes: Any) -> None:
    policy_id, policy = next(iter(evidence.exported.policies.items()))
    evidence.exported.policies[policy_id] = replace(policy, **changes)


def set_company(evidence: Evidence, **changes: Any) -> None:
    company_id, company = next(iter(evidence.exported.companies.items()))
    evidence.exported.companies[company_id] = replace(company, **changes)


def set_fact(evidence: Evidence, **changes: Any) -> None:
    at = next(iter(evidence.journal))
    evidence.journal[at] = evidence.journal[at]._replace(fact=evidence.journal[at].fact._replace(**changes))


def set_record(evidence: Evidence, old: str, **changes: Any) -> None:
    at, record = a_record(evidence, old)
    evidence.ledger[at] = record._replace(**changes)


def lose_record(evidence: Evidence, disposition: str, lines: int = 0) -> None:
    del evidence.ledger[a_record(evidence, disposition, lines)[0]]


def set_line(evidence: Evidence, *, in_clickhouse_too: bool = False, **changes: Any) -> None:
    """The first line that begins a spell, altered."""
    at, record = next((at, r) for at, r in evidence.ledger.items() if r.lines and r.lines[0].before is None)
    evidence.ledger[at] = record._replace(lines=(record.lines[0]._replace(**changes), *record.lines[1:]))
    if in_clickhouse_too:
        number = next(n for n, row in enumerate(evidence.clickhouse_lines) if row[:3] == (*at, 1))
        assert set(changes) == {"quantity"}
        evidence.clickhouse_lines[number] = (*evidence.clickhouse_lines[number][:-1], changes["quantity"])


def swap_alerts(evidence: Evidence) -> None:
    """Two alerts of one company change places."""
    first = evidence.alerts[0]
    second = next(n for n, a in enumerate(evidence.alerts) if n and a.company_id == first.company_id)
    evidence.alerts[0], evidence.alerts[second] = evidence.alerts[second], first


def swap_companies(evidence: Evidence) -> None:
    """Two alerts of different companies change places, which means nothing."""
    evidence.alerts.sort(key=lambda alert: alert.company_id)


def set_alert(evidence: Evidence, **changes: Any) -> None:
    evidence.alerts[0] = replace(evidence.alerts[0], **changes)


def set_clickhouse_alert(evidence: Evidence, **changes: Any) -> None:
    evidence.clickhouse_alerts[0] = {**evidence.clickhouse_alerts[0], **changes}


def set_figure(evidence: Evidence, name: str, by: int) -> None:
    company_id, company = next((c, f) for c, f in evidence.companies.items() if f["active"] > 1)
    evidence.companies[company_id] = {**company, name: company[name] + by}


def lose_letter(sent: Sent, evidence: Evidence, *, of_the_book: bool, everywhere: bool = False) -> None:
    at = next(at for at in evidence.dead_letters if (at in sent.raw) != of_the_book)
    del evidence.dead_letters[at]
    evidence.clickhouse_dead_letters -= everywhere


def set_letter(sent: Sent, evidence: Evidence, *, of_the_book: bool) -> None:
    at = next(at for at in evidence.dead_letters if (at in sent.raw) != of_the_book)
    evidence.dead_letters[at] = replace(evidence.dead_letters[at], reason="key_mismatch_of_another")


def lose_sent(sent: Sent) -> None:
    """A line that the publisher forgot: nobody has heard of it, or it is in the journal from nowhere."""
    del sent.lines[next(iter(sent.lines))]


def lose_line(sent: Sent, evidence: Evidence) -> None:
    """A line that left no trace: it is the last of the journal, and without effect on anything."""
    at = next(at for at, record in reversed(evidence.ledger.items()) if record.disposition == "duplicate")
    del sent.lines[evidence.journal.pop(at).came_from]
    del evidence.ledger[at]
    evidence.clickhouse_facts -= 1


FAULTS: Final[dict[str, tuple[set[str], Alter]]] = {
    "a policy has another title": ({"rules"}, lambda s, e: set_policy(e, title="another")),
    "a policy got lost": ({"rules", "alerts", "figures"}, lambda s, e: e.exported.policies.popitem()),
    "a company has another name": ({"rules"}, lambda s, e: set_company(e, name="another")),
    "contacts stay in the registry": (set(), lambda s, e: set_company(e, contacts=("a@b.example",))),
    "a line was neither published nor refused": (
        {"lines", "facts", "accounted"},
        lambda s, e: lose_sent(s),
    ),
    "a line left no trace": ({"lines"}, lose_line),
    "a line was refused that is none": ({"lines"}, lambda s, e: s.refused.update({0: Refusal("a", None, None)})),
    "a published fact has another source": ({"facts"}, lambda s, e: set_fact(e, source="another")),
    "a record has no disposition": (
        {"accounted", "dispositions"},
        lambda s, e: lose_record(e, NO_EFFECT),
    ),
    "a record with lines has no disposition": (
        {"accounted", "dispositions", "ledger", "ledger in ClickHouse", "sums"},
        lambda s, e: lose_record(e, APPLIED, 2),
    ),
    "a record has two dispositions": ({"accounted"}, lambda s, e: setattr(e, "repeated_ledger", 1)),
    "a record was never published": (
        {"accounted", "refused"},
        lambda s, e: s.raw.update({Coordinates("a", 0, 0): material().raw_records[0]}),
    ),
    "another disposition": ({"dispositions"}, lambda s, e: set_record(e, NO_EFFECT, disposition="duplicate")),
    "a refusal by the book is none": (
        {"dispositions", "book refused"},
        lambda s, e: set_record(e, ID_CONFLICT, disposition=NO_EFFECT),
    ),
    "a line has another date": (
        {"ledger", "ledger in ClickHouse"},
        lambda s, e: set_line(e, value_on=20_000),
    ),
    "a line has another quantity": (
        {"ledger", "ledger in ClickHouse", "sums"},
        lambda s, e: set_line(e, quantity=2),
    ),
    "a line has another quantity, in ClickHouse as well": (
        {"ledger", "sums"},
        lambda s, e: set_line(e, quantity=2, in_clickhouse_too=True),
    ),
    "ClickHouse lacks a line": ({"ledger in ClickHouse"}, lambda s, e: e.clickhouse_lines.pop()),
    "ClickHouse has a line twice": (
        {"ledger in ClickHouse"},
        lambda s, e: e.clickhouse_lines.append(e.clickhouse_lines[0]),
    ),
    "two alerts of a company in the wrong order": ({"alerts"}, lambda s, e: swap_alerts(e)),
    "alerts of different companies in another order": (set(), lambda s, e: swap_companies(e)),
    "an alert came twice": (
        {"alerts", "alerts in ClickHouse"},
        lambda s, e: e.alerts.append(e.alerts[-1]),
    ),
    "an alert got lost": ({"alerts", "alerts in ClickHouse"}, lambda s, e: e.alerts.pop()),
    "an alert has another figure": (
        {"alerts", "alerts in ClickHouse"},
        lambda s, e: set_alert(e, joined_30=-1),
    ),
    "an alert has another position": ({"alerts in ClickHouse"}, lambda s, e: set_alert(e, recorded_at=0, cause="date")),
    "ClickHouse lacks an alert": ({"alerts in ClickHouse"}, lambda s, e: e.clickhouse_alerts.pop()),
    "ClickHouse has an alert twice": (
        {"alerts in ClickHouse"},
        lambda s, e: e.clickhouse_alerts.append(e.clickhouse_alerts[0]),
    ),
    "ClickHouse has another figure in an alert": (
        {"alerts in ClickHouse"},
        lambda s, e: set_clickhouse_alert(e, uncovered=-1),
    ),
    "a company has another figure": ({"figures"}, lambda s, e: set_figure(e, "covered", 1)),
    "a company has another headcount": ({"figures", "sums"}, lambda s, e: set_figure(e, "active", -1)),
    "a company is missing": ({"figures"}, lambda s, e: e.companies.popitem()),
    "a dead letter of the recorder got lost": (
        {"accounted", "refused", "counts"},
        lambda s, e: lose_letter(s, e, of_the_book=False),
    ),
    "a dead letter of the book got lost": (
        {"book refused", "counts"},
        lambda s, e: lose_letter(s, e, of_the_book=True),
    ),
    "a dead letter of the book got lost everywhere": (
        {"book refused"},
        lambda s, e: lose_letter(s, e, of_the_book=True, everywhere=True),
    ),
    "the recorder gave another reason": ({"refused"}, lambda s, e: set_letter(s, e, of_the_book=False)),
    "the book gave another reason": ({"book refused"}, lambda s, e: set_letter(s, e, of_the_book=True)),
    "ClickHouse lacks a fact": ({"counts"}, lambda s, e: setattr(e, "clickhouse_facts", e.clickhouse_facts - 1)),
    "ClickHouse lacks a dead letter": ({"counts"}, lambda s, e: setattr(e, "clickhouse_dead_letters", 0)),
}


@pytest.mark.parametrize(("expected", "alter"), FAULTS.values(), ids=FAULTS)
def test_a_fault_fails_just_the_checks_that_look_at_it(expected: set[str], alter: Alter) -> None:
    assert failing(alter) == expected


def test_every_check_can_fail() -> None:
    assert set().union(*(expected for expected, _ in FAULTS.values())) == set(CHECKS)


# ---------------------------------------------------------------- wherever it goes wrong


@given(st.integers(0, 10_000), st.sampled_from(["ledger", "journal", "dead_letters", "alerts", "companies"]))
@SOME
def test_whatever_single_thing_is_lost_is_noticed(number: int, what: str) -> None:
    def lose(sent: Sent, evidence: Evidence) -> None:
        held = getattr(evidence, what)
        held.pop(number % len(held) if isinstance(held, list) else list(held)[number % len(held)])

    assert failing(lose)


@given(st.integers(0, 10_000), st.sampled_from(["clickhouse_lines", "clickhouse_alerts"]), st.booleans())
@SOME
def test_a_row_that_clickhouse_lacks_or_has_twice_is_noticed(number: int, what: str, twice: bool) -> None:
    def alter(sent: Sent, evidence: Evidence) -> None:
        rows = getattr(evidence, what)
        row = rows.pop(number % len(rows))
        rows.extend([row, row] if twice else [])

    assert len(failing(alter)) == 1


# ---------------------------------------------------------------- saying it


def test_what_fails_is_said_with_the_first_differences() -> None:
    checks = [Check("a = b", 3), Check("c = d", 9, 7, ("x: 1 and not 2",))]
    assert list(failures(checks)) == ["c = d: 7 differ", "  x: 1 and not 2"]


def test_of_many_differences_a_few_are_kept_and_all_are_counted() -> None:
    sent, evidence = run()
    altered = replace(evidence, clickhouse_lines=[])
    check = checked(sent, altered)["ledger in ClickHouse"]
    assert check.differing == check.compared > len(check.differences) == 5
    assert all(len(difference) <= 400 for difference in check.differences)
