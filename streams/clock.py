"""The wall clock and its Ticks: a business date begins after every midnight in Asia/Jakarta.

Every recorder says so; the journal takes each date once (its source coordinates are the date).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from schemas.dates import jakarta_day, jakarta_midnight
from schemas.records import Day, Instant

LOOK_AGAIN_S: Final = 60.0  # a clock may be set, a machine may sleep: never wait for longer in one go
AFTER_MIDNIGHT_S: Final = 0.1

Say = Callable[[Day, Instant], Awaitable[None]]
Now = Callable[[], Awaitable[Instant]]  # a clock that was held against the broker's


def now_ms() -> Instant:
    """The wall clock."""
    return time.time_ns() // 1_000_000


async def begin_dates(say: Say, now: Now) -> None:
    """Say each business date when it has begun, first the one that is, until cancelled. Looks at `now` every minute."""
    said: Day | None = None
    while True:
        at = await now()
        today = jakarta_day(at)
        if said is None or today > said:
            await say(today, at)
            said = today
        await asyncio.sleep(pause_s(at))


def pause_s(at: Instant) -> float:
    """Seconds until it is worth looking at the clock again."""
    until_midnight_s = (jakarta_midnight(jakarta_day(at) + 1) - at) / 1000
    return min(LOOK_AGAIN_S, until_midnight_s + AFTER_MIDNIGHT_S)
