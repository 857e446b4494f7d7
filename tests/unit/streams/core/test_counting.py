"""Balances, moves and windows (SEMANTICS 5) equal a count of the workers one by one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import WINDOW_DAYS, Fact, Window
from schemas.vocabulary import (
    ALL_EMPLOYMENT_TYPES,
    ALL_PROGRAMMES,
    PROGRAMMES,
    REQUIRED_DEFAULT,
    SETTLED_CLASS,
    employment_type_names,
    programme_names,
)
from streams.core.book import Book
from streams.core.company import AtRest, CompanyBook
from streams.core.counting import count, windows
from streams.core.policies import Policies
from streams.core.tally import Counts, headcounts
from tests.support.facts import entry, hire
from tests.support.journals import FIRST, SPAN_DAYS, WORKERS, deterministic, facts
from tests.support.naive_timeline import Workforce

GRACE_DAYS = 9
facts_of_one = st.lists(facts(WORKERS, ("C1",)), min_size=1, max_size=40)


def both(sent: list[Fact]) -> tuple[CompanyBook, Workforce]:
    """The same facts in a book and in a naive count."""
    book, workforce = Book(GRACE_DAYS), Workforce(GRACE_DAYS)
    at = sent[0].occurred_at
    for n, fact in enumerate(sent):
        outcome = book.apply(entry(fact, n, at), n)
        if outcome is not None and outcome.disposition in ("applied", "no_effect"):
            workforce.facts[fact.worker_id] = (*workforce.facts.get(fact.worker_id, ()), fact)
    return book.companies["C1"], workforce


@settings(deterministic, max_examples=80)
@given(facts_of_one, st.integers(FIRST - 1, FIRST + SPAN_DAYS + 20))
def test_figures_of_any_date(sent: list[Fact], on: int) -> None:
    company, workforce = both(sent)
    company = CompanyBook("C1", on, Policies(), AtRest(True, None, company.days, ()))
    counted = headcounts(company.counted)
    assert counted == (tuple(workforce.heads(on)), workforce.enrolled(on), workforce.by_employment_type(on))
    assert counted.counts == count(company.balances_at(on))
    assert windows(company, counted.counts, WINDOW_DAYS) == workforce.windows(on)


def test_what_is_kept_of_a_day_is_forgotten_when_it_changes() -> None:
    book = Book(GRACE_DAYS)
    joined = []
    for n in range(3):
        book.apply(entry(hire(f"e{n}", "2025-01-02", worker=f"w{n}"), n, "2025-01-03"), n)
        company = book.companies["C1"]
        counts = headcounts(company.counted).counts
        joined.append(windows(company, counts, WINDOW_DAYS)[0].joined)
        if n == 1:
            book.take_changes()
        joined.append(windows(company, counts, WINDOW_DAYS)[0].joined)
    assert joined == [1, 1, 2, 2, 3, 3]


@settings(deterministic, max_examples=60)
@given(facts_of_one, st.integers(1, ALL_PROGRAMMES), st.integers(1, ALL_EMPLOYMENT_TYPES))
def test_counts_of_any_programmes_and_types(sent: list[Fact], required: int, types: int) -> None:
    company, workforce = both(sent)
    on = FIRST + SPAN_DAYS // 2
    expected = workforce.heads(on, programme_names(required), employment_type_names(types))
    assert count(company.balances_at(on), required, types) == tuple(expected)


def test_of_nobody_there_is_no_coverage() -> None:
    assert count({}) == (0, 0, 0)
    assert headcounts(0) == ((0, 0, 0), (0,) * len(PROGRAMMES), ())
    assert (
        windows(CompanyBook("C1", FIRST, Policies()), Counts(0, 0, 0), WINDOW_DAYS)
        == (Window(0, 0, 0, 0, None, None),) * 3
    )


def test_the_divisor_of_the_due_clock_leaves_out_new_workers_without_cover() -> None:
    balances = {0: -3, **dict.fromkeys(_classes_of_three(), 1)}
    counts = count(balances, REQUIRED_DEFAULT)
    assert (counts.active, counts.covered, counts.uncovered_new) == (3, 1, 1)
    assert (counts.divisor("raw"), counts.divisor("due")) == (3, 2)


def _classes_of_three() -> list[int]:
    """Three classes: covered and new, not covered and new, not covered and not new."""
    return [SETTLED_CLASS[0, REQUIRED_DEFAULT] + 1, SETTLED_CLASS[0, 0] + 1, SETTLED_CLASS[0, 0]]
