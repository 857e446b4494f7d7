"""Other policies over a journal: the alerts are those of a naive book that had these from the beginning."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peserta.operations.policies_tried import CompanyDifference, Tried, TriedBook
from schemas.dates import jakarta_day
from schemas.records import Alert, Coordinates, Entry, Policy, PolicyEnded, PolicySet, Tick
from tests.support.alerts import alert
from tests.support.busy_journals import busy_entries
from tests.support.facts import entry, hire, level, tick
from tests.support.journals import policies
from tests.support.naive_book import NaiveBook

PARTITION = 3
LONG_BEFORE = -(10**12)


def naive_alerts(entries: list[Entry], tried: list[Policy]) -> list[Alert]:
    """The policies are set long before the first entry; what once was a policy's entry is a date that begins."""
    book = NaiveBook(30, PARTITION)
    for number, policy in enumerate(tried):
        book.apply(PolicySet(Coordinates("file", 0, number), LONG_BEFORE, policy), 0)
    for offset, each in enumerate(entries):
        is_rule = isinstance(each, PolicySet | PolicyEnded)
        book.apply(Tick(each.came_from, each.recorded_at, jakarta_day(each.recorded_at)) if is_rule else each, offset)
    return book.alerts


def tried_alerts(entries: list[Entry], tried: list[Policy]) -> list[Alert]:
    book, found = TriedBook(PARTITION, tried, 30), []
    for offset, each in enumerate(entries):
        book.follow(each, offset)
        if offset % 3 == 0:
            found += book.alerts()
    return found + book.alerts()


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(busy_entries(), st.lists(policies(), max_size=3, unique_by=lambda policy: policy.policy_id))
def test_the_alerts_are_those_of_the_naive_book(entries: list[Entry], tried: list[Policy]) -> None:
    assert tried_alerts(entries, tried) == naive_alerts(entries, tried)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(busy_entries())
def test_the_journals_own_policies_are_not_in_force(entries: list[Entry]) -> None:
    assert tried_alerts(entries, []) == []


def test_an_entry_of_a_policy_moves_the_date_as_it_did() -> None:
    """The hire makes the company breach; the policy's entry, a month later, ends the hold."""
    tried = [replace(level("P", 10_000), min_active=1, hold_days=10)]
    history: list[Entry] = [entry(hire("e1", "2025-09-01"), 0)]
    moved = PolicySet(Coordinates("policies", 0, 0), tick("2025-10-01").recorded_at, level("other", 0))

    assert tried_alerts(history, tried) == []
    assert [(each.policy_id, each.cause) for each in tried_alerts([*history, moved], tried)] == [("P", "date")]


def test_the_difference_by_company() -> None:
    def made(company: str, policy: str, status: str, on: int, episode: int = 1) -> Alert:
        return replace(alert(episode=episode, status=status), company_id=company, policy_id=policy, business_date=on)

    raised = (made("A", "P", "firing", 1), made("A", "P", "resolved", 5), made("B", "P", "firing", 2))
    tried = (made("A", "P", "firing", 1, 7), made("A", "P", "firing", 1, 8), made("C", "Q", "resolved", 9))

    assert Tried(raised, tried).differences() == (
        CompanyDifference("A", fired_raised=1, fired_tried=2, same=1, only_raised=1, only_tried=1),
        CompanyDifference("B", fired_raised=1, fired_tried=0, same=0, only_raised=1, only_tried=0),
        CompanyDifference("C", fired_raised=0, fired_tried=0, same=0, only_raised=0, only_tried=1),
    )
