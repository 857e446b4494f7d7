"""A time of recording in the future is refused unless the user confirms it. Only a book of history takes one."""

import pytest

from peserta.operations.future import (
    InTheFuture,
    NoTimeOfRecording,
    StampsItself,
    check_recorded_at,
    recording_time,
)
from peserta.settings import read_settings
from schemas.dates import instant_text
from tests.support.facts import noon

NOW = noon("2025-09-03")


@pytest.mark.parametrize("at", [NOW - 1, NOW])
def test_the_past_and_the_present_are_times_of_recording(at: int) -> None:
    assert check_recorded_at(at, NOW) == at


def test_the_future_is_not() -> None:
    with pytest.raises(InTheFuture, match=r"2025-09-03T05:00:00.001Z is after the present moment"):
        check_recorded_at(NOW + 1, NOW)


def test_the_future_is_if_it_is_meant() -> None:
    assert check_recorded_at(NOW + 1, NOW, allow_future=True) == NOW + 1


WALL, REPLAY = read_settings(clock="wall"), read_settings(clock="replay")


def test_a_book_of_the_wall_clock_takes_no_time_of_recording() -> None:
    assert recording_time(WALL, None, NOW) is None
    with pytest.raises(StampsItself):
        recording_time(WALL, instant_text(NOW), NOW)


def test_a_book_of_history_needs_one_that_is_an_instant() -> None:
    assert recording_time(REPLAY, instant_text(NOW), NOW) == NOW
    with pytest.raises(NoTimeOfRecording):
        recording_time(REPLAY, None, NOW)
    with pytest.raises(ValueError, match="an instant is written"):
        recording_time(REPLAY, "yesterday", NOW)


def test_a_book_of_history_is_given_the_future_only_if_it_is_meant() -> None:
    with pytest.raises(InTheFuture):
        recording_time(REPLAY, instant_text(NOW + 1), NOW)
    assert recording_time(REPLAY, instant_text(NOW + 1), NOW, allow_future=True) == NOW + 1
