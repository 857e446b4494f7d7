"""A steady flow of facts to a running service, and how long each waits for its ledger entry, its alert and ClickHouse.

An alert is in the transaction of its fact's ledger entry. Every fact has an entry, so the entries give more samples.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import clickhouse_connect
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]

from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.dates import jakarta_day
from schemas.kafka.client import client_options
from tests.bench.service.flow import Flow, Waited

DAYS_AGO: Final = 30
LOOK_S: Final = 0.1
ARRIVAL_LIMIT_S: Final = 60.0
# New entries only: the answer must not grow with the table.
NEW: Final = "SELECT partition, offset, event_id FROM ledger_entries WHERE "


class Waits(NamedTuple):
    """The waits of facts, from the acknowledgement of each."""

    ledger: list[Waited]
    alert: list[Waited]
    clickhouse: list[Waited]


class NotArrived(Exception):
    """A fact of the flow was never seen where it is waited for, so its wait cannot be measured."""


class Steady(Flow):
    """One flow for a whole measurement, so that no event_id comes twice. Call `begin` first."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, alerts=False, on=jakarta_day(int(time.time() * 1000)) - DAYS_AGO)
        self._alerted: dict[str, float] = {}
        self._inserted: dict[str, float] = {}
        self._looked = dict.fromkeys(range(settings.partitions), -1)  # partition -> the last offset that was seen

    async def publish(self, rate: int, seconds: float) -> None:
        """Only publish. Nothing else asks Kafka or ClickHouse."""
        beside = asyncio.ensure_future(asyncio.sleep(seconds))
        if not rate:
            await beside
            return
        async with AIOKafkaProducer(**client_options(self._settings.kafka), acks="all") as producer:
            await self._publish(producer, rate, beside)

    async def waits(self, rate: int, seconds: float) -> Waits:
        """Publish and look. The readers use some of Kafka's and ClickHouse's CPU. Raises NotArrived."""
        for seen in (self._acknowledged, self._readable, self._alerted, self._inserted):
            seen.clear()
        topics = self._settings.topics
        consumer = AIOKafkaConsumer(**client_options(self._settings.kafka), isolation_level="read_committed")
        async with consumer:
            numbers = range(self._settings.partitions)
            targets = [TopicPartition(topic, n) for topic in (topics.ledger, topics.alerts) for n in numbers]
            consumer.assign(targets)
            await consumer.seek_to_end(*targets)
            for target in targets:
                await consumer.position(target)
            watching = [asyncio.create_task(self._read(consumer)), asyncio.create_task(self._look())]
            try:
                await self.publish(rate, seconds)
                await self._arrived()
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)
        return Waits(*(self._waited(seen) for seen in (self._readable, self._alerted, self._inserted)))

    def _waited(self, seen: dict[str, float]) -> list[Waited]:
        return [Waited(at, seen[name] - at) for name, at in self._acknowledged.items() if name in seen]

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        codec, alerts = OutputCodec(), self._settings.topics.alerts
        decode: dict[str, Callable[[bytes], Any]] = {alerts: codec.decode_alert, self._output: codec.decode_ledger}
        async for record in consumer:
            seen = self._alerted if record.topic == alerts else self._readable
            seen.setdefault(decode[record.topic](record.value).event_id, time.perf_counter())

    async def _look(self) -> None:
        client = await clickhouse_connect.get_async_client(
            **self._settings.sink_settings().clickhouse_options, database=self._settings.clickhouse_database
        )
        try:
            while True:
                new = " OR ".join(f"partition = {number} AND offset > {last}" for number, last in self._looked.items())
                for number, offset, name in (await client.query(NEW + new)).result_rows:
                    self._inserted.setdefault(name, time.perf_counter())
                    self._looked[number] = max(offset, self._looked[number])
                await asyncio.sleep(LOOK_S)
        finally:
            await client.close()

    async def _arrived(self) -> None:
        until_s = time.perf_counter() + ARRIVAL_LIMIT_S
        while missing := self._missing():
            if time.perf_counter() > until_s:
                raise NotArrived(
                    f"{len(missing)} facts did not arrive within {ARRIVAL_LIMIT_S:g} s: {sorted(missing)[:3]}"
                )
            await asyncio.sleep(LOOK_S)

    def _missing(self) -> set[str]:
        acknowledged = self._acknowledged.keys()
        first = {name for name in acknowledged if name.startswith("new")}
        return (
            (acknowledged - self._readable.keys())
            | (first - self._alerted.keys())
            | (acknowledged - self._inserted.keys())
        )
