"""Publishers' records: unreadable ones are refused, and a fact in other bytes than ours is recognized as such."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import InboundCodec, WireError
from schemas.records import Fact
from schemas.registry import FixedRegistry
from schemas.vocabulary import (
    ACTIONS,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
)
from schemas.wire import FRAME_BYTES, Body, frame, zigzag
from tests.support.journals import deterministic

INBOUND, REGISTRY = InboundCodec(), FixedRegistry()

FACTS = {
    "hire": Fact(HIRE, 1, "e1", "C1", "w1", 20_000, 1_700_000_000_000, "hris", ""),
    "termination": Fact(TERMINATION, 6, "e2", "C1", "w1", 20_000, 1_700_000_000_000, "hris", ""),
    "enrollment": Fact(ENROLLMENT, 0b110, "e3", "C1", "w1", 20_000, 1_700_000_000_000, "hris", ""),
    "correction": Fact(CORRECTION, 0, "e4", "C1", "w1", 20_000, 1_700_000_000_000, "hris", "e1"),
}
HIRE_VALUE, TERMINATION_VALUE, ENROLLMENT_VALUE, CORRECTION_VALUE = map(INBOUND.encode, FACTS.values())
ENROLLMENT_HEAD = ENROLLMENT_VALUE[:-5]  # without action, block length, two programmes and end
assert ENROLLMENT_VALUE == ENROLLMENT_HEAD + b"\x00" + b"\x04\x02\x04" + b"\x00"


REFUSED = [
    pytest.param(None, "bad_magic", id="a tombstone"),
    pytest.param(b"", "bad_magic", id="an empty value"),
    pytest.param(b"\x00\x00\x00\x00", "bad_magic", id="a frame cut off"),
    pytest.param(b"\x01" + HIRE_VALUE[1:], "bad_magic", id="another magic byte"),
    pytest.param(b'{"type":"hire"}', "bad_magic", id="JSON"),
    pytest.param(frame(0) + HIRE_VALUE[5:], "unknown_schema", id="schema 0"),
    pytest.param(frame(99) + HIRE_VALUE[5:], "unknown_schema", id="a schema that is not there"),
    pytest.param(frame(20) + HIRE_VALUE[5:], "unknown_schema", id="a schema of the journal"),
    pytest.param(frame(1), "decode_error", id="a frame alone"),
    pytest.param(HIRE_VALUE + b"\x00", "decode_error", id="a byte too many"),
    pytest.param(CORRECTION_VALUE + b"\x00", "decode_error", id="a byte behind a text"),
    pytest.param(HIRE_VALUE[:-1] + zigzag(5), "decode_error", id="an employment type that is none"),
    pytest.param(HIRE_VALUE[:-1] + zigzag(-1), "decode_error", id="employment type -1"),
    pytest.param(TERMINATION_VALUE[:-1] + zigzag(7), "decode_error", id="a reason that is none"),
    pytest.param(TERMINATION_VALUE[:-1] + zigzag(-1), "decode_error", id="reason -1"),
    pytest.param(ENROLLMENT_HEAD + zigzag(2) + b"\x02\x02\x00", "decode_error", id="an action that is none"),
    pytest.param(ENROLLMENT_HEAD + zigzag(-1) + b"\x02\x02\x00", "decode_error", id="action -1"),
    pytest.param(ENROLLMENT_HEAD + b"\x00\x02" + zigzag(6) + b"\x00", "decode_error", id="a programme that is none"),
    pytest.param(ENROLLMENT_HEAD + b"\x00\x02" + zigzag(-1) + b"\x00", "decode_error", id="programme -1"),
    pytest.param(ENROLLMENT_HEAD + b"\x00" + zigzag(1 << 62), "decode_error", id="an endless list"),
    pytest.param(CORRECTION_VALUE[:-3] + zigzag(-2) + b"e1", "decode_error", id="a text of negative length"),
    pytest.param(CORRECTION_VALUE[:-3] + zigzag(1 << 40) + b"e1", "decode_error", id="a text of a terabyte"),
    pytest.param(CORRECTION_VALUE[:-2] + b"\xff\xfe", "decode_error", id="a text that is not UTF-8"),
    pytest.param(CORRECTION_VALUE[:-3] + b"\x06\xed\xa0\x80", "decode_error", id="half a character"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED)
def test_a_value_that_cannot_be_read_is_refused(value: bytes | None, reason: str) -> None:
    with pytest.raises(WireError) as refused:
        INBOUND.decode(value)
    assert refused.value.reason == reason


@pytest.mark.parametrize("name", FACTS)
def test_a_value_cut_anywhere_is_refused(name: str) -> None:
    value = INBOUND.encode(FACTS[name])
    for end in range(len(value)):
        with pytest.raises(WireError):
            INBOUND.decode(value[:end])


@settings(deterministic, max_examples=400)
@given(st.sampled_from(sorted(FACTS)), st.data())
def test_any_bytes_are_read_or_refused_and_what_is_read_is_known_by_its_bytes(name: str, data: st.DataObject) -> None:
    value = bytearray(INBOUND.encode(FACTS[name]))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(FRAME_BYTES, len(value) - 1))
        value[at] = data.draw(st.integers(0, 255))
    try:
        fact, canonical = INBOUND.decode(bytes(value))
    except WireError as refused:
        assert refused.reason == "decode_error"
        return
    assert canonical == (INBOUND.encode(fact) == bytes(value))


OTHER_BYTES = [
    pytest.param(ENROLLMENT_HEAD + b"\x00\x04\x04\x02\x00", id="programmes in another order"),
    pytest.param(ENROLLMENT_HEAD + b"\x00\x06\x02\x04\x02\x00", id="a programme twice"),
    pytest.param(ENROLLMENT_HEAD + b"\x00\x02\x02\x02\x04\x00", id="programmes in two blocks"),
    pytest.param(ENROLLMENT_HEAD + b"\x00\x03\x04\x02\x04\x00", id="a block with its size"),
    pytest.param(ENROLLMENT_HEAD + b"\x80\x00\x04\x02\x04\x00", id="a number with an idle byte"),
]


@pytest.mark.parametrize("value", OTHER_BYTES)
def test_other_bytes_of_the_same_fact_are_the_same_fact(value: bytes) -> None:
    assert INBOUND.decode(value) == (FACTS["enrollment"], False)


def test_an_empty_set_of_programmes_comes_back_without_any() -> None:
    fact, _ = INBOUND.decode(ENROLLMENT_HEAD + b"\x02\x00")
    assert fact.detail == WITHDRAWN


def test_words_keep_their_numbers() -> None:
    for subject, field, words in (
        ("hire", "employment_type", EMPLOYMENT_TYPES),
        ("termination", "reason", TERMINATION_REASONS),
    ):
        schema = REGISTRY.schema(REGISTRY.latest_id(subject))
        assert next(f["type"]["symbols"] for f in schema["fields"] if f["name"] == field) == list(words)
    types = {f["name"]: f["type"] for f in REGISTRY.schema(REGISTRY.latest_id("enrollment"))["fields"]}
    assert types["action"]["symbols"] == list(ACTIONS)
    assert types["programmes"]["items"]["symbols"] == list(PROGRAMMES)


def test_a_body_with_enums_by_name_knows_no_others() -> None:
    body = Body(50, REGISTRY.schema(50))
    with pytest.raises((ValueError, KeyError)):
        body.encode({"status": "quiet"})
