"""Lines of JSON (SEMANTICS 1): accepted lines, and the first reason for each refused line."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.admission import RECORD_BYTES_MAX, Refusal
from schemas.fact_json import FactLine, admit, json_line, line_of, numbered, read_record
from schemas.records import Fact
from tests.support.facts import correction, enrollment, hire, termination
from tests.support.journals import deterministic, facts

HIRE: dict[str, Any] = {
    "type": "hire",
    "event_id": "e1",
    "company_id": "C1",
    "worker_id": "w1",
    "effective_on": "2025-09-01",
    "occurred_at": "2025-09-01T02:00:00Z",
    "source": "hris",
    "employment_type": "fixed_term",
}
ENROLLMENT = {k: v for k, v in HIRE.items() if k != "employment_type"} | {
    "type": "enrollment",
    "action": "enrolled",
    "programmes": ["JKM", "JKK", "JKM"],
}
CORRECTION = {k: v for k, v in HIRE.items() if k != "employment_type"} | {"type": "correction", "corrects": "e0"}
TERMINATION = {k: v for k, v in HIRE.items() if k != "employment_type"} | {"type": "termination", "reason": "retired"}
NIK = "3175012345678901"


def without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    return {k: v for k, v in fields.items() if k != name}


def line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        pytest.param(HIRE, hire("e1", "2025-09-01", "fixed_term", at="2025-09-01T02:00:00Z"), id="hire"),
        pytest.param(
            TERMINATION, termination("e1", "2025-09-01", "retired", at="2025-09-01T02:00:00Z"), id="termination"
        ),
        pytest.param(
            ENROLLMENT,
            enrollment("e1", "2025-09-01", "JKK JKM", at="2025-09-01T02:00:00Z"),
            id="enrollment: a set, so its order and repeats say nothing",
        ),
        pytest.param(
            ENROLLMENT | {"action": "withdrawn"},
            enrollment("e1", "2025-09-01", "JKK JKM", withdrawn=True, at="2025-09-01T02:00:00Z"),
            id="withdrawal",
        ),
        pytest.param(
            CORRECTION,
            correction("e1", "e0", "2025-09-01")._replace(occurred_at=1_756_692_000_000),
            id="correction",
        ),
    ],
)
def test_a_line_is_a_fact(fields: dict[str, Any], fact: Fact) -> None:
    assert admit(line(fields)) == FactLine(fact, fact.occurred_at)


def test_a_line_may_say_when_it_is_recorded() -> None:
    said = admit(line(HIRE | {"recorded_at": "2025-09-02T07:00:00+07:00"}))
    assert isinstance(said, FactLine) and said.recorded_at == 1_756_771_200_000


INVALID = [
    *[pytest.param(without(HIRE, name), id=f"no {name}") for name in HIRE if name != "event_id"],
    *[pytest.param(HIRE | {name: None}, id=f"{name} is null") for name in HIRE if name != "event_id"],
    *[pytest.param(HIRE | {name: 7}, id=f"{name} is a number") for name in HIRE if name != "event_id"],
    *[pytest.param(HIRE | {name: ["x"]}, id=f"{name} is a list") for name in HIRE if name != "event_id"],
    *[pytest.param(HIRE | {name: ""}, id=f"{name} is empty") for name in HIRE if name != "event_id"],
    pytest.param(HIRE | {"colour": "red"}, id="a field more"),
    pytest.param(HIRE | {"recorded_at": None}, id="recorded_at is null"),
    pytest.param(HIRE | {"recorded_at": "2025-09-02"}, id="recorded_at is a date"),
    pytest.param(HIRE | {"reason": "retired"}, id="a field of another type"),
    pytest.param(without(ENROLLMENT, "action"), id="an enrollment without action"),
    pytest.param(HIRE | {"type": "Hire"}, id="a type in capitals"),
    pytest.param(HIRE | {"employment_type": "seasonal"}, id="an unknown employment type"),
    pytest.param(TERMINATION | {"reason": "tired"}, id="an unknown reason"),
    pytest.param(ENROLLMENT | {"action": "joined"}, id="an unknown action"),
    pytest.param(ENROLLMENT | {"programmes": []}, id="an empty set"),
    pytest.param(ENROLLMENT | {"programmes": ["JKK", "JXX"]}, id="an unknown programme"),
    pytest.param(ENROLLMENT | {"programmes": "JKK"}, id="programmes as a text"),
    pytest.param(ENROLLMENT | {"programmes": {"JKK": 1}}, id="programmes as a mapping"),
    pytest.param(ENROLLMENT | {"programmes": [["JKK"]]}, id="programmes in a list of lists"),
    pytest.param(CORRECTION | {"corrects": "e 0"}, id="corrects what cannot be an event_id"),
    pytest.param(HIRE | {"worker_id": "w 1"}, id="white space in an id"),
    pytest.param(HIRE | {"worker_id": "w\u00a01"}, id="a no-break space in an id"),
    pytest.param(HIRE | {"company_id": "C" * 65}, id="a company_id of 65 code points"),
    pytest.param(HIRE | {"source": "s" * 65}, id="a source of 65 code points"),
    pytest.param(HIRE | {"source": "\ud83d"}, id="half a character in the source"),
    pytest.param(HIRE | {"worker_id": "\udc00"}, id="half a character in an id"),
    pytest.param(HIRE | {"effective_on": "2025-02-29"}, id="a date that is none"),
    pytest.param(HIRE | {"occurred_at": "2025-09-01T02:00:00"}, id="an instant without an offset"),
    pytest.param(HIRE | {"occurred_at": "1999-12-31T23:59:59Z"}, id="an instant before 2000"),
    pytest.param(HIRE | {"type": ["hire"]}, id="a type that is a list"),
    pytest.param(HIRE | {"worker_id": int(NIK)}, id="a national id as a number is no text"),
]


@pytest.mark.parametrize("fields", INVALID)
def test_a_line_outside_the_rules_has_an_invalid_field(fields: dict[str, Any]) -> None:
    refused = admit(line(fields))
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.event_id) == ("invalid_field", "e1")


@pytest.mark.parametrize("event_id", [None, 7, "", "e 1", "e/1", "é", "e" * 65, ["e1"], {"a": 1}])
def test_an_event_id_that_is_not_well_formed_is_not_shown(event_id: object) -> None:
    source = "hris" if isinstance(event_id, str) else None
    rule = "must be 1 to 64 of A-Z a-z 0-9 . _ : -"
    assert admit(line(HIRE | {"event_id": event_id})) == Refusal("invalid_field", None, source, "event_id", rule)


@pytest.mark.parametrize("name", ["event_id", "company_id", "worker_id"])
@pytest.mark.parametrize("value", [None, 7, [], {}])
def test_a_second_field_that_is_no_text_does_no_harm(name: str, value: object) -> None:
    refused = admit(line(HIRE | {name: "", "source": value}))
    assert isinstance(refused, Refusal) and refused[2:4] == (None, name)


@pytest.mark.parametrize("event_id", ["e", "A-z.0_9:x", "e" * 64])
def test_an_event_id_is_taken(event_id: str) -> None:
    assert isinstance(admit(line(HIRE | {"event_id": event_id})), FactLine)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"{", id="cut off"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'"hire"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{} {}", id="two objects"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(b'{"source":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"source":"\xed\xa0\x80"}', id="half a character in UTF-8"),
        pytest.param(b'{"source":NaN}', id="NaN"),
        pytest.param(b'{"source":-Infinity}', id="infinity"),
        pytest.param(b'{"source":"a\tb"}', id="a tab in a text"),
        pytest.param(b"{'source':1}", id="single quotes"),
        pytest.param(b'{"a":' + b"[" * 16_000, id="brackets nested too deep to be read"),
    ],
)
def test_a_line_that_is_no_json_object(raw: bytes) -> None:
    assert admit(raw) == Refusal("decode_error", None, None)


def test_an_empty_object_is_an_object_without_its_fields() -> None:
    assert admit(b"{}") == Refusal("invalid_field", None, None, "type", "is missing")


@pytest.mark.parametrize("number", [b"1" * 5000, b"-" + b"9" * 5000, b"1" * 5000 + b".0", b"1e99999"])
def test_a_number_of_any_length_is_json(number: bytes) -> None:
    raw = line(HIRE | {"employment_type": "X"}).replace(b'"X"', number)
    refused, national = admit(raw), admit(raw.replace(b'"w1"', f'"{NIK}"'.encode()))
    assert isinstance(refused, Refusal) and isinstance(national, Refusal)
    assert (refused.reason, refused.event_id, refused.field) == ("invalid_field", "e1", "employment_type")
    assert (national.reason, national.event_id, national.field) == ("national_id", "e1", "worker_id")


@pytest.mark.parametrize("worker_id", ["3175012345678901", "12345678901"])
@pytest.mark.parametrize(
    "fields",
    [
        HIRE,
        {},
        HIRE | {"event_id": "a-3175012345678901-12345678901"},
        HIRE | {"type": 1},
        HIRE | {"occurred_at": "never"},
        HIRE | {"effective_on": "1900-01-01"},
    ],
)
def test_a_national_id_is_refused_whatever_else_is_wrong(fields: dict[str, Any], worker_id: str) -> None:
    refused = admit(line({**fields, "worker_id": worker_id}))
    assert isinstance(refused, Refusal) and refused.reason == "national_id"
    assert worker_id not in repr(refused)


def test_of_a_line_with_a_national_id_no_source_is_shown() -> None:
    refused = read_record(line(HIRE | {"worker_id": NIK}))
    assert isinstance(refused, Refusal) and refused[:4] == ("national_id", "e1", None, "worker_id")


@pytest.mark.parametrize(
    "worker_id", ["1" * 10, "1" * 12, "1" * 15, "1" * 17, "w" + "1" * 16, "٣" * 16, "1" * 15 + "x"]
)
def test_what_only_resembles_a_national_id_is_a_token(worker_id: str) -> None:
    assert isinstance(admit(line(HIRE | {"worker_id": worker_id})), FactLine)


def test_a_source_with_a_long_number_is_not_shown() -> None:
    refused = admit(line(HIRE | {"source": f"import {NIK}", "effective_on": "1900-01-01"}))
    assert isinstance(refused, Refusal)
    assert refused[:4] == ("effective_on_out_of_range", "e1", None, "effective_on")


@pytest.mark.parametrize(
    ("effective_on", "reason"),
    [
        ("1970-01-01", None),
        ("1969-12-31", "effective_on_out_of_range"),
        ("2026-09-01", None),
        ("2026-09-02", "effective_on_out_of_range"),
    ],
)
def test_the_range_is_that_of_the_recording(effective_on: str, reason: str | None) -> None:
    said = admit(line(HIRE | {"effective_on": effective_on}))
    assert (said.reason if isinstance(said, Refusal) else None) == reason
    assert isinstance(read_record(line(HIRE | {"effective_on": effective_on})), FactLine)


def test_a_line_may_have_16384_bytes_and_no_more() -> None:
    raw = line(HIRE)
    longest = raw[:-1] + b" " * (RECORD_BYTES_MAX - len(raw)) + b"}"
    assert len(longest) == 16_384 and isinstance(admit(longest), FactLine)
    assert admit(longest + b" ") == Refusal("oversized", None, None)
    assert admit(b"x" * 16_385) == Refusal("oversized", None, None)


def test_lines_keep_their_numbers_and_blank_ones_are_passed_over() -> None:
    assert list(numbered([b"a\r\n", b"\n", b" \t\n", b"b\n", b"c"], 5)) == [(5, b"a"), (8, b"b"), (9, b"c")]


@settings(deterministic, max_examples=200)
@given(facts(), st.one_of(st.none(), st.integers(1_740_000_000_000, 1_745_000_000_000)))
def test_a_fact_written_as_a_line_is_read_back(fact: Fact, recorded_at: int | None) -> None:
    fact = fact._replace(occurred_at=fact.occurred_at + 7, source="gaji é 日")
    expected = FactLine(fact, fact.occurred_at if recorded_at is None else recorded_at)
    assert read_record(line_of(fact, recorded_at).encode()) == expected


def test_an_object_is_printed_with_sorted_keys_without_blanks_as_utf_8() -> None:
    assert json_line({"b": [1, None], "a": "é\n"}) == '{"a":"é\\n","b":[1,null]}'
