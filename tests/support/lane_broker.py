"""A fake of the consumer's thread: a broker's answers as plain values, and the requests that it received."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from streams.lane.records import Batch


@dataclass
class FakeThread:
    """Replaces the hooks' `ConsumerThread`: `logs` has the beginning and end of each partition, `fetches` the next
    batches.

    `during` is called during a fetch, to let something happen in the middle of it.
    """

    assigned: set[TP]
    logs: dict[TP, tuple[int, int]]
    offsets: dict[TP, int | None] = field(default_factory=dict)
    undecided: dict[TP, int] = field(default_factory=dict)  # how many records behind the end cannot be read yet
    fetches: list[dict[TP, Batch]] = field(default_factory=list)
    during: Callable[[], None] = lambda: None
    asked: list[set[TP]] = field(default_factory=list)
    sought: dict[TP, int] = field(default_factory=dict)

    def assignment(self) -> set[TP]:
        return set(self.assigned)

    async def getmany(self, active: set[TP], wait_s: float) -> dict[TP, Batch]:
        self.asked.append(set(active))
        self.during()
        return self.fetches.pop(0) if self.fetches else {}

    async def highwaters(self, *partitions: TP) -> dict[TP, int]:
        return {tp: self.logs[tp][1] for tp in partitions}

    async def written(self, partitions: Iterable[TP]) -> dict[TP, int]:
        return {tp: self.logs[tp][1] + self.undecided.get(tp, 0) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> dict[TP, int]:
        return {tp: self.logs[tp][0] for tp in partitions}

    async def committed(self, partitions: Iterable[TP]) -> dict[TP, int | None]:
        return {tp: self.offsets.get(tp) for tp in partitions}

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self.sought.update(partitions)

    def highwater(self, tp: TP) -> int:
        return self.logs[tp][1]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the fake broker was asked for {name}")
