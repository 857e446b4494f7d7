"""The checks of a line before it is sent: it is sent, refused, or reported as having no effect."""

from typing import Final

import pytest

from peserta.intake.door import REASONS_OF_LINES, RECORDED_IN_FUTURE, Door
from schemas.admission import Refusal
from schemas.dates import instant
from schemas.fact_json import FactLine, line_of
from schemas.records import Instant
from tests.support.facts import hire, noon

NOW: Final = noon("2026-01-01")


def door(*, replay: bool = True, now: Instant = NOW, allow_future: bool = False) -> Door:
    return Door(lambda: now, replay=replay, allow_future=allow_future)


def reason(of: Door, raw: bytes) -> str | None:
    """The reason for which the line is refused before it is sent."""
    read = of.read(raw)
    return read.reason if isinstance(read, Refusal) else None


def later(of: Door, raw: bytes) -> Refusal | None:
    read = of.read(raw)
    assert isinstance(read, FactLine)
    return of.refused_later(read)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (line_of(hire("e1", "2025-01-01")).encode(), None),
        (b"?", "decode_error"),
        (b"{}", "invalid_field"),
        (line_of(hire("e1", "2025-01-01", worker="1" * 16)).encode(), "national_id"),
        (b"x" * 16_385, "oversized"),
    ],
)
def test_a_line_that_cannot_become_a_record_is_refused(raw: bytes, expected: str | None) -> None:
    assert reason(door(), raw) == expected


def test_a_fact_out_of_range_may_be_sent_and_is_known_to_be_refused() -> None:
    far = line_of(hire("e1", "2027-01-02", at="2025-12-31T00:00:00Z")).encode()
    refused = later(door(), far)
    assert refused is not None
    assert refused[:4] == ("effective_on_out_of_range", "e1", "hris", "effective_on")


@pytest.mark.parametrize(("now", "expected"), [("2026-01-01", None), ("2025-12-31", "effective_on_out_of_range")])
def test_the_range_is_that_of_the_time_of_recording(now: str, expected: str | None) -> None:
    ahead = line_of(hire("e1", "2027-01-01", at="2024-01-01T00:00:00Z"))
    recorded = line_of(hire("e1", "2027-01-01"), noon(now)).encode()
    refusals = later(door(replay=False, now=noon(now)), ahead.encode()), later(door(), recorded)
    assert [None if refusal is None else refusal.reason for refusal in refusals] == [expected] * 2


def test_a_topic_carries_its_own_types_only() -> None:
    narrow = Door(lambda: NOW, replay=True, kinds=("enrollment",))
    refused = later(narrow, line_of(hire("e1", "2025-01-01")).encode())
    assert refused is not None
    assert refused[:4] == ("type_not_allowed", "e1", "hris", "type")


FUTURE: Final = (
    ("recorded now", NOW, False, None),
    ("recorded a millisecond after now", NOW + 1, False, RECORDED_IN_FUTURE),
    ("recorded then, as it is meant", NOW + 1, True, None),
)


@pytest.mark.parametrize(("at", "allowed", "expected"), [c[1:] for c in FUTURE], ids=[c[0] for c in FUTURE])
def test_the_guard_of_a_book_of_history(at: Instant, allowed: bool, expected: str | None) -> None:
    line = line_of(hire("e1", "2025-01-01"), at).encode()
    assert reason(door(allow_future=allowed), line) == expected
    assert reason(door(replay=False, allow_future=allowed), line) is None


def test_a_line_without_a_time_of_recording_is_recorded_when_it_occurred() -> None:
    line = line_of(hire("e1", "2025-04-25", at="2027-04-25T02:00:00Z")).encode()
    assert reason(door(), line) == RECORDED_IN_FUTURE
    assert reason(door(now=instant("2027-04-25T02:00:00Z")), line) is None


def test_reasons_are_said_in_the_words_of_files() -> None:
    assert not [reason for reason in ("decode_error", "oversized") if "Avro" in REASONS_OF_LINES[reason]]
