"""Keys as records: a written key is read back, and an invalid record gives no access."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dates import INSTANT_END, INSTANT_MIN
from schemas.keys import ROLES, SECRET_PREFIX, Key, secret_sha256, secret_text
from schemas.vocabulary import KINDS

ONE = Key("k1", "hris", "publisher", secret_sha256("s"), INSTANT_MIN)

instants = st.integers(INSTANT_MIN, INSTANT_END - 1)
words = st.text(st.characters(categories=("L", "P")), min_size=1, max_size=64)


def limits(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...] | None]:
    return st.none() | st.lists(values, min_size=1, max_size=5).map(tuple)


keys = st.builds(
    Key,
    words,
    words,
    st.sampled_from(ROLES),
    st.text().map(secret_sha256),
    instants,
    companies=limits(words),
    types=limits(st.sampled_from(KINDS)),
    sources=limits(words),
    expires_at=st.none() | instants,
    revoked=st.booleans(),
)


@given(keys)
def test_what_is_written_is_read_again(key: Key) -> None:
    assert Key.decode(key.encode()) == key


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key_id", ""),
        ("name", ""),
        ("name", "two\nlines"),
        ("role", "root"),
        ("role", ["publisher"]),
        ("sha256", "short"),
        ("sha256", None),
        ("created_at", True),
        ("created_at", "2025-01-01"),
        ("companies", []),
        ("companies", ["C 1"]),
        ("companies", ["3273010101900001"]),
        ("companies", "C1"),
        ("types", ["hires"]),
        ("types", [["hire"]]),
        ("sources", [""]),
        ("expires_at", 1),
        ("revoked", 0),
        ("more", 1),
    ],
)
def test_a_record_with_a_wrong_field_is_no_key(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match="key"):
        Key.decode(json.dumps(asdict(ONE) | {field: value}).encode())


@pytest.mark.parametrize("value", [b"", b"[]", b"null", b"\xff", b"{}"])
def test_what_is_no_object_with_all_fields_is_no_key(value: bytes) -> None:
    with pytest.raises(ValueError):
        Key.decode(value)


def test_the_secret_is_not_in_the_record() -> None:
    text = secret_text(bytes(range(32)))
    assert text.startswith(SECRET_PREFIX)
    assert len(text) == len(SECRET_PREFIX) + 43
    key = Key("k1", "hris", "publisher", secret_sha256(text), INSTANT_MIN)
    assert text.removeprefix(SECRET_PREFIX).encode() not in key.encode()


@pytest.mark.parametrize(
    ("expires_at", "revoked", "now", "valid"),
    [
        (None, False, INSTANT_END, True),
        (None, True, INSTANT_MIN, False),
        (INSTANT_MIN + 5, False, INSTANT_MIN + 4, True),
        (INSTANT_MIN + 5, False, INSTANT_MIN + 5, False),
        (INSTANT_MIN + 5, True, INSTANT_MIN + 4, False),
    ],
    ids=["for ever", "revoked", "a moment before its end", "at its end", "revoked before its end"],
)
def test_when_a_key_is_valid(expires_at: int | None, revoked: bool, now: int, valid: bool) -> None:
    key = Key("k1", "hris", "publisher", secret_sha256("s"), INSTANT_MIN, expires_at=expires_at, revoked=revoked)
    assert key.is_valid(now) == valid
