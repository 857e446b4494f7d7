"""Positions in the alerts lose and repeat nothing: at other processes, after a rebuild, and however pages are cut."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from peserta.operations.alert_log import AlertLog, Cursor, Mark, WrongCursor
from schemas.records import Alert
from tests.support.alerts import alert
from tests.support.journals import deterministic

COMPANIES = 3

# Alerts of a partition, entry by entry: for each alert of an entry its company, and the step of time before the entry.
entries: SearchStrategy[list[tuple[list[int], int]]] = st.lists(
    st.tuples(st.lists(st.integers(0, COMPANIES - 1), min_size=1, max_size=4), st.integers(-2, 5)), max_size=6
)
books: SearchStrategy[list[list[tuple[list[int], int]]]] = st.lists(entries, min_size=1, max_size=3)


def alerts_of(book: Sequence[Sequence[tuple[list[int], int]]]) -> list[list[Alert]]:
    """The alerts of each partition in order. Every alert is of an episode of its own."""
    found = []
    for partition, own in enumerate(book):
        at, number, alerts = 1_000, 0, []
        for offset, (companies, step) in enumerate(own):
            at += step
            for company in companies:
                number += 1
                one = alert(f"C{partition}{company}", number, offset=3 * offset, at=at)
                alerts.append(replace(one, journal_partition=partition))
        found.append(alerts)
    return found


def log_of(partitions: Sequence[Sequence[Alert]], generation: int = 1) -> AlertLog:
    log = AlertLog(generation)
    for alerts in partitions:
        assert all(map(log.take, alerts))
    return log


def ids(alerts: Sequence[Alert]) -> list[str]:
    return [one.alert_id for one in alerts]


def read(log: AlertLog, cursor: Cursor, most: int | None = None) -> tuple[list[Alert], Cursor]:
    """Alerts behind a cursor given as text, and the cursor behind them."""
    cursor = log.placed(Cursor.decode(cursor.encode()))
    found = list(islice(log.after(cursor), most))
    for known in found:
        cursor = cursor.after(known)
    return [known.alert for known in found], cursor


@given(books, st.lists(st.integers(1, 5), max_size=20))
@deterministic
def test_pages_of_any_size_are_the_alerts_in_order(book: list[list[tuple[list[int], int]]], sizes: list[int]) -> None:
    partitions = alerts_of(book)
    log = log_of(partitions)
    cursor, pages = log.beginning(), list[Alert]()
    for size in (*sizes, None):
        page, cursor = read(log, cursor, size)
        pages += page
    assert sorted(ids(pages)) == sorted(ids([one for own in partitions for one in own]))
    for number, own in enumerate(partitions):
        assert ids([one for one in pages if one.journal_partition == number]) == ids(own)
    assert pages == [known.alert for known in log.after(log.beginning())]


@given(books, st.integers(0, 30), st.data())
@deterministic
def test_a_process_that_is_behind_repeats_and_loses_nothing(
    book: list[list[tuple[list[int], int]]], read_first: int, data: st.DataObject
) -> None:
    partitions = alerts_of(book)
    seen, cursor = read(log_of(partitions), Cursor(1, {}), read_first)
    there = [data.draw(st.integers(0, len(own))) for own in partitions]
    behind = log_of([own[:size] for own, size in zip(partitions, there, strict=True)])
    page, cursor = read(behind, cursor)
    seen += page
    for own, size in zip(partitions, there, strict=True):
        for one in own[size:]:
            behind.take(one)
    seen += read(behind, cursor)[0]
    assert sorted(ids(seen)) == sorted(ids([one for own in partitions for one in own]))


@given(books, st.integers(0, 30), st.integers(0, 9))
@deterministic
def test_a_rebuild_that_changes_nothing_sends_nothing_again_and_loses_nothing(
    book: list[list[tuple[list[int], int]]], read_first: int, more: int
) -> None:
    partitions = alerts_of(book)
    cursor, seen = Cursor(1, {}), list[Alert]()
    for generation, most in ((1, read_first), (2, more), (7, None)):
        page, cursor = read(log_of(partitions, generation), cursor, most)
        seen += page
        assert cursor.generation == generation
    assert sorted(ids(seen)) == sorted(ids([one for own in partitions for one in own]))


@given(books, books, st.integers(0, 30))
@deterministic
def test_after_a_rebuild_that_changes_alerts_those_of_all_later_entries_come(
    before: list[list[tuple[list[int], int]]], after: list[list[tuple[list[int], int]]], read_first: int
) -> None:
    seen, cursor = read(log_of(alerts_of(before)), Cursor(1, {}), read_first)
    last = {one.journal_partition: one.journal_offset for one in seen}
    found = ids(read(log_of(alerts_of(after), 2), cursor)[0])
    for number, own in enumerate(alerts_of(after)):
        later = [one.alert_id for one in own if one.journal_offset > last.get(number, -1)]
        earlier = [one.alert_id for one in own if one.journal_offset < last.get(number, -1)]
        assert set(later) <= set(found) and not set(earlier) & set(found)
        # Of the entry that was seen in part: what was seen is not sent again, or the entry has other alerts.
        there = [one.alert_id for one in own if one.journal_offset == last.get(number, -1)]
        own_seen = [
            one.alert_id for one in seen if (one.journal_partition, one.journal_offset) == (number, last.get(number))
        ]
        if there[: len(own_seen)] == own_seen:
            assert not set(own_seen) & set(found)
        else:
            assert set(there) <= set(found)


@given(
    st.text(max_size=40) | st.binary(max_size=60).map(lambda sent: Cursor(1, {0: Mark(len(sent), 1, 2)}).encode()[:-1])
)
@deterministic
def test_a_text_is_a_cursor_or_refused(text: str) -> None:
    with suppress(WrongCursor):
        assert Cursor.decode(text).encode() == text


@given(
    st.integers(1, 1 << 40),
    st.dictionaries(
        st.integers(0, 999),
        st.builds(Mark, st.integers(0, 1 << 60), st.integers(0, 1 << 30), st.integers(0, 0xFFFF)),
        max_size=9,
    ),
)
@deterministic
def test_a_cursor_is_the_same_after_its_text(generation: int, marks: dict[int, Mark]) -> None:
    assert Cursor.decode(Cursor(generation, marks).encode()) == Cursor(generation, marks)


def test_a_cursor_of_a_thousand_partitions_can_be_read() -> None:
    cursor = Cursor(3, {number: Mark((1 << 40) + number, 200, 65_535) for number in range(1_000)})
    assert Cursor.decode(cursor.encode()) == cursor


def test_an_alert_that_is_there_already_is_passed_over() -> None:
    log = log_of([[alert(episode=1, offset=1), alert("C2", offset=2), alert("C3", offset=2)]])
    assert not log.take(alert(episode=1, offset=1))
    assert not log.take(alert("C2", offset=2))
    assert log.take(alert("C4", offset=2))
    assert len(log) == 4


def test_an_episode_is_over_once_its_end_has_come() -> None:
    log = log_of([[alert(episode=1, offset=1)]])
    assert not log.is_over("C1/P1/1") and not log.is_over("C1/P1/2")
    log.take(alert(episode=1, status="resolved", offset=2))
    assert log.is_over("C1/P1/1")


@pytest.mark.parametrize("companies", [("C1",), ("C1", "C3"), (), ("C9",)])
def test_only_alerts_of_the_companies_asked_for_come(companies: tuple[str, ...]) -> None:
    log = log_of([[alert(f"C{number % 4}", number, offset=number) for number in range(20)]])
    found = [known.alert.company_id for known in log.after(log.beginning(), companies)]
    assert set(found) == set(companies) & {"C0", "C1", "C2", "C3"}
    assert len(found) == 5 * len(set(found))
