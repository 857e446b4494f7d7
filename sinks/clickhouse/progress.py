"""Progress: which ranges were begun and which are done, recorded in ClickHouse next to the rows.

A mark is written BEFORE the rows of a range are inserted and another AFTER. So the sink may choose ranges freely, even
by time: a begun range is repeated with the same boundaries (README, "Every row once").
"""

import hashlib
from collections.abc import Sequence

from sinks.clickhouse.marks import AFTER, BEFORE, LAST, TABLE, Mark, Partition, marks
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.warehouse import Columns, Warehouse


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
