"""The sink's decoding: turns records of a topic into columns that are ready to insert, without ClickHouse."""

from collections.abc import Sequence

from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.topics import topics
from streams.bookkeeper import Bookkeeper
from tests.bench.load import GRACE_DAYS, Load
from tests.bench.row import Measure, rate
from tests.support.raw_records import RawRecord

RECORDS_PER_RANGE = 10_000


def prepare(load: Load) -> Measure:
    """Rows a second of journal and ledger together, in the proportion that the service writes."""
    read = topics(load.topics)
    batches = [
        (read[topic], Batch.of(Range(topic, 0, first, first + len(part)), part))
        for topic, records in ((load.topics.journal, load.journal), (load.topics.ledger, _ledger(load)))
        for first in range(0, len(records), RECORDS_PER_RANGE)
        for part in (records[first : first + RECORDS_PER_RANGE],)
    ]

    def run() -> int:
        blocks = [block for topic, batch in batches for block in topic.blocks(batch)]
        return sum(len(next(iter(block.columns.values()))) for block in blocks)

    return rate(run)


def _ledger(load: Load) -> Sequence[RawRecord]:
    keeper, rows = Bookkeeper(load.topics, GRACE_DAYS), dict[bytes, bytes]()
    keeper.open(0, rows)
    said = keeper.step(0, load.topics.journal, load.journal, rows).outputs[load.topics.ledger]
    return [RawRecord(offset, key, value) for offset, (key, value) in enumerate(said)]
