"""Whether the sink is working: it has begun, and its last round ended recently."""

import time
from collections.abc import Callable
from enum import Enum
from typing import Final

ROUND_LIMIT_S: Final = 30.0  # a full round takes a second or two; empty rounds follow several times a second


class Waiting(Enum):
    """What the sink waits for; one sentence each."""

    BEGIN = "The sink has not begun: it waits for ClickHouse, Kafka or the topics, or finishes what was begun before."
    ROUND = f"No round has ended within {ROUND_LIMIT_S:g} s: ClickHouse does not take the rows."


class SinkStatus:
    """The status of a running sink, updated by its loop. Any thread may read it. `now` is in monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._carried_at_s: float | None = None

    def carry(self) -> None:
        """Record that the sink has begun, or that a round has ended, with or without records."""
        self._carried_at_s = self._now()

    def waits_for(self) -> tuple[Waiting, ...]:
        """What keeps the sink from working; empty if it is working."""
        carried_at_s = self._carried_at_s
        if carried_at_s is None:
            return (Waiting.BEGIN,)
        return (Waiting.ROUND,) if self._now() - carried_at_s > ROUND_LIMIT_S else ()
