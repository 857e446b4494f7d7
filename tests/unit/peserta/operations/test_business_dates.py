"""Business dates of companies: those read from state and journal equal the book's, however far the book has come."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.operations.business_dates import PartitionDates, beyond, business_dates, newest
from peserta.operations.ticking import AHEAD_DAYS_MAX, FIRST_ON, LAST_ON, NoSuchDate, TooFarAhead, may_begin
from schemas.codec import JournalCodec
from schemas.dates import day, is_instant, jakarta_midnight
from schemas.records import Company, CompanySet, Coordinates, Day, Entry, FactEntry
from schemas.topics import TopicNames
from streams.core.book import Book
from streams.core.rows import BOOK_KEY
from streams.settings import REPLAY, StreamSettings
from tests.support.book_in_memory import BookInMemory
from tests.support.facts import hire, noon, tick
from tests.support.installation_in_memory import at_once
from tests.support.journals import FIRST, SPAN_DAYS, deterministic, entries

TOPICS = TopicNames()
SETTINGS = StreamSettings("", Path(), partitions=1, clock=REPLAY)
TODAY = day("2025-06-01")
CODEC = JournalCodec()


def kept_of(journal: list[Entry], kept: int, *, of_format: bytes | None = None) -> BookInMemory:
    """The journal, and the state after so many of its entries."""
    book = BookInMemory(SETTINGS)
    for entry in journal:
        book.append(TOPICS.journal, 0, b"", CODEC.encode(entry))
    if kept:
        book.keep(until=kept)
    if of_format is not None:
        book.append(SETTINGS.changelog, 0, BOOK_KEY, of_format)
    return book


async def dates_of(book: BookInMemory) -> PartitionDates:
    (dates,) = await business_dates(SETTINGS, book.topics)
    return dates


def book_of(journal: list[Entry]) -> Book:
    book = Book()
    for offset, entry in enumerate(journal):
        book.apply(entry, offset)
    return book


def at_dates(book: Book) -> dict[str, Day]:
    return {company_id: company.today for company_id, company in book.companies.items()}


@given(journal=entries(max_size=30), left=st.one_of(st.integers(0, 3), st.integers(0, 30)))
@deterministic
def test_dates_are_those_of_the_book_however_much_of_the_journal_is_kept(journal: list[Entry], left: int) -> None:
    assert at_once(dates_of(kept_of(journal, max(0, len(journal) - left)))).companies == at_dates(book_of(journal))


@given(journal=entries(max_size=30), on=st.integers(FIRST - 2, FIRST + SPAN_DAYS))
@deterministic
def test_a_tick_is_appended_where_the_book_takes_it_and_who_is_beyond_it_stays(journal: list[Entry], on: Day) -> None:
    dates, book = [at_once(dates_of(kept_of(journal, len(journal))))], book_of(journal)
    before, repeats = at_dates(book), book.repeats
    book.apply(tick(on), len(journal))
    is_taken, stay = book.repeats == repeats, {name for name, at in at_dates(book).items() if at > on}
    assert {name for name, _ in beyond(dates, on)} == stay
    assert all(before[name] == at for name, at in beyond(dates, on))
    try:
        assert may_begin(dates, on, on, allow_future=True) == ((0,) if is_taken else ())
    except NoSuchDate:
        assert not is_taken


async def test_a_state_of_another_format_says_nothing_and_the_journal_all() -> None:
    journal: list[Entry] = [
        tick("2025-01-01"),
        FactEntry(Coordinates("f", 0, 0), noon("2025-02-01"), hire("e1", "2025-02-01")),
    ]
    book = kept_of(journal, 2, of_format=b'{"format": 0, "grace_days": 30, "today": 99999}')
    dates = await dates_of(book)
    assert (dates.companies, dates.ticked) == ({"C1": day("2025-02-01")}, day("2025-01-01"))


# ---------------------------------------------------------------- what a Tick may do


def partition(ticked: str | None, **companies: str) -> PartitionDates:
    dates = PartitionDates()
    dates.follow([] if ticked is None else [tick(ticked)])
    dates.follow(
        CompanySet(Coordinates("companies", 0, number), noon(on), Company(name))
        for number, (name, on) in enumerate(companies.items())
    )
    return dates


def test_one_company_beyond_the_date_does_not_hold_up_the_others() -> None:
    dates = [partition(None, F1="2026-04-25"), partition(None, F2="2025-04-26", F3="2025-07-01")]
    assert may_begin(dates, day("2025-05-31"), TODAY) == (0, 1)
    assert beyond(dates, day("2025-05-31")) == [("F1", day("2026-04-25")), ("F3", day("2025-07-01"))]
    assert newest(dates) == ("F1", day("2026-04-25"))


def test_a_date_far_ahead_of_every_company_must_be_meant() -> None:
    dates = [partition("2025-04-30", F1="2025-04-26"), partition("2025-04-30", F2="2025-05-02")]
    last = day("2025-05-02") + AHEAD_DAYS_MAX
    assert may_begin(dates, last, TODAY) == (0, 1)
    with pytest.raises(TooFarAhead, match=r"367 days after .* \(F2 is at 2025-05-02\)"):
        may_begin(dates, last + 1, TODAY)
    assert may_begin(dates, last + 1, TODAY, allow_future=True) == (0, 1)


def test_in_a_book_without_companies_today_stands_for_their_dates() -> None:
    assert may_begin([partition(None)], TODAY + AHEAD_DAYS_MAX, TODAY) == (0,)
    with pytest.raises(TooFarAhead, match="today, and no company is in the book"):
        may_begin([partition(None)], TODAY + AHEAD_DAYS_MAX + 1, TODAY)


def test_a_date_that_has_begun_everywhere_begins_no_second_time_and_no_earlier_one_does() -> None:
    dates = [partition("2025-05-31", F1="2025-04-26"), partition("2025-05-31")]
    assert may_begin(dates, day("2025-05-31"), TODAY) == ()
    with pytest.raises(NoSuchDate, match="2025-05-31 has begun already, and dates do not go back"):
        may_begin(dates, day("2025-05-30"), TODAY)


def test_a_command_that_was_cut_off_is_finished_by_the_next() -> None:
    dates = [partition("2025-05-31"), partition("2025-04-30"), partition(None, F1="2025-04-26")]
    assert may_begin(dates, day("2025-05-31"), TODAY) == (1, 2)
    assert may_begin(dates, day("2025-04-30"), TODAY) == (2,)


def test_repeating_a_date_far_ahead_is_not_refused_again() -> None:
    assert may_begin([partition("2052-12-31")], day("2052-12-31"), TODAY) == ()


def test_the_first_and_the_last_date_are_those_that_begin_at_an_instant() -> None:
    for inside, outside in ((FIRST_ON, FIRST_ON - 1), (LAST_ON, LAST_ON + 1)):
        assert is_instant(jakarta_midnight(inside)) and not is_instant(jakarta_midnight(outside))
