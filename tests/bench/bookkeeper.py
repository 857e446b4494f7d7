"""The book-keeper's step: turns journal records into ledger, alerts, snapshots and changed rows, without Kafka."""

from streams.bookkeeper import Bookkeeper
from tests.bench.load import ENTRIES_PER_BATCH, GRACE_DAYS, Load
from tests.bench.row import Measure, rate


def prepare(load: Load) -> Measure:
    records, topic = load.journal, load.topics.journal

    def run() -> int:
        keeper, rows = Bookkeeper(load.topics, GRACE_DAYS), dict[bytes, bytes]()
        keeper.open(0, rows)
        for first in range(0, len(records), ENTRIES_PER_BATCH):
            keeper.step(0, topic, records[first : first + ENTRIES_PER_BATCH], rows)
        return len(records)

    return rate(run)
