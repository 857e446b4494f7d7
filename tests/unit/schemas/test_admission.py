"""Admission of facts (SEMANTICS 1): the order of the reasons, and the parts of a refused fact that may be shown."""

import pytest

from schemas.admission import (
    REASONS,
    Refusal,
    field_reason,
    holds_personal_number,
    is_event_id,
    is_national_id,
    range_reason,
    refusal,
    shown_event_id,
)
from schemas.records import Fact
from schemas.vocabulary import WITHDRAWN
from tests.support.facts import correction, enrollment, hire

FACT = hire("e1", "2025-09-01")
NIK = "3175012345678901"


def test_the_reasons_are_the_closed_list_in_its_order() -> None:
    assert list(REASONS) == [
        "oversized",
        "bad_magic",
        "unknown_schema",
        "decode_error",
        "national_id",
        "invalid_field",
        "key_mismatch",
        "type_not_allowed",
        "effective_on_out_of_range",
    ]


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        pytest.param(FACT, None, id="a fact within the rules"),
        pytest.param(FACT._replace(worker_id="1" * 16, event_id=""), "national_id", id="16 digits, before all else"),
        pytest.param(FACT._replace(worker_id="1" * 11), "national_id", id="11 digits"),
        pytest.param(FACT._replace(worker_id="1" * 16 + "\n"), "invalid_field", id="16 digits and a line end"),
        pytest.param(FACT._replace(worker_id="é" * 64), None, id="64 code points, more bytes"),
        pytest.param(FACT._replace(worker_id="é" * 65), "invalid_field", id="65 code points"),
        pytest.param(FACT._replace(worker_id=""), "invalid_field", id="no worker"),
        pytest.param(FACT._replace(company_id="C\u20031"), "invalid_field", id="an em space in the company"),
        pytest.param(FACT._replace(company_id=NIK), None, id="a company may be 16 digits: an NPP is opaque"),
        pytest.param(FACT._replace(event_id="e#1"), "invalid_field", id="a character outside [A-Za-z0-9._:-]"),
        pytest.param(FACT._replace(source=""), "invalid_field", id="no source"),
        pytest.param(FACT._replace(source="a b\nc"), None, id="white space in a source"),
        pytest.param(FACT._replace(source="\ud800"), "invalid_field", id="half a character"),
        pytest.param(FACT._replace(occurred_at=946_684_799_999), "invalid_field", id="an instant before 2000"),
        pytest.param(FACT._replace(occurred_at=7_258_118_400_000), "invalid_field", id="an instant of 2200"),
        pytest.param(enrollment("e1", "2025-09-01", ""), "invalid_field", id="no programme"),
        pytest.param(enrollment("e1", "2025-09-01", "", withdrawn=True), "invalid_field", id="withdrawn from nothing"),
        pytest.param(enrollment("e1", "2025-09-01", "JMO"), None, id="an app account alone"),
        pytest.param(correction("e1", ""), "invalid_field", id="a correction of nothing"),
        pytest.param(correction("e1", "e1"), None, id="a correction of itself: unknown fact, no effect"),
    ],
)
def test_a_fact_is_refused_for_the_first_reason_that_applies(fact: Fact, reason: str | None) -> None:
    assert field_reason(fact) == reason


def test_the_range_follows_the_date_in_jakarta() -> None:
    fact = FACT._replace(occurred_at=0)
    # At 16:59:59.999 UTC it is still the same day in Jakarta; a millisecond later the next day begins.
    at = 1_788_281_999_999  # 2026-09-01T16:59:59.999Z, the 1st in Jakarta
    last = fact._replace(effective_on=fact.effective_on + 730)  # 2027-09-01
    assert range_reason(last, at) is None
    after = last._replace(effective_on=last.effective_on + 1)
    assert range_reason(after, at) == "effective_on_out_of_range"
    assert range_reason(after, at + 1) is None


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        pytest.param(FACT, ("e1", "hris"), id="event and source"),
        pytest.param(FACT._replace(event_id="e 1"), (None, "hris"), id="an event_id that is none"),
        pytest.param(FACT._replace(source="x" * 65), ("e1", None), id="a source that is too long"),
        pytest.param(FACT._replace(source=f"a{NIK}b"), ("e1", None), id="a source with 16 digits in it"),
        pytest.param(FACT._replace(source="a12345678901b"), ("e1", None), id="a source with 11 digits in it"),
        pytest.param(FACT._replace(source="a1234567890b"), ("e1", "a1234567890b"), id="a source with 10 digits in it"),
    ],
)
def test_a_refusal_shows_what_may_be_shown(fact: Fact, shown: tuple[str | None, str | None]) -> None:
    assert refusal("invalid_field", fact)[:3] == ("invalid_field", *shown)
    assert refusal("decode_error", None) == Refusal("decode_error", None, None)


@pytest.mark.parametrize("value", [None, 3175012345678901, b"3175012345678901", NIK + "1", "٣" * 16, WITHDRAWN])
def test_only_ascii_digits_in_a_text_are_a_national_id(value: object) -> None:
    assert not is_national_id(value) and not is_event_id(None)
    assert is_national_id(NIK) and is_national_id(NIK[:11])


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("3320120312900017", True),
        ("hris 77190000012", True),
        ("x3320120312900017", True),
        ("a-77190000012.b", True),
        ("33201203129000170", False),
        ("771900000123", False),
        ("sheet.682bdcb16412345678901fe2", False),
        ("018f6f2e-7c4d-7abc-8def-12345678901a", False),
    ],
)
def test_a_personal_number_is_found_in_a_text_and_not_in_digests(text: str, holds: bool) -> None:
    assert holds_personal_number(text) is holds
    assert (shown_event_id(text, None) is None) is (holds or " " in text)
