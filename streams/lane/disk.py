"""State on disk, for state that is larger than memory: one RocksDB per partition.

The files are a copy of the changelog up to an offset. One write holds the rows and that offset, and nothing is written
before it is committed. So whenever a process is killed, the files are correct and at worst old, and recovery reads the
changelog from their offset. No write-ahead log is needed for the same reason.
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

WORKERS_MAX: Final = 64  # workers that share one data folder
# Kafka keeps tombstones for a day (delete.retention.ms); files that are older may have missed one.
AGE_MAX_S: Final = 12 * 3600

log = logging.getLogger(__name__)


class StateOnDisk:
    """Partition number -> state, for the partitions that this worker owns or is a standby for.

    Call `settle` first: it chooses the `folder`. `cache_bytes` limits RocksDB's memory for all partitions together.
    """

    outlive_process = True

    def __init__(self, folder: Path, cache_bytes: int, now_ms: Callable[[], int] = now_ms) -> None:
        self._root, self._now_ms = folder, now_ms
        self._options = options(cache_bytes)
        self._parts: dict[int, tuple[PartitionState, RowsOnDisk]] = {}
        self.folder: Path | None = None
        self._claim: int | None = None

    def settle(self, changelog: str, topic_id: str) -> None:
        """Lock a folder that no other worker uses, and remove files of earlier topics with this name from it.

        Raises Refused if no folder is free.
        """
        mine = self._claimed() / changelog
        self.folder = mine / topic_id
        for other in mine.glob("*"):
            if other != self.folder:
                log.info("the state on disk of a topic that is no more is removed: %s", other)
                shutil.rmtree(other)
        self.folder.mkdir(parents=True, exist_ok=True)

    def take_up(self, partition: int, begin: int, end: int | None) -> None:
        """Open the files of an assigned partition whose changelog holds [begin, end); `end` is None for a standby.

        Files that are too old or damaged are removed, so that recovery reads the changelog from its beginning. Raises
        Refused if the files go beyond the end of the changelog.
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
                f"at {end}: it was truncated. Restore it; or remove {folder}, to take the topic as it is"
            )
        if contained >= 0 and (contained < begin - 1 or self._now_ms() - newest_ms > AGE_MAX_S * 1000):
            rows.close()
            self._remove(folder, "too old")
            rows, cursors, contained = RowsOnDisk(folder, self._options, self._now_ms), {}, -1
        log.info("partition %d: the state on disk contains its changelog to %d", partition, contained)
        self._parts[partition] = PartitionState(rows, cursors, contained), rows

    def part(self, partition: int) -> PartitionState:
        """The state of a partition for which `take_up` was called; raises LaneFault for another."""
        if partition not in self._parts:
            raise LaneFault(f"the state on disk of partition {partition} was not taken up")
        return self._parts[partition][0]

    def drop(self, partition: int) -> None:
        """Close a partition that this worker neither owns nor is a standby for. Its files stay: it may come back."""
        _, rows = self._parts.pop(partition, (None, None))
        if rows is not None:
            rows.close()

    def partitions(self) -> set[int]:
        """The partitions that are open."""
        return set(self._parts)

    def items(self) -> Iterable[tuple[bytes, bytes]]:
        """All rows of all partitions, for Faust's introspection."""
        return (item for part, _ in self._parts.values() for item in part.rows.items())

    def close(self) -> None:
        """Close all partitions and release the folder."""
        for partition in self.partitions():
            self.drop(partition)
        if self._claim is not None:
            os.close(self._claim)
            self._claim = self.folder = None

    def _place(self, partition: int) -> Path:
        if self.folder is None:
            raise LaneFault("the state on disk does not know its topic: settle was not called")
        return self.folder / str(partition)

    def _claimed(self) -> Path:
        """A numbered folder inside the data folder, locked until this process ends."""
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
