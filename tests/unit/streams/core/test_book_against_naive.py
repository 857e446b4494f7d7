"""For every journal the book gives the same dispositions, lines, alerts and figures as the naive book."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ledger_lines import posting
from schemas.records import Entry
from streams.core.book import Book
from streams.core.figures import figures
from tests.support.busy_journals import busy_entries
from tests.support.journals import deterministic, entries
from tests.support.naive_book import Line, NaiveBook
from tests.support.naive_timeline import worker_class


def lines_of(numbers: list[int]) -> list[Line]:
    posted = map(posting, numbers)
    return [(line.value_on, worker_class(line.before), worker_class(line.after), line.quantity) for line in posted]


@pytest.mark.timeout(600)  # Hypothesis takes up to five minutes to shrink a failing journal
@settings(deterministic, max_examples=100)
@given(entries(), st.sampled_from([0, 9]))
def test_they_agree_entry_by_entry_on_any_journal(journal: list[Entry], grace_days: int) -> None:
    agree(journal, grace_days)


@settings(deterministic, max_examples=250)
@given(busy_entries(), st.sampled_from([0, 9]))
def test_they_agree_entry_by_entry_around_the_thresholds(journal: list[Entry], grace_days: int) -> None:
    agree(journal, grace_days)


def agree(journal: list[Entry], grace_days: int) -> None:
    book, naive = Book(grace_days), NaiveBook(grace_days)
    for offset, entry in enumerate(journal):
        outcome, expected = book.apply(entry, offset), naive.apply(entry, offset)
        assert (None if outcome is None else (outcome.disposition, lines_of(outcome.lines))) == expected
        assert book.take_alerts() == naive.alerts
        naive.alerts.clear()
    assert {c: company.today for c, company in book.companies.items()} == {
        c: company.today for c, company in naive.companies.items()
    }
    for company in book.companies.values():
        assert figures(company) == naive.figures(company.company_id)
