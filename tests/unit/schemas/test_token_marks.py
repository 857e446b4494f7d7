"""Marks of token keys: an invalid mark is no record, and of two marks written first at the same time one applies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.token_marks import TokenMark, holding
from tests.support.journals import deterministic

MARKS = st.sampled_from(["00000001", "00000002", "00000003"])
RECORDS = st.lists(
    st.tuples(st.sampled_from(["C1", "C2"]), st.builds(TokenMark, MARKS, st.none() | MARKS)), max_size=12
)


@deterministic
@given(RECORDS)
def test_a_record_holds_only_upon_the_one_that_it_names(records: list[tuple[str, TokenMark]]) -> None:
    before = holding(records[:-1])
    after = holding(records)
    if records:
        company, record = records[-1]
        expected = record.mark if before.get(company) == record.replaces else before.get(company)
        assert after.get(company) == expected
        assert {name: mark for name, mark in after.items() if name != company} == {
            name: mark for name, mark in before.items() if name != company
        }


def test_two_first_imports_at_once() -> None:
    assert holding([("C1", TokenMark("0000000a")), ("C1", TokenMark("0000000b"))]) == {"C1": "0000000a"}
    meant = ("C1", TokenMark("0000000b", "0000000a"))
    assert holding([("C1", TokenMark("0000000a")), meant, meant]) == {"C1": "0000000b"}


@deterministic
@given(MARKS, st.none() | MARKS)
def test_a_record_is_read_back(mark: str, replaces: str | None) -> None:
    assert TokenMark.decode(TokenMark(mark, replaces).encode()) == TokenMark(mark, replaces)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"[]",
        b"{}",
        b'{"mark":"0000000a"}',
        b'{"mark":"x","replaces":null}',
        b'{"mark":1,"replaces":null}',
        b'{"mark":"0000000a","replaces":"key"}',
        b'{"mark":"0000000a","replaces":null,"key":"00"}',
        b"\xff",
    ],
)
def test_what_is_no_mark(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"mark|Expecting|utf-8"):
        TokenMark.decode(value)
