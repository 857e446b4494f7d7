"""Tests of the proof: it holds for a correct service, and each fault fails exactly the expected checks.

The service is the real recorder and book-keeper in memory, on the smallest story. The tests of the audit cover the
audit's own findings. The tests here check that the proof reports them.
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
from peserta.demo.proof import prove
from peserta.demo.run import Sent
from peserta.demo.story import DEFAULT_SEED, story
from peserta.operations.audit.findings import Finding
from schemas.admission import Refusal
from schemas.records import Coordinates
from tests.support.book_in_memory import PARTITIONS, TOPICS, BookInMemory
from tests.support.demo_in_memory import Ended, through
from tests.support.journals import deterministic

SCALE: Final = 0.05
COMPANIES: Final = (b'"JT-0001-B"', b'"JT-0002-A"', b'"JT-0004-A"', b'"JT-0006-A"', b'"JT-0010-A"')
SOME: Final = settings(deterministic, max_examples=15)
EDGES: Final = {
    "policies and registry entries: journal = files": "rules",
    "lines: published or refused, each once": "lines",
    "facts: journal = lines published": "facts",
    "records refused by the recorder: reason as expected": "refused",
    "the audit reached every record published": "end",
    "dead letters: ClickHouse = topics": "letters in ClickHouse",
    "headcounts: figures = sums of the ledger": "sums",
    "companies, all figures: ClickHouse = offline book": "figures",
}
OF_THE_AUDIT: Final = {
    "ledger = journal folded again",
    "chain of the ledger",
    "alerts = journal folded again",
    "last snapshots = journal folded again",
    "dead letters = journal folded again",
    "state = journal folded again",
    "every record consumed has one disposition",
}
MAY_BE_EMPTY: Final = {"what is passed over was recorded before"}  # without a kill the recorder repeats nothing

Alter = Callable[[Sent, Evidence], object]


@cache
def material() -> Material:
    """The facts of five companies, with a conflict and a file that was sent twice, and all broken records."""
    told = from_story(story(DEFAULT_SEED, SCALE))
    lines = [(number, line) for number, line in told.lines if any(company in line for company in COMPANIES)]
    return replace(told, lines=lines)


@cache
def run() -> Ended:
    return through(material())


@cache
def evidence_of_run() -> Evidence:
    return run().evidence()


def failing_in(sent: Sent, evidence: Evidence) -> set[str]:
    """The short names of the failing checks."""
    return {EDGES.get(f.claim, f.claim) for f in prove(material(), sent, evidence) if not f.holds}


def failing(alter: Alter) -> set[str]:
    """The checks that fail after a change of what was sent or of the evidence."""
    sent, evidence = run().sent, evidence_of_run()
    sent = replace(sent, lines=dict(sent.lines), refused={}, raw=dict(sent.raw))
    exported = replace(
        evidence.exported, policies=dict(evidence.exported.policies), companies=dict(evidence.exported.companies)
    )
    evidence = replace(
        evidence,
        report=replace(evidence.report, kept=[*evidence.report.kept], consumed=[*evidence.report.consumed]),
        exported=exported,
        journal=dict(evidence.journal),
        dead_letters=dict(evidence.dead_letters),
        companies=dict(evidence.companies),
        refused=dict(evidence.refused),
    )
    alter(sent, evidence)
    return failing_in(sent, evidence)


def test_everything_holds_for_a_right_service_and_every_check_compares_something() -> None:
    findings = prove(material(), run().sent, evidence_of_run())
    assert [finding for finding in findings if not finding.holds] == []
    assert {finding.claim for finding in findings} == {*EDGES, *OF_THE_AUDIT, *MAY_BE_EMPTY}
    assert {finding.claim for finding in findings if finding.compared == 0} <= MAY_BE_EMPTY


# ---------------------------------------------------------------- one fault at the edges of the service


def set_policy(evidence: Evidence, **changes: Any) -> None:
    policy_id, policy = next(iter(evidence.exported.policies.items()))
    evidence.exported.policies[policy_id] = replace(policy, **changes)


def set_company(evidence: Evidence, **changes: Any) -> None:
    company_id, company = next(iter(evidence.exported.companies.items()))
    evidence.exported.companies[company_id] = replace(company, **changes)


def set_fact(evidence: Evidence, **changes: Any) -> None:
    at = next(iter(evidence.journal))
    evidence.journal[at] = evidence.journal[at]._replace(fact=evidence.journal[at].fact._replace(**changes))


def set_figure(evidence: Evidence, name: str, by: int) -> None:
    company_id, company = next((c, f) for c, f in evidence.companies.items() if f["active"] > 1)
    evidence.companies[company_id] = {**company, name: company[name] + by}


def set_recorders_letter(sent: Sent, evidence: Evidence) -> None:
    at = next(iter(sent.raw))
    evidence.dead_letters[at] = replace(evidence.dead_letters[at], reason="key_mismatch_of_another")


def lose_letter(sent: Sent, evidence: Evidence, *, of_the_book: bool) -> None:
    del evidence.dead_letters[next(at for at in evidence.dead_letters if (at in sent.raw) != of_the_book)]


def lose_sent(sent: Sent) -> None:
    """The publisher lost its note of a line. If the line is in the journal, no publisher has sent it."""
    del sent.lines[next(iter(sent.lines))]


def lose_line(sent: Sent, evidence: Evidence) -> None:
    """Remove every trace of a line. The line is a duplicate, the last in the journal, so nothing else changes."""
    at = next(at for at, record in reversed(evidence.ledger.items()) if record.disposition == "duplicate")
    del sent.lines[evidence.journal.pop(at).came_from]


def stop_short(evidence: Evidence, **where: Any) -> None:
    evidence.report.kept[0] = replace(evidence.report.kept[0], **where)


def stop_recorder_short(evidence: Evidence) -> None:
    """Move the recorder's position before the last record of the fullest partition."""
    number = max(range(PARTITIONS), key=lambda n: evidence.report.consumed[n].next_offset)
    one = evidence.report.consumed[number]
    evidence.report.consumed[number] = replace(one, next_offset=one.next_offset - 1)


FAULTS: Final[dict[str, tuple[set[str], Alter]]] = {
    "a policy has another title": ({"rules"}, lambda s, e: set_policy(e, title="another")),
    "a policy got lost": ({"rules", "figures"}, lambda s, e: e.exported.policies.popitem()),
    "a company has another name": ({"rules"}, lambda s, e: set_company(e, name="another")),
    "contacts stay in the registry": (set(), lambda s, e: set_company(e, contacts=("a@b.example",))),
    "a line was neither published nor refused": ({"lines", "facts"}, lambda s, e: lose_sent(s)),
    "a line left no trace": ({"lines"}, lose_line),
    "a line was refused that is none": ({"lines"}, lambda s, e: s.refused.update({0: Refusal("a", None, None)})),
    "a published fact has another source": ({"facts"}, lambda s, e: set_fact(e, source="another")),
    "a record was never published": (
        {"refused", "end"},
        lambda s, e: s.raw.update({Coordinates(TOPICS.facts, 0, 1 << 20): material().raw_records[0]}),
    ),
    "the recorder has not come to the end": ({"end"}, lambda s, e: stop_recorder_short(e)),
    "the book has not come to the end": ({"end"}, lambda s, e: stop_short(e, journal_next=1)),
    "ClickHouse has not come to the end": ({"end"}, lambda s, e: stop_short(e, clickhouse_next=1)),
    "ClickHouse was not looked at": ({"end"}, lambda s, e: stop_short(e, clickhouse_next=None)),
    "a company has another figure": ({"figures"}, lambda s, e: set_figure(e, "covered", 1)),
    "a company has another headcount": ({"figures", "sums"}, lambda s, e: set_figure(e, "active", -1)),
    "a company is missing": ({"figures"}, lambda s, e: e.companies.popitem()),
    "a dead letter of the recorder got lost": (
        {"refused", "letters in ClickHouse"},
        lambda s, e: lose_letter(s, e, of_the_book=False),
    ),
    "a dead letter of the book got lost": (
        {"letters in ClickHouse"},  # and "dead letters = journal folded again", by the audit
        lambda s, e: lose_letter(s, e, of_the_book=True),
    ),
    "the recorder gave another reason": ({"refused", "letters in ClickHouse"}, set_recorders_letter),
    "ClickHouse lacks a dead letter": ({"letters in ClickHouse"}, lambda s, e: e.refused.popitem()),
    "ClickHouse has a dead letter twice": (
        {"letters in ClickHouse"},
        lambda s, e: e.refused.update({(next(iter(e.refused)), "once more, row 9"): "decode_error"}),
    ),
}


@pytest.mark.parametrize(("expected", "alter"), FAULTS.values(), ids=FAULTS)
def test_a_fault_fails_just_the_checks_that_look_at_it(expected: set[str], alter: Alter) -> None:
    assert failing(alter) == expected


def test_every_check_of_the_edges_can_fail() -> None:
    assert set().union(*(expected for expected, _ in FAULTS.values())) == set(EDGES.values())


@given(st.integers(0, 10_000), st.sampled_from(["journal", "dead_letters", "companies", "refused"]))
@SOME
def test_whatever_single_thing_is_lost_at_the_edges_is_noticed(number: int, what: str) -> None:
    def lose(_: Sent, evidence: Evidence) -> None:
        held = getattr(evidence, what)
        held.pop(list(held)[number % len(held)])

    assert failing(lose)


# ---------------------------------------------------------------- a fault in the book


def failing_of_book(harm: Callable[[BookInMemory], object]) -> set[str]:
    """The checks that fail after a change of the book's topics."""
    book = run().book.copy()
    harm(book)
    return failing_in(run().sent, Ended(run().sent, book).evidence())


@given(st.integers(0, 10_000), st.sampled_from([TOPICS.ledger, TOPICS.alerts]), st.booleans())
@SOME
def test_a_ledger_record_or_an_alert_that_is_lost_or_there_twice_is_noticed(
    number: int, topic: str, twice: bool
) -> None:
    def alter(book: BookInMemory) -> None:
        log = max((book.stored(topic, partition) for partition in range(PARTITIONS)), key=len)
        if twice:
            log.append(replace(log[number % len(log)], offset=log[-1].offset + 1))
        else:
            del log[number % len(log)]

    assert failing_of_book(alter) & OF_THE_AUDIT


def test_a_dead_letter_of_the_book_that_is_lost_everywhere_is_noticed() -> None:
    refused_by_book = next(at for at in evidence_of_run().dead_letters if at not in run().sent.raw)

    def lose(book: BookInMemory) -> None:
        log = book.stored(TOPICS.dead_letters, refused_by_book.partition)
        key = f"{refused_by_book.topic}/{refused_by_book.partition}/{refused_by_book.offset}".encode()
        log[:] = [letter for letter in log if letter.key != key]

    assert failing_of_book(lose) == {"dead letters = journal folded again"}


def test_findings_of_the_audit_are_the_proofs_whatever_place_they_speak_of() -> None:
    evidence = evidence_of_run()
    wrong = Finding("ledger lines in ClickHouse", "partition 1, ClickHouse", 7, missing=2)
    report = replace(evidence.report, findings=[*evidence.report.findings, wrong])
    assert failing_in(run().sent, replace(evidence, report=report)) == {"ledger lines in ClickHouse"}
