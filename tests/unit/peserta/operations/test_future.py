"""A time of recording after the present moment is refused, unless it is meant."""

import pytest

from peserta.operations.future import InTheFuture, check_recorded_at
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
