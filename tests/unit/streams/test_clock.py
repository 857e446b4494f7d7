"""The wall clock's Ticks: one for each date, and a reading of the clock at least every minute."""

import asyncio
from collections.abc import Iterator

import pytest

from schemas.dates import day, jakarta_midnight
from schemas.records import Day, Instant
from streams.clock import AFTER_MIDNIGHT_S, LOOK_AGAIN_S, begin_dates, pause_s
from tests.support.facts import noon

MIDNIGHT = jakarta_midnight(day("2025-01-02"))


@pytest.mark.parametrize(
    ("at", "seconds"),
    [
        pytest.param(noon("2025-01-01"), LOOK_AGAIN_S, id="at noon: the longest pause"),
        pytest.param(MIDNIGHT - 60_000, LOOK_AGAIN_S, id="a minute before midnight"),
        pytest.param(MIDNIGHT - 10_000, 10 + AFTER_MIDNIGHT_S, id="ten seconds before midnight: until just after it"),
        pytest.param(MIDNIGHT - 1, 0.001 + AFTER_MIDNIGHT_S, id="a millisecond before midnight"),
        pytest.param(MIDNIGHT, LOOK_AGAIN_S, id="at midnight"),
    ],
)
def test_the_pause_ends_just_after_midnight(at: Instant, seconds: float) -> None:
    assert pause_s(at) == pytest.approx(seconds)


class ClockStopped(Exception):
    """The test's list of clock readings is used up."""


async def said_with(readings: list[Instant], monkeypatch: pytest.MonkeyPatch) -> list[tuple[Day, Instant]]:
    """The ticks for these clock readings, one after each pause. The pauses take no time."""
    said: list[tuple[Day, Instant]] = []
    clock: Iterator[Instant] = iter(readings)

    async def now() -> Instant:
        at = next(clock, None)
        if at is None:
            raise ClockStopped
        return at

    async def say(on: Day, at: Instant) -> None:
        said.append((on, at))

    yielded = asyncio.sleep

    async def at_once(_: float) -> None:
        await yielded(0)

    monkeypatch.setattr("streams.clock.asyncio.sleep", at_once)
    with pytest.raises(ClockStopped):
        await begin_dates(say, now)
    return said


async def test_every_date_is_said_once_when_it_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [MIDNIGHT - 70_000, MIDNIGHT - 10_000, MIDNIGHT + 90, MIDNIGHT + 60_090]
    assert await said_with(readings, monkeypatch) == [
        (day("2025-01-01"), MIDNIGHT - 70_000),
        (day("2025-01-02"), MIDNIGHT + 90),
    ]


async def test_a_machine_that_slept_says_the_date_it_wakes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [noon("2025-01-01"), noon("2025-01-09")]
    assert [on for on, _ in await said_with(readings, monkeypatch)] == [day("2025-01-01"), day("2025-01-09")]


async def test_a_clock_set_back_says_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = [noon("2025-01-02"), noon("2025-01-01"), noon("2025-01-02"), noon("2025-01-03")]
    assert [on for on, _ in await said_with(readings, monkeypatch)] == [day("2025-01-02"), day("2025-01-03")]
