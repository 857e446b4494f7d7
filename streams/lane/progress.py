"""How far one source partition is: delivered, processed, committed; no gap between, no more under way than allowed."""

from collections import OrderedDict
from dataclasses import dataclass, field

from streams.lane.records import Batch
from streams.lane.stop import LaneFault


class Hole(LaneFault):
    """Records lie between what was processed and what came next."""


@dataclass(slots=True)
class SourceProgress:
    """Of one source partition since its position was set; the next batch may start at `expected` at the latest."""

    source: str
    expected: int
    delivered_at_s: float = 0.0
    _pending: OrderedDict[int, bool] = field(default_factory=OrderedDict)

    def stand(self) -> None:
        """Everything before `expected` is contained already, though the group does not know: commit that position."""
        self._pending[self.expected] = True

    def deliver(self, batch: Batch, now_s: float) -> None:
        """A batch goes to the agent: it counts as under way until it is acknowledged."""
        self._pending[batch.next_offset] = False
        self.delivered_at_s = now_s

    def follow(self, batch: Batch) -> None:
        """A batch is about to be processed; raises Hole when it does not follow what was processed before.

        A batch that starts earlier repeats something, which is allowed: readers know repeats by their offsets.
        """
        if batch.start > self.expected:
            raise Hole(f"{self.source}: batch starts at {batch.start}, expected {self.expected}")
        self.expected = max(self.expected, batch.next_offset)

    def acknowledge(self, next_offset: int) -> None:
        """The effect of the batch that ends at `next_offset` is durable."""
        if next_offset in self._pending:
            self._pending[next_offset] = True

    def committable(self) -> int | None:
        """The offset to commit: the end of what is acknowledged without a gap; None if that is nothing new."""
        done = None
        for next_offset, acknowledged in list(self._pending.items()):
            if not acknowledged:
                break
            done = next_offset
            del self._pending[next_offset]
        return done

    def busy(self, *, in_flight_max: int, interval_s: float, now_s: float) -> bool:
        """Whether fetching must wait: enough batches are under way, or the last one was delivered only just now."""
        under_way = sum(not acknowledged for acknowledged in self._pending.values())
        return under_way >= in_flight_max or now_s < self.delivered_at_s + interval_s
