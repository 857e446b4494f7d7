"""Progress: which ranges were begun and which are done, recorded in ClickHouse next to the rows.

A mark is written BEFORE the rows of a range are inserted and another AFTER. So the sink may choose ranges freely, even
by time: a begun range is repeated with the same boundaries (README, "Every row once").
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.warehouse import Columns, Warehouse

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


class Progress:
    """The table `sink_progress` of one database."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def last(self) -> dict[Partition, Mark]:
        """The last mark of each partition that has one."""
        found = await self._warehouse.patiently("read progress", lambda: self._warehouse.client.query(LAST))
        return marks(found.result_rows)

    async def before(self, batches: Sequence[Batch]) -> None:
        """Record that these ranges will be inserted."""
        await self._write(BEFORE, batches)

    async def after(self, batches: Sequence[Batch]) -> None:
        """Record that these ranges are in ClickHouse."""
        await self._write(AFTER, batches)

    async def _write(self, stage: str, batches: Sequence[Batch]) -> None:
        if not batches:
            return
        columns = _columns(stage, batches)
        content = hashlib.sha256(repr(columns).encode()).hexdigest()
        await self._warehouse.insert(TABLE, columns, f"{TABLE}:{stage}:{content}")


def _columns(stage: str, batches: Sequence[Batch]) -> Columns:
    ranges = [batch.range for batch in batches]
    return {
        "topic": [r.topic for r in ranges],
        "partition": [r.partition for r in ranges],
        "first": [r.first for r in ranges],
        "next": [r.next for r in ranges],
        "stage": [stage] * len(ranges),
        "sha256": [batch.sha256 for batch in batches],
        "version": [2 * r.next + (stage == AFTER) for r in ranges],
    }
