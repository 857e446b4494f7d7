"""The recorder's wall clock, checked against the broker's: business dates that a wrong clock begins cannot be undone.

Nothing is stamped unless the broker reported its time shortly before and the two clocks agree (SEMANTICS 7).
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
HELD_FOR_S: Final = 90.0  # how long an answer is valid; longer than the minute after which `begin_dates` asks again

Now = Callable[[], Instant]
ElapsedS = Callable[[], float]
BrokerTime = Callable[[], Awaitable[Instant]]


class ClocksApart(Refused):
    """The recorder's clock and the broker's differ too much; the message has both."""


class NotHeld(LaneFault):
    """A stamp was requested without a valid check against the broker's clock."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The broker's time, how long the request took, and the monotonic time of the answer."""

    broker_ms: Instant
    took_ms: float
    at_s: float

    def agrees(self, now: Instant, at_s: float) -> bool:
        """Whether a wall clock that shows `now` at monotonic time `at_s` agrees with the broker's clock."""
        apart_ms = now - self.broker_ms - (at_s - self.at_s) * 1000
        # The answer may be as old as the request took, so the broker's clock may have gone on by that much.
        return -APART_MAX_MS <= apart_ms <= APART_MAX_MS + self.took_ms


class WallClock:
    """`now` is the wall clock, `elapsed_s` a monotonic clock, and `broker_time` asks the broker.

    Between two answers the monotonic clock reveals that the wall clock was set or that the machine was suspended. In
    both cases the wall clock no longer agrees with the broker's, and the broker is asked before anything is stamped.
    """

    def __init__(self, now: Now, broker_time: BrokerTime, elapsed_s: ElapsedS = time.monotonic) -> None:
        self._now, self._elapsed_s, self._broker_time = now, elapsed_s, broker_time
        self._last: Answer | None = None

    async def hold(self) -> Instant:
        """Ask the broker; returns the wall clock's time. Raises ClocksApart.

        The machine may be suspended between the broker's answer and its arrival, so a mismatch is checked once more.
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
        """Call this before stamping these records. It asks the broker if the last answer is old or the clock looks
        wrong.
        """
        now, at_s = self._now(), self._elapsed_s()
        # A record from the future: this clock is behind, or the broker's was ahead for a while.
        is_behind = records[-1].timestamp - now > APART_MAX_MS
        if is_behind or not self._agrees(now, at_s):
            await self.hold()

    def stamp(self) -> Instant:
        """The wall clock's time. Raises NotHeld if it was not checked against the broker's shortly before."""
        now, at_s = self._now(), self._elapsed_s()
        if not self._agrees(now, at_s):
            raise NotHeld(
                "the clock was not checked against the broker's, or was set a moment ago; nothing was stamped"
            )
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
