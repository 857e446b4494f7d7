"""The reason why a company is not evaluable, compared with the core's own evaluation on random books."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings

from schemas.records import Company, Entry, Policy, Scope
from streams.core.book import Book
from streams.core.company import CompanyBook
from streams.core.counting import count
from streams.core.evaluability import REASONS_WHY, why_not_evaluable
from streams.core.watch import declared, read
from tests.support.journals import deterministic, entries

GRACE_DAYS = 9
seen: Counter[str | None] = Counter()


def why(company: CompanyBook, policy: Policy, ended: bool) -> str | None:
    """The reason, computed from the balances of two dates like a reader of the ledger would."""
    today, before = company.today, 0
    now = count(company.balances_at(today), policy.required, policy.employment_types)
    if policy.baseline_on is not None and policy.baseline_on <= today:
        counted = count(company.balances_at(policy.baseline_on), policy.required, policy.employment_types)
        before = (declared(policy, company.registered) or counted).divisor(policy.clock)
    people, divisor = count(company.balances_at(today)).active, now.divisor(policy.clock)
    return why_not_evaluable(policy, ended, company.company_id, company.registered, today, people, divisor, before)


@settings(deterministic, max_examples=300)
@given(entries())
def check_against_the_core(journal: list[Entry]) -> None:
    book = Book(GRACE_DAYS)
    for offset, entry in enumerate(journal):
        book.apply(entry, offset)
        for company in book.companies.values():
            if not company.has_facts:
                continue
            for known in company.states:
                policy, ended = book.policies.by_id[known.policy.policy_id]
                reason = why(company, policy, ended)
                seen[reason] += 1
                people = count(company.balances_at(company.today)).active
                assert (reason is None) == (read(company, known, people).terms is not None)
                assert (reason is None) == (known.state != "not_evaluable")


LEVEL = Policy("P", 5000, 100, min_active=5, effective_until=200, scope=Scope(regencies=("Batam",)))
RISE = replace(LEVEL, rule="increment_pp", baseline_on=120)
GROWTH = replace(LEVEL, rule="growth", baseline_on=120)
BATAM, SERANG = Company("C1", regency="Batam"), Company("C1", regency="Serang")


@pytest.mark.parametrize(
    ("policy", "ended", "registered", "on", "figures", "reason"),
    [
        (LEVEL, False, BATAM, 100, (5, 1, 0), None),
        (LEVEL, False, BATAM, 200, (5, 1, 0), None),
        (LEVEL, True, SERANG, 99, (0, 0, 0), "ended"),
        (LEVEL, False, SERANG, 99, (0, 0, 0), "out_of_scope"),
        (LEVEL, False, None, 150, (5, 5, 0), "out_of_scope"),
        (LEVEL, False, BATAM, 99, (0, 0, 0), "before"),
        (LEVEL, False, BATAM, 201, (0, 0, 0), "after"),
        (LEVEL, False, BATAM, 150, (0, 0, 0), "nobody"),
        (LEVEL, False, BATAM, 150, (9, 0, 0), "nobody"),
        (LEVEL, False, BATAM, 150, (4, 4, 0), "too_few"),
        (RISE, False, BATAM, 119, (9, 9, 9), "before"),
        (replace(RISE, baseline_on=250), False, BATAM, 220, (9, 9, 9), "before"),
        (RISE, False, BATAM, 120, (9, 9, 0), "no_baseline"),
        (RISE, False, BATAM, 120, (9, 9, 1), None),
        (GROWTH, False, BATAM, 119, (9, 9, 9), "before"),
        (GROWTH, False, BATAM, 120, (9, 9, 0), None),
    ],
)
def test_the_first_reason_that_applies(
    policy: Policy,
    ended: bool,
    registered: Company | None,
    on: int,
    figures: tuple[int, int, int],
    reason: str | None,
) -> None:
    assert why_not_evaluable(policy, ended, "C1", registered, on, *figures) == reason


def test_there_is_a_reason_exactly_when_the_book_does_not_evaluate() -> None:
    seen.clear()
    check_against_the_core()
    assert set(seen) == {None, *REASONS_WHY}
