"""The interface between a lane and what runs it: a Faust app (`hooks.app.LaneApp`) or a simulation.

A lane gets its records, its table and its producers from outside, so that its own code runs without Faust and without a
broker.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from streams.lane.records import Batch
from streams.lane.settings import LaneSettings
from streams.lane.state import States

# (servers, **settings of an AIOKafkaProducer) -> a started producer, or a stand-in.
StartProducer = Callable[..., Awaitable[Any]]
# Takes a Faust stream whose events have `message.tp`, a Batch as `value`, and `ack`.
Work = Callable[[Any], Awaitable[None]]


class Source(Protocol):
    """The consumer that a lane reads from; `tp` is topic and partition."""

    def follow(self, tp: Any, batch: Batch) -> None:
        """Call this before a batch is processed; raises Hole if records before it are missing."""

    def end_offset(self, tp: Any) -> int:
        """The partition's end, as the broker last reported it."""


class Table(Protocol):
    """The durable storage of a lane's rows."""

    changelog: str
    states: States


class Host(Protocol):
    """Runs lanes."""

    lane_settings: LaneSettings

    @property
    def source(self) -> Source: ...

    def add_lane(self, lane: Any, name: str, work: Work) -> None:
        """Register a lane (`hooks.app.Lane`) and call `work` with a stream of its source topics."""

    def add_table(self, owner: Any, name: str) -> Table:
        """The table for the lane's rows. Recovery starts after `owner` (`hooks.table.TableOwner`) fenced
        predecessors."""
