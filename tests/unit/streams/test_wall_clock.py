"""The recorder compares its wall clock with the broker's. Whatever changes the clock, no stamp is over an hour off."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.records import Instant
from streams.wall_clock import APART_MAX_MS, HELD_FOR_S, ClocksApart, NotHeld, WallClock
from tests.support.facts import noon
from tests.support.raw_records import RawRecord

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ANSWER_MAX_MS = 30_000
NOW = noon("2025-09-03")
YEAR_2052_MS = 27 * 365 * DAY_MS


@dataclass
class Machines:
    """The recorder's machine and the broker's. The recorder's clock is `off_ms` ahead of the broker's."""

    off_ms: int = 0
    answer_ms: int = 0
    broker_ms: Instant = NOW
    monotonic_s: float = 50.0
    asked: int = 0
    asleep_in_answers_ms: list[int] = field(default_factory=list)

    def now(self) -> Instant:
        return self.broker_ms + self.off_ms

    async def broker_time(self) -> Instant:
        """The broker's time. Half of the delay passes before the broker reads its clock, half after it."""
        self.asked += 1
        self.passes(self.answer_ms // 2)
        answer = self.broker_ms
        self.passes(self.answer_ms // 2)
        if self.asleep_in_answers_ms:
            self.sleeps(self.asleep_in_answers_ms.pop())
        return answer

    def passes(self, ms: int) -> None:
        self.broker_ms += ms
        self.monotonic_s += ms / 1000

    def sleeps(self, ms: int) -> None:
        """The recorder's machine sleeps, and its wall clock continues."""
        self.broker_ms += ms

    def freezes(self, ms: int) -> None:
        """The recorder's virtual machine is frozen, and its wall clock with it."""
        self.broker_ms += ms
        self.off_ms -= ms

    def is_set(self, ms: int) -> None:
        """An operator sets the recorder's clock."""
        self.off_ms += ms

    def fresh(self) -> Sequence[RawRecord]:
        """A batch whose last record the broker has just appended."""
        return [RawRecord(0, b"k", b"v", 0), RawRecord(1, b"k", b"v", self.broker_ms)]

    def clock(self) -> WallClock:
        return WallClock(self.now, self.broker_time, lambda: self.monotonic_s)


async def stamped(clock: WallClock, records: Sequence[RawRecord]) -> Instant:
    """The stamp of a batch, obtained like the lane obtains it."""
    await clock.before_step(records)
    return clock.stamp()


SPANS = st.one_of(
    st.integers(-3 * HOUR_MS, 3 * HOUR_MS),
    st.integers(-40 * DAY_MS, 40 * DAY_MS),
    st.sampled_from([HOUR_MS, HOUR_MS + 1, -HOUR_MS, -HOUR_MS - 1, YEAR_2052_MS]),
)
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("passes"), st.integers(0, 200_000)),
        st.tuples(st.just("sleeps"), st.integers(0, 3 * DAY_MS)),
        st.tuples(st.just("freezes"), st.integers(0, 3 * DAY_MS)),
        st.tuples(st.just("is_set"), SPANS),
        st.tuples(st.sampled_from(["batch", "tick"]), st.just(0)),
    ),
    max_size=30,
)


@given(off_ms=SPANS | st.just(0), answer_ms=st.integers(0, ANSWER_MAX_MS), events=EVENTS)
@example(off_ms=0, answer_ms=0, events=[("batch", 0), ("is_set", YEAR_2052_MS), ("batch", 0)])
@example(off_ms=APART_MAX_MS, answer_ms=2, events=[("batch", 0)])
@example(off_ms=APART_MAX_MS + 1, answer_ms=2, events=[("batch", 0)])
@example(off_ms=0, answer_ms=0, events=[("batch", 0), ("freezes", 2 * HOUR_MS), ("batch", 0)])
def test_no_stamp_is_an_hour_off_and_no_clock_is_refused_that_is_not(
    off_ms: int, answer_ms: int, events: list[tuple[str, int]]
) -> None:
    """The limits are exact except for the time that the broker takes to answer."""
    machines = Machines(off_ms, answer_ms)

    async def live() -> None:
        clock = machines.clock()
        for event, ms in events:
            if event in ("batch", "tick"):
                try:
                    at = await (clock.hold() if event == "tick" else stamped(clock, machines.fresh()))
                except ClocksApart:
                    assert abs(machines.off_ms) > APART_MAX_MS
                    clock = machines.clock()
                else:
                    assert at == machines.now()
                    assert abs(machines.off_ms) <= APART_MAX_MS + answer_ms
            else:
                getattr(machines, event)(ms)

    asyncio.run(live())


@pytest.mark.parametrize("off_ms", [-APART_MAX_MS, -1, 0, APART_MAX_MS])
async def test_an_hour_apart_is_allowed(off_ms: int) -> None:
    machines = Machines(off_ms)
    assert await stamped(machines.clock(), machines.fresh()) == NOW + off_ms


@pytest.mark.parametrize("off_ms", [-YEAR_2052_MS, -APART_MAX_MS - 1, APART_MAX_MS + 1, YEAR_2052_MS, 10**17])
async def test_more_is_refused_before_the_first_stamp_with_both_times_and_what_to_do(off_ms: int) -> None:
    machines = Machines(off_ms)
    for ask in (machines.clock().hold(), stamped(machines.clock(), machines.fresh())):
        with pytest.raises(ClocksApart, match=r"recorder's clock says .* broker's 2025-09-03T05:00:00") as refused:
            await ask
    assert "Nothing was stamped" in str(refused.value) and "start the recorder again" in str(refused.value)


async def test_a_clock_that_was_never_held_stamps_nothing() -> None:
    with pytest.raises(NotHeld):
        Machines().clock().stamp()


async def test_a_clock_set_between_the_question_and_the_stamp_stamps_nothing() -> None:
    machines = Machines()
    clock = machines.clock()
    await clock.before_step(machines.fresh())
    machines.is_set(YEAR_2052_MS)
    with pytest.raises(NotHeld):
        clock.stamp()


async def test_a_broker_that_has_just_answered_is_not_asked_for_every_batch() -> None:
    machines = Machines()
    clock = machines.clock()
    for _ in range(10):
        await stamped(clock, machines.fresh())
        machines.passes(int(HELD_FOR_S * 100))
    assert machines.asked == 1
    machines.passes(1)
    await stamped(clock, machines.fresh())
    assert machines.asked == 2


async def test_old_records_are_no_sign_of_a_wrong_clock() -> None:
    machines = Machines()
    clock = machines.clock()
    for at in (machines.broker_ms - 30 * DAY_MS, machines.broker_ms):
        await stamped(clock, [RawRecord(0, b"k", b"v", at)])
    assert machines.asked == 1


async def test_records_from_a_time_in_which_the_brokers_clock_was_ahead_do_not_stop_a_recorder_that_is_right() -> None:
    machines = Machines()
    ahead = [RawRecord(0, b"k", b"v", machines.broker_ms + YEAR_2052_MS)]
    assert await stamped(machines.clock(), ahead) == NOW


async def test_a_machine_that_falls_asleep_while_the_answer_comes_asks_once_more() -> None:
    machines = Machines(asleep_in_answers_ms=[8 * HOUR_MS])
    clock = machines.clock()
    assert await clock.hold() == NOW + 8 * HOUR_MS
    assert machines.asked == 2
