"""Why a company is not evaluable: held against the core's own evaluation, over random books."""

from collections import Counter

from hypothesis import given, settings

from schemas.records import Entry, Policy
from streams.core.book import Book
from streams.core.company import CompanyBook
from streams.core.counting import count
from streams.core.evaluability import REASONS_WHY, why_not_evaluable
from streams.core.watch import declared, read
from tests.support.journals import deterministic, entries

GRACE_DAYS = 9
seen: Counter[str | None] = Counter()


def why(company: CompanyBook, policy: Policy, ended: bool) -> str | None:
    """From the balances of two dates, as a reader of the ledger has them."""
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
            for standing in company.standings:
                policy, ended = book.policies.by_id[standing.policy.policy_id]
                reason = why(company, policy, ended)
                seen[reason] += 1
                assert (reason is None) == read(company, standing).evaluable
                assert (reason is None) == (standing.state != "not_evaluable")


def test_there_is_a_reason_exactly_when_the_book_does_not_evaluate() -> None:
    seen.clear()
    check_against_the_core()
    assert set(seen) == {None, *REASONS_WHY}
