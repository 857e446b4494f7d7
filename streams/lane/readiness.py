"""Whether a worker on the lane is working, and what it waits for if it is not."""

from dataclasses import dataclass
from enum import Enum


class Waiting(Enum):
    """What a worker waits for; one sentence each."""

    BROKER = "The broker does not answer, or not yet."
    ASSIGNMENT = "The consumer group has not assigned its partitions yet."
    REBALANCE = "The consumer group is rebalancing."
    STATE = "State is being recovered and reading positions are being set."
    END = "The worker is stopping."


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """What a worker knows about itself. A worker may have no partition if there are more workers than partitions."""

    knows_broker: bool = False
    is_assigned: bool = False
    rebalances: bool = False
    is_positioned: bool = False
    stops: bool = False


def waits_for(status: WorkerStatus) -> tuple[Waiting, ...]:
    """What keeps the worker from working, in order. Empty if it is working."""
    if status.stops:
        return (Waiting.END,)
    waits = []
    if not status.knows_broker:
        waits.append(Waiting.BROKER)
    if not status.is_assigned:
        waits.append(Waiting.ASSIGNMENT)
    elif status.rebalances:
        waits.append(Waiting.REBALANCE)
    elif not status.is_positioned:
        waits.append(Waiting.STATE)
    return tuple(waits)
