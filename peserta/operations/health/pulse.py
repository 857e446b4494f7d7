"""The pulse of an event loop: that it turns, seen from another thread."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

BEAT_S: Final = 0.5
# Above the longest thing that a worker does without awaiting: building the books of large partitions.
SILENCE_LIMIT_S: Final = 30.0


class Pulse:
    """Beats on a loop from `start` on. Silence counts from the construction: a loop that never turns is dead too."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beaten_at_s = now()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Beat whenever this loop turns, until it is closed."""
        self._beaten_at_s = self._now()
        loop.call_later(BEAT_S, self.start, loop)

    def silence_s(self) -> float:
        """Seconds since the last beat."""
        return self._now() - self._beaten_at_s

    def is_alive(self) -> bool:
        """Whether the loop turns."""
        return self.silence_s() <= SILENCE_LIMIT_S
