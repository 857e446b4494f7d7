"""The state of the partitions on disk, for one that is larger than memory: a RocksDB for each partition.

What is on disk is a copy of the changelog up to an offset, which is in the same write as the rows, and nothing is
written before it is committed. So in whatever moment a process is killed, the copy is right and at worst old: it is
read on from its offset. That is why it needs no write-ahead log either.
"""

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from streams.lane.disk_rows import RowsOnDisk, mark_of_damage, now_ms, options
from streams.lane.state import PartitionState
from streams.lane.stop import LaneFault, Refused

WORKERS_MAX: Final = 64  # that share one data folder
# Kafka keeps the removal of a row for a day (delete.retention.ms); who was away for longer may have missed one.
AGE_MAX_S: Final = 12 * 3600

log = logging.getLogger(__name__)


class StateOnDisk:
    """Partition number -> state, for the partitions that this worker owns or stands by for.

    `settle` comes first, and decides on the `folder`. `cache_bytes` is what RocksDB may hold in memory, all partitions
    together.
    """

    outlive_process = True

    def __init__(self, folder: Path, cache_bytes: int, now_ms: Callable[[], int] = now_ms) -> None:
        self._root, self._now_ms = folder, now_ms
        self._options = options(cache_bytes)
        self._parts: dict[int, tuple[PartitionState, RowsOnDisk]] = {}
        self.folder: Path | None = None
        self._claim: int | None = None

    def settle(self, changelog: str, topic_id: str) -> None:
        """Take a folder that no other worker uses, in it what is of this very topic; what is of a topic that had its
        name before is removed. Raises Refused when there is no folder to be had.
        """
        mine = self._claimed() / changelog
        self.folder = mine / topic_id
        for other in mine.glob("*"):
            if other != self.folder:
                log.info("the state on disk of a topic that is no more is removed: %s", other)
                shutil.rmtree(other)
        self.folder.mkdir(parents=True, exist_ok=True)

    def take_up(self, partition: int, begin: int, end: int | None) -> None:
        """The partition is ours from now on, and its changelog keeps [begin, end); None: somebody else writes to it.

        A state that is too old for it, or damaged, is read anew. Raises Refused when it goes beyond the changelog.
        """
        if partition in self._parts:
            return
        folder = self._place(partition)
        if mark_of_damage(folder).exists():
            self._remove(folder, "damaged")
            mark_of_damage(folder).unlink()
        rows = RowsOnDisk(folder, self._options, self._now_ms)
        cursors, contained, newest_ms = rows.kept()
        if end is not None and contained >= end:
            rows.close()
            raise Refused(
                f"the state on disk of partition {partition} contains its changelog to {contained}, but the topic ends "
                f"at {end}: it was cut. Restore it; or remove {folder}, to take the topic as it is"
            )
        if contained >= 0 and (contained < begin - 1 or self._now_ms() - newest_ms > AGE_MAX_S * 1000):
            rows.close()
            self._remove(folder, "too old")
            rows, cursors, contained = RowsOnDisk(folder, self._options, self._now_ms), {}, -1
        log.info("partition %d: the state on disk contains its changelog to %d", partition, contained)
        self._parts[partition] = PartitionState(rows, cursors, contained), rows

    def part(self, partition: int) -> PartitionState:
        """The state of a partition that was taken up."""
        if partition not in self._parts:
            raise LaneFault(f"the state on disk of partition {partition} was not taken up")
        return self._parts[partition][0]

    def drop(self, partition: int) -> None:
        """Let go of a partition that is no longer ours in any role; it stays on disk, as it may come back."""
        _, rows = self._parts.pop(partition, (None, None))
        if rows is not None:
            rows.close()

    def partitions(self) -> set[int]:
        """The partitions of which there is a state."""
        return set(self._parts)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions, for Faust's introspection."""
        return (item for part, _ in self._parts.values() for item in part.rows.items())

    def close(self) -> None:
        """Let go of everything."""
        for partition in self.partitions():
            self.drop(partition)
        if self._claim is not None:
            os.close(self._claim)
            self._claim = self.folder = None

    def _place(self, partition: int) -> Path:
        if self.folder is None:
            raise LaneFault("the state on disk was not told of which topic it is")
        return self.folder / str(partition)

    def _claimed(self) -> Path:
        """A folder of this process's own among those that share the data folder; it is free again when we end."""
        for number in range(WORKERS_MAX):
            folder = self._root / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            claim = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(claim)
            else:
                self._claim = claim
                return folder
        raise Refused(f"{WORKERS_MAX} workers keep their state in {self._root} already: give this one another folder")

    def _remove(self, folder: Path, why: str) -> None:
        log.warning("the state on disk in %s is %s: it is removed, and read from the changelog", folder, why)
        if folder.exists():
            shutil.rmtree(folder)
