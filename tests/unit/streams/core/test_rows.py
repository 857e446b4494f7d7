"""The stored state: keys and rows can be read back, and rows of another book are refused."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.records import Company, CompanySet, Coordinates, Policy, PolicySet
from streams.core import rows
from streams.core.book import Book, StateMismatch
from tests.support import journals
from tests.support.facts import entry, hire, noon, tick
from tests.support.journals import deterministic

names = st.text(st.characters(exclude_categories=("Cs", "Z", "Cc")), min_size=1, max_size=64)


def day_key(company_id: str, on: int) -> bytes:
    return rows.day_prefix(company_id) + struct.pack(">i", on)


@settings(deterministic, max_examples=100)
@given(names, st.integers(-(1 << 31), (1 << 31) - 1))
def test_a_day_and_a_source_are_read_from_their_keys(name: str, number: int) -> None:
    assert rows.day_of(day_key(name, number)) == (name, number)
    assert rows.source_of(rows.source_key(name, abs(number))) == (name, abs(number))


def test_no_kind_of_key_can_be_taken_for_another() -> None:
    keys = [
        rows.company_key("C"), rows.registered_key("C"), rows.policy_key("C"), rows.source_key("C", 0),
        day_key("C", 0), rows.BOOK_KEY,
    ]  # fmt: skip
    assert len({key[:1] for key in keys}) == len(keys)
    assert not any(key.startswith(b"@") for key in keys)


@settings(deterministic, max_examples=100)
@given(st.dictionaries(st.integers(0, (1 << 20) - 1), st.integers(-5, 5)))
def test_a_day_keeps_what_does_not_cancel_in_one_form(row: dict[int, int]) -> None:
    packed = rows.pack_day(row)
    assert rows.unpack_day(packed) == {pair: quantity for pair, quantity in row.items() if quantity}
    assert rows.pack_day(dict(reversed(row.items()))) == packed


@settings(deterministic, max_examples=100)
@given(journals.policies(), st.booleans())
def test_policies_are_read_back(policy: Policy, ended: bool) -> None:
    assert rows.unpack_policy(rows.pack_policy(policy, ended)) == (policy, ended)


def book_with_state() -> Book:
    book = Book(30)
    policy = Policy("P", 5000, 0, title="P")
    book.apply(PolicySet(Coordinates("policies", 0, 1), noon("2025-01-01"), policy), 0)
    book.apply(entry(hire("e1", "2025-01-02"), 1), 1)
    book.apply(tick("2025-01-05"), 2)
    book.rows.update(book.take_changes().rows)
    return book


def test_a_book_is_taken_up_where_it_was_left() -> None:
    left = book_with_state()
    again = Book(30, rows=dict(left.rows))
    assert again.today == left.today
    assert again.companies["C1"].today == left.companies["C1"].today
    assert again.apply(tick("2025-01-05"), 3) is None and again.repeats == 1
    assert again.apply(entry(hire("e9", "2025-01-02"), 1), 4) is None and again.repeats == 2


def test_changes_are_handed_over_once() -> None:
    book = book_with_state()
    assert book.take_changes() == ({}, [])


def test_only_what_changed_is_handed_over() -> None:
    book = book_with_state()
    book.apply(entry(hire("e2", "2025-01-03", worker="w2"), 2, "2025-01-05"), 3)
    changed = book.take_changes()
    assert sorted(key[:1] for key in changed.rows) == [
        b"d",
        b"d",
        b"s",
        b"w",
    ]  # date and policy states did not change
    assert [snapshot.figures.company_id for snapshot in changed.snapshots] == ["C1"]
    assert (changed.snapshots[0].offset, changed.snapshots[0].recorded_at) == (3, noon("2025-01-05"))


def test_a_company_without_a_fact_has_no_snapshot() -> None:
    book = Book()
    book.apply(CompanySet(Coordinates("companies", 0, 1), noon("2025-01-01"), _company()), 0)
    assert book.take_changes().snapshots == []


def _company() -> Company:
    return Company("C1")


def test_a_book_of_another_grace_period_is_refused() -> None:
    with pytest.raises(StateMismatch, match="grace period of 30 days, the settings say 31"):
        Book(31, rows=dict(book_with_state().rows))


def test_a_book_of_another_format_is_refused() -> None:
    kept = dict(book_with_state().rows)
    kept[rows.BOOK_KEY] = kept[rows.BOOK_KEY].replace(b'"format":2', b'"format":1')
    with pytest.raises(StateMismatch, match="format 1, this version has those of format 2: `peserta rebuild`"):
        Book(30, rows=kept)


def test_an_empty_state_is_a_new_book() -> None:
    assert Book(31, rows={}).companies == {}
