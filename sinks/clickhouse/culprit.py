"""Finding the record of a batch that ClickHouse rejects.

The search bisects the batch with inserts into the table itself, because only the table has the rule that rejects. This
stores the rows of the records before it. When the range is repeated they are stored again, and every view shows each
once (README).
"""

from collections.abc import Sequence

from sinks.clickhouse.ranges import Batch, Range, Record
from sinks.clickhouse.refusals import NotTaken, Refused, Unwritable
from sinks.clickhouse.topics import Topic
from sinks.clickhouse.warehouse import Warehouse


async def refusal_of(warehouse: Warehouse, topic: Topic, batch: Batch, table: str, refused: NotTaken) -> Refused:
    """Unwritable with the first record whose rows the table rejects; `refused` itself if it accepts each alone."""
    records = batch.records
    taken, until = 0, len(records)  # the table accepted all before `taken`; it rejects one before `until`
    while until - taken > 1:
        middle = (taken + until) // 2
        if await _takes(warehouse, topic, _part(batch, records[taken:middle]), table):
            taken = middle
        else:
            until = middle
    if await _takes(warehouse, topic, _part(batch, records[taken:until]), table):
        return refused
    return Unwritable(batch.range.topic, batch.range.partition, records[taken].offset, refused.reason)


def _part(batch: Batch, records: Sequence[Record]) -> Batch:
    of = batch.range
    return Batch.of(Range(of.topic, of.partition, records[0].offset, records[-1].offset + 1), records)


async def _takes(warehouse: Warehouse, topic: Topic, part: Batch, table: str) -> bool:
    try:
        for block in topic.blocks(part):
            if block.table == table:
                await warehouse.insert(table, block.columns, part.token(table))
    except NotTaken:
        return False
    return True
