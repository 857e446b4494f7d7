"""The recorder's wall clock, held against the broker's: dates that a wrong clock begins cannot be taken back.

Nothing is stamped unless the broker has said shortly before what time it has, and the two agree (SEMANTICS 7).
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.dates import instant_text, is_instant
from schemas.records import Instant
from streams.lane.records import Record
from streams.lane.stop import LaneFault, Refused

APART_MAX_MS: Final = 3_600_000  # between the recorder's clock and the broker's
HELD_FOR_S: Final = 90.0  # after an answer; above the minute in which `begin_dates` asks again

Now = Callable[[], Instant]
ElapsedS = Callable[[], float]
BrokerTime = Callable[[], Awaitable[Instant]]


class ClocksApart(Refused):
    """The recorder's clock and the broker's are apart; the message says both."""


class NotHeld(LaneFault):
    """A stamp was asked for that nobody has held against the broker's clock."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The time of the broker, how long it took to learn it, and what the monotonic clock showed then."""

    broker_ms: Instant
    took_ms: float
    at_s: float

    def agrees(self, now: Instant, at_s: float) -> bool:
        """Whether the wall clock may show this at that monotonic time, the broker's clock having gone on evenly."""
        apart_ms = now - self.broker_ms - (at_s - self.at_s) * 1000
        # Since its answer the broker's clock has gone on by no more than it took to learn it.
        return -APART_MAX_MS <= apart_ms <= APART_MAX_MS + self.took_ms


class WallClock:
    """`now` is the clock, `elapsed_s` a monotonic one, which nobody sets; `broker_time` asks the broker.

    Between two answers the monotonic clock tells a wall clock that is set, or a machine that slept: both show as a wall
    clock that has left the broker's, and the broker is asked anew before anything is stamped.
    """

    def __init__(self, now: Now, broker_time: BrokerTime, elapsed_s: ElapsedS = time.monotonic) -> None:
        self._now, self._elapsed_s, self._broker_time = now, elapsed_s, broker_time
        self._last: Answer | None = None

    async def hold(self) -> Instant:
        """Ask the broker; the wall clock's time. Raises ClocksApart.

        A machine that falls asleep between the broker's answer and its arrival is no fault: it is asked once more.
        """
        for _ in range(2):
            asked_s = self._elapsed_s()
            broker_ms = await self._broker_time()
            now, at_s = self._now(), self._elapsed_s()
            answer = Answer(broker_ms, (at_s - asked_s) * 1000, at_s)
            if answer.agrees(now, at_s):
                self._last = answer
                return now
        raise ClocksApart(_apart(now, broker_ms))

    async def before_step(self, records: Sequence[Record]) -> None:
        """Before these are stamped: ask the broker if it is time, or if anything speaks against the clock."""
        now, at_s = self._now(), self._elapsed_s()
        # Nobody has appended a record later than now, so the clock is behind; or the broker's was ahead for a while.
        is_behind = records[-1].timestamp - now > APART_MAX_MS
        if is_behind or not self._agrees(now, at_s):
            await self.hold()

    def stamp(self) -> Instant:
        """The wall clock's time. Raises NotHeld when it was not held against the broker's shortly before."""
        now, at_s = self._now(), self._elapsed_s()
        if not self._agrees(now, at_s):
            raise NotHeld("the clock was not held against the broker's, or was set a moment ago; nothing was stamped")
        return now

    def _agrees(self, now: Instant, at_s: float) -> bool:
        last = self._last
        return last is not None and at_s - last.at_s <= HELD_FOR_S and last.agrees(now, at_s)


def _apart(now: Instant, broker_ms: Instant) -> str:
    hours = abs(now - broker_ms) / APART_MAX_MS
    return (
        f"the recorder's clock says {_text(now)} and the broker's {_text(broker_ms)}: {hours:,.1f} hours apart, and no "
        "more than one is allowed. Nothing was stamped. See which of the two machines is wrong (`date -u`, "
        "`timedatectl` on both), put its clock right, and start the recorder again"
    )


def _text(at: Instant) -> str:
    return instant_text(at) if is_instant(at) else f"{at} ms since 1970"
