"""Whether a worker on the lane is at work: what it knows of itself, and what it waits for if it is not."""

from dataclasses import dataclass
from enum import Enum


class Waiting(Enum):
    """What a worker waits for; one sentence each."""

    BROKER = "The broker does not answer, or not yet."
    ASSIGNMENT = "The consumer group has not yet shared out its partitions."
    REBALANCE = "The consumer group is sharing out its partitions anew."
    STATE = "State is being recovered, and reading positions are being taken up."
    END = "The worker is ending."


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """The state of a worker. It may be assigned no partition, when there are more workers than partitions."""

    knows_broker: bool = False
    is_assigned: bool = False
    rebalances: bool = False
    is_positioned: bool = False
    stops: bool = False


def waits_for(status: WorkerStatus) -> tuple[Waiting, ...]:
    """Everything that keeps the worker from its work, in order; nothing when it is at work."""
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
