"""Checking lines before they are published: what would be sent, what is refused, what is sent in vain."""

import pytest

from peserta.intake.publisher import check
from schemas.admission import Refusal
from schemas.fact_json import line_of
from schemas.records import Coordinates, Fact
from tests.support.facts import hire, noon

OUT_OF_RANGE = Refusal(
    "effective_on_out_of_range",
    "e1",
    "hris",
    "effective_on",
    "must lie from 1 January 1970 to 1 year after the recording",
)
Told = list[tuple[int, Coordinates | Refusal]]


def line(fact: Fact) -> bytes:
    return line_of(fact).encode()


def checked(lines: list[bytes], recorded_at: int | None = None) -> tuple[object, Told]:
    told: Told = []
    return check(enumerate(lines, 1), lambda n, what: told.append((n, what)), recorded_at=recorded_at), told


def test_a_clean_file() -> None:
    summary, told = checked([line(hire("e1", "2025-01-01")), line(hire("e2", "2025-01-01"))])
    assert (summary.published, summary.is_clean, told) == (2, True, [])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"?", "decode_error"),
        (b"{}", "invalid_field"),
        (line(hire("e1", "2025-01-01", worker="1" * 16)), "national_id"),
        (b"x" * 16_385, "oversized"),
    ],
)
def test_a_line_that_cannot_become_a_record_is_refused(raw: bytes, reason: str) -> None:
    summary, told = checked([raw, line(hire("e2", "2025-01-01"))])
    assert (summary.published, summary.is_clean) == (1, False)  # type: ignore[attr-defined]
    assert [(n, what.reason) for n, what in told if isinstance(what, Refusal)] == [(1, reason)]


def test_a_fact_out_of_range_is_sent_and_said_to_be_doomed() -> None:
    far = hire("e1", "1969-12-31", at="2025-01-01T00:00:00Z")
    summary, told = checked([line(far)])
    assert (summary.published, dict(summary.doomed)) == (1, {"effective_on_out_of_range": 1})  # type: ignore[attr-defined]
    assert told == [(1, OUT_OF_RANGE)]


def test_the_range_is_that_of_the_time_of_recording() -> None:
    fact = hire("e1", "2025-01-01")
    assert checked([line(fact)], noon("2024-01-01"))[1] == []
    assert checked([line(fact)], noon("2023-12-31"))[1] == [(1, OUT_OF_RANGE)]
