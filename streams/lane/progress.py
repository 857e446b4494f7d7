"""The progress of one source partition: delivered, processed and committed, without gaps, within limits."""

from collections import OrderedDict
from dataclasses import dataclass, field

from streams.lane.records import Batch
from streams.lane.stop import LaneFault


class Hole(LaneFault):
    """Records are missing between the last processed batch and the next one."""


@dataclass(slots=True)
class SourceProgress:
    """Progress since the position was set. The next batch must start at or before `expected`."""

    source: str
    expected: int
    delivered_at_s: float = 0.0
    _pending: OrderedDict[int, bool] = field(default_factory=OrderedDict)

    def stand(self) -> None:
        """Make `expected` committable: the state contains everything before it, but the group's offset is lower."""
        self._pending[self.expected] = True

    def deliver(self, batch: Batch, now_s: float) -> None:
        """Record that a batch goes to the agent. It is in flight until it is acknowledged."""
        self._pending[batch.next_offset] = False
        self.delivered_at_s = now_s

    def follow(self, batch: Batch) -> None:
        """Record that a batch is about to be processed; raises Hole if it starts after `expected`.

        A batch may start earlier and repeat records: readers recognise repeats by their offsets.
        """
        if batch.start > self.expected:
            raise Hole(f"{self.source}: batch starts at {batch.start}, expected {self.expected}")
        self.expected = max(self.expected, batch.next_offset)

    def acknowledge(self, next_offset: int) -> None:
        """The effect of the batch that ends at `next_offset` is durable."""
        if next_offset in self._pending:
            self._pending[next_offset] = True

    def committable(self) -> int | None:
        """The offset to commit: the end of the acknowledged batches before the first gap. None if that has not
        moved."""
        done = None
        for next_offset, acknowledged in list(self._pending.items()):
            if not acknowledged:
                break
            done = next_offset
            del self._pending[next_offset]
        return done

    def busy(self, *, in_flight_max: int, interval_s: float, now_s: float) -> bool:
        """Whether fetching must wait: too many batches are in flight, or the last delivery is less than `interval_s`
        ago."""
        under_way = sum(not acknowledged for acknowledged in self._pending.values())
        return under_way >= in_flight_max or now_s < self.delivered_at_s + interval_s
