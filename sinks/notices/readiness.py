"""Whether the notifier is working: it leads and its last round ended recently, or another one leads."""

import time
from collections.abc import Callable
from enum import Enum
from typing import Final

ROUND_LIMIT_S: Final = 40.0  # a round follows at least every second; storing may take COMMIT_LIMIT_S, then it ends


class Waiting(Enum):
    """What the notifier waits for; one sentence each."""

    BEGIN = "The notifier has not begun: it waits for Kafka, for its turn, or reads what was stored before."
    ROUND = f"No round has ended within {ROUND_LIMIT_S:g} s: Kafka does not take what became of the notices."


class NotifierStatus:
    """The status of a running notifier. Any thread may read it. `now` is in monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._turned_at_s: float | None = None

    def turn(self) -> None:
        """Record that a round has ended, or that another notifier leads and this one stands by."""
        self._turned_at_s = self._now()

    def waits_for(self) -> tuple[Waiting, ...]:
        """What keeps the notifier from working; empty if it is working."""
        turned_at_s = self._turned_at_s
        if turned_at_s is None:
            return (Waiting.BEGIN,)
        return (Waiting.ROUND,) if self._now() - turned_at_s > ROUND_LIMIT_S else ()
