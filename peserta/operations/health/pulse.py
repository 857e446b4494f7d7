"""The pulse of an event loop: shows other threads that the loop still runs."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

BEAT_S: Final = 0.5
# Longer than the longest work that a worker does without awaiting: loading the books of large partitions.
SILENCE_LIMIT_S: Final = 30.0


class Pulse:
    """Beats on a loop after `start`. Silence counts from construction, so that a loop that never runs is dead too."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._beaten_at_s = now()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Beat on this loop until it is closed."""
        self._beaten_at_s = self._now()
        loop.call_later(BEAT_S, self.start, loop)

    def silence_s(self) -> float:
        """Seconds since the last beat."""
        return self._now() - self._beaten_at_s

    def is_alive(self) -> bool:
        """Whether the loop has run within SILENCE_LIMIT_S."""
        return self.silence_s() <= SILENCE_LIMIT_S
