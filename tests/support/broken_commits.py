"""What the book-keeper's lane commits, and the clock of the recorder, with a known defect: for the simulation, which
puts such parts in, and for chaos, which takes a guard out of a running process."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias

from schemas.records import Instant
from streams.core.rows import source_key
from streams.lane.cursors import CURSOR_PREFIX
from streams.lane.records import KeyValue, Record
from streams.wall_clock import WallClock

Outputs: TypeAlias = Mapping[str, Sequence[KeyValue]]
Commit: TypeAlias = Callable[[int, Outputs], Awaitable[dict[str, int]]]  # partition, records by topic -> last offsets

CHANGELOG_END: Final = "-changelog"
SOURCE_PREFIX: Final = source_key("", 0)[:1]


def cursor_first(commit: Commit) -> Commit:
    """Rows and cursor are committed in a transaction of their own, before what they stand for."""

    async def in_two(partition: int, outputs: Outputs) -> dict[str, int]:
        state = {topic: lines for topic, lines in outputs.items() if topic.endswith(CHANGELOG_END)}
        effect = {topic: lines for topic, lines in outputs.items() if topic not in state}
        last = await commit(partition, state)
        return last | (await commit(partition, effect) if effect else {})

    return in_two


def cursors_kept_back(commit: Commit) -> Commit:
    """Cursors are written with the first batch of a partition and never again: the lane's and the book's own, each of
    which alone would still hold."""
    written: set[int] = set()

    async def stale(partition: int, outputs: Outputs) -> dict[str, int]:
        if partition in written:
            outputs = {topic: _without_cursors(topic, lines) for topic, lines in outputs.items()}
        written.add(partition)
        return await commit(partition, outputs)

    return stale


def _without_cursors(topic: str, lines: Sequence[KeyValue]) -> Sequence[KeyValue]:
    """Of a changelog: without cursors, unless there is nothing else."""
    if not topic.endswith(CHANGELOG_END):
        return lines
    return [line for line in lines if not (line[0] or b"").startswith((CURSOR_PREFIX, SOURCE_PREFIX))] or lines


class UnheldClock(WallClock):
    """Stamps with whatever the machine's clock says; the broker is not asked."""

    async def hold(self) -> Instant:
        return self._now()

    async def before_step(self, records: Sequence[Record]) -> None:
        pass

    def stamp(self) -> Instant:
        return self._now()
