"""The simple work on the batch lane: outputs, state and cursor of a batch in one transaction.

Variant `recovery` ends when the state is restored; `records` is the number of its rows.
"""

import sys
from collections.abc import Sequence

from streams.lane.app import create_app
from streams.lane.records import Committed, Effect, Record, Recovered, Rows
from streams.lane.settings import LaneSettings
from streams.lane.transactional import TransactionalLane
from streams.lane.worker import run_worker
from tests.bench.simple.asked import Asked, Meter
from tests.bench.simple.work import Company, post_batch, state_rows

STATE = "state"
RECOVERY = "recovery"


class Book:
    """The state of one partition, decoded once when it is opened."""

    def __init__(self, rows: Rows) -> None:
        self.workers = {key[1:].decode(): int(value) for key, value in rows.items() if key[:1] == b"w"}
        self.companies = {key[1:].decode(): _company(value) for key, value in rows.items() if key[:1] == b"c"}


def _company(value: bytes) -> Company:
    active, enrolled, above = map(int, value.split())
    return Company(active, enrolled, bool(above))


class SimpleWork:
    """The step of the lane."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._books: dict[int, Book] = {}

    def open(self, partition: int, rows: Rows) -> None:
        self._books[partition] = Book(rows)

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        book = self._books[partition]
        batch = ((record.offset, record.key or b"", record.value or b"") for record in records)
        posted = post_batch(partition, batch, book.workers, book.companies)
        return Effect({self._asked.ledger: posted.ledger, self._asked.alerts: posted.alerts}, state_rows(posted))


def main() -> None:
    """Run until everything is committed."""
    asked = Asked.of(sys.argv[1])
    work, meter = SimpleWork(asked), Meter(asked)
    is_recovery = asked.variant == RECOVERY

    def on_committed(done: Committed) -> None:
        if meter.add(done.records):
            meter.say_and_end()

    def on_recovered(done: Recovered) -> None:
        meter.begin_before(done.seconds)
        if meter.add(done.rows):
            meter.say_and_end()

    settings = LaneSettings(
        bootstrap=asked.bootstrap, app_id=asked.app_id, partitions=asked.partitions, data_dir=asked.path
    )
    app = create_app(settings)
    TransactionalLane(
        app,
        source_topics=[asked.source],
        state_name=STATE,
        step=work.step,
        output_topics=[asked.ledger, asked.alerts],
        on_opened=None if is_recovery else work.open,
        on_taken=meter.begin,
        on_committed=on_committed,
        on_recovered=on_recovered if is_recovery else None,
    )
    sys.exit(run_worker(app))


if __name__ == "__main__":
    main()
