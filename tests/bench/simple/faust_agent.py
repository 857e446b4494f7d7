"""The simple work as Faust's documentation teaches it: two tables, `topic.send`, default settings.

Variant `event` takes one event at a time; `take` takes many with `Stream.take_events`. The agent receives raw bytes
and decodes them itself, which is cheaper than a Faust codec.

Variant `recovery` ends when the tables are restored; `records` is the number of their rows.
"""

import sys
import weakref
from collections.abc import Iterable
from itertools import groupby
from typing import Any

import faust
from faust.streams import _current_event

from tests.bench.simple.asked import Asked, Meter
from tests.bench.simple.work import (
    NEW,
    Company,
    Event,
    alert_record,
    decode,
    decode_many,
    ledger_record,
    post,
    post_batch,
)

EVENT = "event"
TAKE = "take"
RECOVERY = "recovery"
TAKE_MAX = 5_000
TAKE_WITHIN_S = 0.3


class Agents:
    """A Faust app with one agent."""

    def __init__(self, asked: Asked) -> None:
        self._meter = Meter(asked)
        self.app = app = faust.App(
            asked.app_id,
            broker=f"kafka://{asked.bootstrap}",
            topic_partitions=asked.partitions,
            topic_allow_declare=False,
            topic_disable_leader=True,
            datadir=asked.folder,
        )
        raw: dict[str, Any] = {"key_serializer": "raw", "value_serializer": "raw"}
        source = app.topic(asked.source, key_type=bytes, value_type=bytes, **raw)
        self._ledger = app.topic(asked.ledger, key_type=bytes, value_type=bytes, **raw)
        self._alerts = app.topic(asked.alerts, key_type=bytes, value_type=bytes, **raw)
        self._workers: Any = app.Table("workers", partitions=asked.partitions, default=int)
        self._companies: Any = app.Table("companies", partitions=asked.partitions)
        app.agent(source)(self.take if asked.variant == TAKE else self.one_by_one)
        if asked.variant == RECOVERY:
            app.on_partitions_assigned.connect(self._begin)
            app.on_rebalance_complete.connect(self._recovered)

    async def _begin(self, *_: Any, **__: Any) -> None:
        self._meter.begin()

    async def _recovered(self, *_: Any, **__: Any) -> None:
        if self._meter.add(len(self._workers)):
            self._meter.say_and_end()

    async def one_by_one(self, stream: Any) -> None:
        """The idiomatic agent."""
        async for event in stream.events():
            self._meter.begin()
            await self._post(event, decode(event.value))
            if self._meter.add(1):
                await self._end()

    async def _post(self, event: Any, fact: Event) -> None:
        company_id, worker_id, message = fact["company_id"], fact["worker_id"], event.message
        before = Company(*self._companies.get(company_id, NEW))
        posted = post(fact["kind"], self._workers[worker_id], before)
        if posted is None:
            return
        self._workers[worker_id], self._companies[company_id] = posted
        company = posted[1]
        entry_id = f"{message.partition}-{message.offset}"
        await self._ledger.send(key=message.key, value=ledger_record(fact, entry_id, company))
        if company.above != before.above:
            await self._alerts.send(key=message.key, value=alert_record(company_id, entry_id, company))

    async def take(self, stream: Any) -> None:
        """Take many events at a time, and write each table row once a batch."""
        async for events in stream.take_events(TAKE_MAX, within=TAKE_WITHIN_S):
            self._meter.begin()
            in_order = sorted(events, key=lambda event: (event.message.partition, event.message.offset))
            for partition, own in groupby(in_order, key=lambda event: event.message.partition):
                await self._post_many(partition, list(own))
            if self._meter.add(len(events)):
                await self._end()

    async def _post_many(self, partition: int, events: list[Any]) -> None:
        # take_events sets no current event, but a table needs one to find the partition of its changelog.
        _current_event.set(weakref.ref(events[-1]))
        workers, companies = dict[str, int](), dict[str, Company]()
        for fact in decode_many([event.value for event in events]):
            workers[fact["worker_id"]] = self._workers[fact["worker_id"]]
            companies[fact["company_id"]] = Company(*self._companies.get(fact["company_id"], NEW))
        records = [(event.message.offset, event.message.key, event.value) for event in events]
        posted = post_batch(partition, records, workers, companies)
        await _send_all(self._ledger, posted.ledger)
        await _send_all(self._alerts, posted.alerts)
        for name, worker in posted.workers.items():
            self._workers[name] = worker
        for name, company in posted.companies.items():
            self._companies[name] = company

    async def _end(self) -> None:
        await self.app.producer.flush()
        await self.app.consumer.commit()
        self._meter.say_and_end()


async def _send_all(topic: Any, lines: Iterable[tuple[bytes, bytes]]) -> None:
    for key, value in lines:
        await topic.send(key=key, value=value)


if __name__ == "__main__":
    agents = Agents(Asked.of(sys.argv[1]))
    sys.argv = [sys.argv[0], "worker", "--without-web", "-l", "warn"]
    agents.app.main()
