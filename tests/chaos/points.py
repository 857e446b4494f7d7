"""Fault points: places in a worker at which it kills or stops itself, put around the code from outside."""

import inspect
import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from sinks.progress import Progress
from sinks.warehouse import Warehouse
from streams.lane.delivery import Delivery
from streams.lane.state import PartitionState
from streams.lane.transactions import PartitionProducers

BEFORE: Final = "before"
AFTER: Final = "after"

# name -> (class, method, when)
POINTS: Final[dict[str, tuple[type, str, str]]] = {
    "before a transaction": (PartitionProducers, "commit", BEFORE),
    "in a transaction": (AIOKafkaProducer, "commit_transaction", BEFORE),
    "after a commit": (AIOKafkaProducer, "commit_transaction", AFTER),
    "in recovery": (PartitionState, "read", BEFORE),
    "before an append": (Delivery, "send", BEFORE),
    "after an append": (Delivery, "last_offset", AFTER),
    "before an insert": (Warehouse, "insert", BEFORE),
    "after an insert": (Warehouse, "insert", AFTER),
    "after a range": (Progress, "after", AFTER),
}


@dataclass(frozen=True)
class Fault:
    """At the `at`-th time that the point is reached (from 1), the process gets the signal."""

    point: str
    at: int
    how: int = signal.SIGKILL

    def arm(self) -> None:
        """Put the fault into this process."""
        place, name, when = POINTS[self.point]
        wrap(place, name, lambda original: self._armed(original, when))

    def _armed(self, original: Callable[..., Any], when: str) -> Callable[..., Any]:
        times = itertools.count(1)

        def reach(now: str) -> None:
            if now == when and next(times) == self.at:
                os.kill(os.getpid(), self.how)

        def around(*args: Any, **options: Any) -> Any:
            reach(BEFORE)
            result = original(*args, **options)
            reach(AFTER)
            return result

        async def around_async(*args: Any, **options: Any) -> Any:
            reach(BEFORE)
            result = await original(*args, **options)
            reach(AFTER)
            return result

        return around_async if inspect.iscoroutinefunction(original) else around


def wrap(place: Any, name: str, by: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Put another function in the place of one, in this process only."""
    setattr(place, name, by(getattr(place, name)))
