"""Ticks of the wall clock: a business date begins at midnight in Asia/Jakarta.

Every recorder sends a Tick for each date. The book takes each date once, because a Tick's source coordinates are its
date.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from schemas.dates import jakarta_day, jakarta_midnight
from schemas.records import Day, Instant

LOOK_AGAIN_S: Final = 60.0  # the longest wait: the clock may be set, or the machine may be suspended
AFTER_MIDNIGHT_S: Final = 0.1

Say = Callable[[Day, Instant], Awaitable[None]]
Now = Callable[[], Awaitable[Instant]]  # a clock that was checked against the broker's


def now_ms() -> Instant:
    """The wall clock."""
    return time.time_ns() // 1_000_000


async def begin_dates(say: Say, now: Now) -> None:
    """Call `say` with the current business date, then with each further one when it begins, until cancelled.

    Reads `now` every minute.
    """
    said: Day | None = None
    while True:
        at = await now()
        today = jakarta_day(at)
        if said is None or today > said:
            await say(today, at)
            said = today
        await asyncio.sleep(pause_s(at))


def pause_s(at: Instant) -> float:
    """Seconds until the clock must be read again."""
    until_midnight_s = (jakarta_midnight(jakarta_day(at) + 1) - at) / 1000
    return min(LOOK_AGAIN_S, until_midnight_s + AFTER_MIDNIGHT_S)
