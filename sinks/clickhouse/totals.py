"""Adding up full buckets of the ledger, so that figures of many companies do not read every line (README, "Buckets").

A bucket is full when an entry behind it is in ClickHouse; its lines then never change. It is added up from its lines by
an attempt with a name of its own, and counts from the moment in which `ledger_buckets` names that attempt. What an
attempt leaves that did not come to its end is never read. If lines should be written into a bucket that is added up (by
a second sink), its name is taken away first, and it is added up anew.
"""

import logging
import uuid
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

from sinks.clickhouse.buckets import CHANGES, WHERE_IN_BUCKET, Bucket, bucket_of
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.warehouse import Warehouse

LINES: Final = "ledger_lines"
ENTRIES: Final = "ledger_entries"

NEWEST: Final = "SELECT partition, max(offset) FROM ledger_entries GROUP BY partition"
TOTALLED: Final = "SELECT partition, bucket FROM ledger_buckets FINAL WHERE attempt != ''"
_SUMS: Final = ", ".join(f"sum(changes.{name})" for name in CHANGES)
_ADD_UP_DAYS: Final = f"""
INSERT INTO ledger_totals_by_day (company_id, value_on, attempt, {", ".join(CHANGES)})
SELECT company_id, value_on, {{attempt:String}}, {_SUMS}
FROM ledger_changes AS changes WHERE {WHERE_IN_BUCKET} GROUP BY company_id, value_on"""
# From the days of this attempt, which nobody else writes.
_ADD_UP_MONTHS: Final = f"""
INSERT INTO ledger_totals_by_month (company_id, month, attempt, {", ".join(CHANGES)})
SELECT company_id, toDate32(toInt64(value_on) - toDayOfMonth(value_on) + 1) AS first_day, {{attempt:String}}, {_SUMS}
FROM ledger_totals_by_day AS changes WHERE attempt = {{attempt:String}} GROUP BY company_id, first_day"""
_NAMED: Final = """
INSERT INTO ledger_buckets (partition, bucket, attempt, first_at, last_at, line_count, version)
SELECT {partition:UInt32}, {bucket:UInt64}, {attempt:String}, min(recorded_at), max(recorded_at), count(),
    1 + (SELECT max(version) FROM ledger_buckets WHERE partition = {partition:UInt32} AND bucket = {bucket:UInt64})
FROM ledger_lines FINAL WHERE """
_NAME: Final = _NAMED + WHERE_IN_BUCKET
_FORGET: Final = _NAMED + "false"

_log = logging.getLogger(__name__)


class Totals:
    """The full buckets of one database, and which of them are added up. Call `begin` once, when no range is begun."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._newest: dict[int, int] = {}  # partition -> journal offset
        self._totalled: set[Bucket] = set()

    async def begin(self) -> None:
        """Read what is there."""
        self._newest = {int(partition): int(offset) for partition, offset in await self._rows(NEWEST)}
        self._totalled = {Bucket(int(partition), int(number)) for partition, number in await self._rows(TOTALLED)}

    async def before(self, blocks: Iterable[Block]) -> None:
        """Take away the names of the buckets that these blocks write into."""
        written = {bucket for block in blocks if block.table == LINES for bucket in _buckets(block)}
        for bucket in sorted(written & self._totalled):
            await self._warehouse.patiently(f"forget what {bucket} add up to", partial(self._run, _FORGET, bucket, ""))
            self._totalled.discard(bucket)
            _log.warning("%s is written into again; it will be added up anew.", bucket)

    def after(self, blocks: Iterable[Block]) -> None:
        """Note how far the entries of these blocks go, which are in ClickHouse now."""
        for block in blocks:
            if block.table == ENTRIES:
                partition = block.columns["partition"][0]
                newest = max(block.columns["offset"])
                self._newest[partition] = max(newest, self._newest.get(partition, 0))

    def due(self) -> Bucket | None:
        """A full bucket that is not added up: the oldest of a partition."""
        for partition, newest in sorted(self._newest.items()):
            for number in range(bucket_of(partition, newest).number):
                if (bucket := Bucket(partition, number)) not in self._totalled:
                    return bucket
        return None

    async def total(self, bucket: Bucket) -> None:
        """Add up a full bucket. A try whose answer was lost may have come to its end, so each try is an attempt of its
        own."""
        await self._warehouse.patiently(f"add up {bucket}", lambda: self._attempt(bucket, uuid.uuid4().hex))
        self._totalled.add(bucket)
        _log.info("Added up %s.", bucket)

    async def _attempt(self, bucket: Bucket, attempt: str) -> None:
        for statement in (_ADD_UP_DAYS, _ADD_UP_MONTHS, _NAME):
            await self._run(statement, bucket, attempt)

    async def _run(self, statement: str, bucket: Bucket, attempt: str) -> None:
        await self._warehouse.client.command(statement, parameters={**bucket.parameters(), "attempt": attempt})

    async def _rows(self, query: str) -> Sequence[Sequence[Any]]:
        found = await self._warehouse.patiently("read totals", lambda: self._warehouse.client.query(query))
        return found.result_rows


def _buckets(block: Block) -> set[Bucket]:
    """The buckets between the first and the last offset. A block is of one partition."""
    partition, offsets = block.columns["partition"][0], block.columns["offset"]
    first, last = bucket_of(partition, min(offsets)), bucket_of(partition, max(offsets))
    return {Bucket(partition, number) for number in range(first.number, last.number + 1)}
