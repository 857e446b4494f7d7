"""What a lane asks of whatever runs it: a Faust app (`hooks.app.LaneApp`), or a simulation of one.

So that the lanes' own code can be run where there is neither Faust nor a broker, a lane gets its records, its table and
its producers from outside.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from streams.lane.records import Batch
from streams.lane.settings import LaneSettings
from streams.lane.state import States

# Servers, and settings of an AIOKafkaProducer -> one that is started, or what stands in for it.
StartProducer = Callable[..., Awaitable[Any]]
# A stream of Faust's, whose events have `message.tp`, a Batch as `value`, and `ack`.
Work = Callable[[Any], Awaitable[None]]


class Source(Protocol):
    """The consumer that a lane reads from; `tp` is topic and partition."""

    def follow(self, tp: Any, batch: Batch) -> None:
        """A batch is about to be processed; raises Hole when something is missing before it."""

    def end_offset(self, tp: Any) -> int:
        """Where the partition ended when last heard of."""


class Table(Protocol):
    """Where the rows of a lane are durable."""

    changelog: str
    states: States


class Host(Protocol):
    """Runs lanes."""

    lane_settings: LaneSettings

    @property
    def source(self) -> Source: ...

    def add_lane(self, lane: Any, name: str, work: Work) -> None:
        """Give this lane (`hooks.app.Lane`) the records of its source topics, by calling `work` with a stream."""

    def add_table(self, owner: Any, name: str) -> Table:
        """Where the lane's rows are kept; `owner` (`hooks.table.TableOwner`) fences predecessors before."""
