"""Marks of progress, as the table `sink_progress` has them: for the sink, and for readers of how far it has come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sinks.clickhouse.ranges import Range

BEFORE: Final = "before"
AFTER: Final = "after"
TABLE: Final = "sink_progress"

Partition: TypeAlias = tuple[str, int]

# Whoever asks how far ClickHouse has come asks this, and reads the answer with `marks`.
LAST: Final = "SELECT topic, partition, first, next, stage, sha256 FROM sink_progress FINAL"


@dataclass(frozen=True, slots=True)
class Mark:
    """The last mark of a partition."""

    range: Range
    stage: str
    sha256: str

    @property
    def position(self) -> int:
        """All records before this offset are in ClickHouse."""
        return self.range.next if self.stage == AFTER else self.range.first


def marks(rows: Iterable[Sequence[Any]]) -> dict[Partition, Mark]:
    """The last mark of each partition that has one, from the rows of LAST."""
    read = (Mark(Range(*row[:4]), row[4], row[5]) for row in rows)
    return {(mark.range.topic, mark.range.partition): mark for mark in read}
