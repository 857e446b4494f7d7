"""The forms of a body. A fact has the same fate in every form, and only an unreadable body is an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.intake import forms
from peserta.intake.forms import Form, TooManyLines, Unreadable, reading_of_data, readings
from schemas.admission import DECODE_ERROR, INVALID_FIELD, NATIONAL_ID, OVERSIZED, Refusal
from schemas.fact_json import FactLine, line_of, read_record
from tests.support.facts import correction, enrollment, hire, termination

GOOD = [
    line_of(fact)
    for fact in (
        hire("e1", "2025-09-01"),
        termination("e2", "2025-09-01"),
        enrollment("e3", "2025-09-01", "JKK JKM"),
        correction("e4", "e1", "2025-09-01"),
    )
]
FIELDS: dict[str, Any] = json.loads(GOOD[0])

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
mutated = st.dictionaries(st.sampled_from([*FIELDS, "more", "recorded_at"]), values, max_size=3).map(FIELDS.__or__)
objects = st.sampled_from([json.loads(line) for line in GOOD]) | mutated


def all_of(form: Form, body: str | bytes) -> list[tuple[int, FactLine | Refusal]]:
    return list(readings(form, body if isinstance(body, bytes) else body.encode()))


@given(st.lists(objects | values, max_size=5), st.sampled_from([None, 2]))
def test_an_array_and_lines_say_of_each_fact_what_a_file_says(facts: list[Any], indent: int | None) -> None:
    lines = [json.dumps(fact) for fact in facts]
    expected = [(number, read_record(line.encode())) for number, line in enumerate(lines, 1)]
    assert all_of(Form.LINES, "\n".join(lines)) == expected
    assert all_of(Form.JSON, json.dumps(facts, indent=indent)) == expected


@given(objects)
def test_one_object_is_one_fact(fact: dict[str, Any]) -> None:
    assert all_of(Form.JSON, f" {json.dumps(fact, indent=1)}\r\n") == [(1, read_record(json.dumps(fact).encode()))]


@given(objects, st.booleans())
def test_a_cloud_event_says_what_its_data_says_with_its_id(fact: dict[str, Any], says_id: bool) -> None:
    data = {name: value for name, value in fact.items() if name != "event_id"} | ({"event_id": "e9"} if says_id else {})
    event = {"specversion": "1.0", "id": "e9", "type": "t", "source": "/s", "time": "x", "traceparent": 1, "data": data}
    expected = read_record(json.dumps(data | {"event_id": "e9"}).encode())
    assert all_of(Form.EVENT, json.dumps(event)) == [(1, expected)]
    assert all_of(Form.EVENTS, json.dumps([event, event])) == [(1, expected), (2, expected)]
    assert reading_of_data(json.dumps(data).encode(), "e9") == (1, expected)


EVENT = {"specversion": "1.0", "id": "e1", "type": "t", "source": "/s", "data": FIELDS}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"id": ""}, "id"),
        ({"id": 1}, "id"),
        ({"type": ""}, "type"),
        ({"source": []}, "source"),
        ({"data": None}, "data"),
        ({"data": [FIELDS]}, "data"),
        ({"data": json.dumps(FIELDS)}, "data"),
        ({"data": FIELDS | {"event_id": "e2"}}, "event_id"),
        ({"data": FIELDS | {"employment_type": "always"}}, "employment_type"),
    ],
)
def test_a_wrong_cloud_event_is_refused_by_the_field(change: dict[str, Any], field: str) -> None:
    ((_, why),) = all_of(Form.EVENT, json.dumps(EVENT | change))
    assert isinstance(why, Refusal)
    assert (why.reason, why.field) == (INVALID_FIELD, field)


@pytest.mark.parametrize("change", [{}, {"specversion": "9"}, {"id": ""}])
def test_a_personal_number_is_the_reason_whatever_else_is_wrong(change: dict[str, Any]) -> None:
    data = FIELDS | {"worker_id": "3273010101900001", "event_id": "other", "effective_on": 1}
    ((_, why),) = all_of(Form.EVENT, json.dumps(EVENT | change | {"data": data}))
    assert isinstance(why, Refusal)
    assert why.reason == NATIONAL_ID


TWICE = GOOD[0][:-1] + ',"type":"hire"}'
DEEP = "[" * 17 + "]" * 17


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.JSON, ""),
        (Form.JSON, " "),
        (Form.JSON, "{"),
        (Form.JSON, GOOD[0][:-1]),
        (Form.JSON, f"{GOOD[0]} {GOOD[0]}"),
        (Form.JSON, f"{GOOD[0]}\n{GOOD[1]}"),
        (Form.JSON, f"[{GOOD[0]}"),
        (Form.JSON, f"[{GOOD[0]},]"),
        (Form.JSON, f"[,{GOOD[0]}]"),
        (Form.JSON, f"[{GOOD[0]} {GOOD[1]}]"),
        (Form.JSON, f"[{GOOD[0]}]]"),
        (Form.JSON, f"[{GOOD[0]}] 1"),
        (Form.JSON, f"[{GOOD[0]}}}"),
        (Form.JSON, "[NaN]"),
        (Form.JSON, "[01]"),
        (Form.JSON, '["unended]'),
        (Form.JSON, DEEP),
        (Form.JSON, '{"a":' * 100_000),
        (Form.JSON, b"[\xff]"),
        (Form.JSON, b'["\xed\xa0\x80"]'),
        (Form.JSON, ('[{"a":1' + " " * 20_000 + "}").encode()),
        (Form.EVENT, "[1"),
        (Form.EVENTS, json.dumps(EVENT)),
        (Form.EVENTS, ""),
    ],
)
def test_a_body_that_cannot_be_read_says_nothing_of_what_is_in_it(form: Form, body: str | bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        all_of(form, body)
    assert "NPP" not in str(caught.value)
    assert len(str(caught.value)) < 100


@pytest.mark.parametrize(
    ("form", "body", "reasons"),
    [
        (Form.JSON, "[]", []),
        (Form.JSON, " [ ] ", []),
        (Form.JSON, "1", [DECODE_ERROR]),
        (Form.JSON, "[1,null,[],{}]", [DECODE_ERROR, DECODE_ERROR, DECODE_ERROR, INVALID_FIELD]),
        (Form.JSON, f"[{TWICE}]", [DECODE_ERROR]),
        (Form.JSON, "[" + '{"a":"' + "x" * 20_000 + '"}]', [OVERSIZED]),
        (Form.JSON, '["]",{"a":"[\\"{"}]', [DECODE_ERROR, INVALID_FIELD]),
        (Form.LINES, "", []),
        (Form.LINES, "\n \n", []),
        (Form.LINES, b"\xff\n{}\n[", [DECODE_ERROR, INVALID_FIELD, DECODE_ERROR]),
        (Form.LINES, "x" * 20_000, [OVERSIZED]),
        (Form.LINES, DEEP, [DECODE_ERROR]),
        (Form.EVENTS, "[1]", [DECODE_ERROR]),
        (Form.EVENT, "[]", [DECODE_ERROR]),
    ],
)
def test_a_fact_that_cannot_be_read_is_refused_alone(form: Form, body: str | bytes, reasons: list[str]) -> None:
    assert [why.reason for _, why in all_of(form, body) if isinstance(why, Refusal)] == reasons


def test_blank_lines_are_counted_and_a_mark_is_passed_over() -> None:
    body = b"\xef\xbb\xbf" + f"{GOOD[0]}\r\n\n{GOOD[1]}".encode()
    assert [number for number, _ in all_of(Form.LINES, body)] == [1, 3]
    assert len(all_of(Form.JSON, b"\xef\xbb\xbf" + f"[{GOOD[0]}]".encode())) == 1


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (Form.LINES, "\n" * 11),
        (Form.LINES, "1\n" * 11),
        (Form.JSON, json.dumps([1] * 11)),
        (Form.EVENTS, json.dumps([1] * 11)),
    ],
)
def test_no_more_lines_than_a_body_may_have(form: Form, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "LINES_MAX", 10)
    with pytest.raises(TooManyLines):
        all_of(form, body)


@pytest.mark.parametrize("part", ['\\"', '"', '"\\', "[]", "[{}]", '",', "\\", "1,"])
def test_the_work_grows_with_the_body_and_not_with_its_square(part: str) -> None:
    """With quadratic work the larger body would take minutes and exceed the test's time limit."""
    body = f'["{part * (1 << 20)}'.encode()
    with pytest.raises(Unreadable):
        all_of(Form.JSON, body)
