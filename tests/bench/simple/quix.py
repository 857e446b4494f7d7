"""The simple work on Quix Streams: a StreamingDataFrame with its own state, at least once or exactly once.

It runs in its own environment, which has only quixstreams and fastavro.
"""

import sys
from typing import Any

from quixstreams import Application, State, message_context  # type: ignore[import-not-found]

from tests.bench.simple.asked import Asked, Meter
from tests.bench.simple.work import NEW, OUTSIDE, Company, alert_record, decode, ledger_record, post

COMPANY = "company"


class SimpleWork:
    """The function of the data frame. Quix Streams stores state by key, and the key is the company."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    def post(self, value: bytes, state: State) -> dict[str, bytes | None] | None:
        """A ledger record, and an alert or None. Returns None if the fact changes nothing."""
        self._meter.begin()
        fact = decode(value)
        before = Company(*state.get(COMPANY, NEW))
        posted = post(fact["kind"], state.get(fact["worker_id"], OUTSIDE), before)
        if posted is None:
            return None
        worker, company = posted
        state.set(fact["worker_id"], worker)
        state.set(COMPANY, list(company))
        context = message_context()
        entry_id = f"{context.partition}-{context.offset}"
        crossed = company.above != before.above
        alert = alert_record(fact["company_id"], entry_id, company) if crossed else None
        return {"ledger": ledger_record(fact, entry_id, company), "alert": alert}


def main() -> None:
    """Run until every record's checkpoint is committed."""
    asked = Asked.of(sys.argv[1])
    meter = Meter(asked)
    app: Any

    def count(topic: str, partition: int, offset: int) -> None:
        if meter.add(1):
            app.stop()

    app = Application(
        broker_address=asked.bootstrap,
        consumer_group=asked.app_id,
        auto_offset_reset="earliest",
        processing_guarantee=asked.variant,
        state_dir=asked.path / "state",
        on_message_processed=count,
        loglevel="WARNING",
    )
    topics = {name: app.topic(name, value_deserializer="bytes", value_serializer="bytes")
              for name in (asked.source, asked.ledger, asked.alerts)}  # fmt: skip
    posted = app.dataframe(topics[asked.source]).apply(SimpleWork(meter).post, stateful=True)
    posted = posted.filter(lambda made: made is not None)
    posted.apply(lambda made: made["ledger"]).to_topic(topics[asked.ledger])
    crossed = posted.filter(lambda made: made["alert"] is not None)
    crossed.apply(lambda made: made["alert"]).to_topic(topics[asked.alerts])
    app.run()
    meter.say_and_end()


if __name__ == "__main__":
    main()
