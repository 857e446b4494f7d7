"""A steady flow of facts, and the wait of each from its acknowledgement until its output can be read.

Every tenth fact is the first hire of a company, so it fires an alert. The others are hires of companies whose alert has
already fired. Publisher and reader run in this process and use a part of the machine.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from peserta.intake.reference import changes, send
from peserta.operations.kafka_reading import wait_until_worked
from peserta.settings import Settings
from schemas.codec import InboundCodec, OutputCodec
from schemas.dates import day
from schemas.kafka.client import client_options
from schemas.records import Day, Fact, Policy
from schemas.vocabulary import HIRE
from tests.bench.service.book import WORK_LIMIT_S
from tests.support.facts import noon

ON: Final = day("2025-06-02")
NEW_COMPANY_EVERY: Final = 10
STANDING_COMPANIES: Final = 200
TICK_S: Final = 0.004
LOOK_EVERY_S: Final = 0.05
REST_LIMIT_S: Final = 60.0
EVERYBODY: Final = Policy("everybody", 10_000, day("2024-01-01"), min_active=1, hysteresis_bp=0)


class Waited(NamedTuple):
    """The wait of a fact, and the time of its acknowledgement in seconds of the monotonic clock."""

    at_s: float
    seconds: float


class Flow:
    """Publishes to a book's inbound topic and reads one of its outputs: `alerts`, or the ledger. The facts are
    effective `on` this day."""

    def __init__(self, settings: Settings, *, alerts: bool, on: Day = ON) -> None:
        self._settings, self._alerts, self._on = settings, alerts, on
        self._facts = _facts(on)
        self._acknowledged: dict[str, float] = {}
        self._readable: dict[str, float] = {}
        decode = OutputCodec().decode_alert if alerts else OutputCodec().decode_ledger
        self._decode: Callable[[bytes], Any] = decode
        topics = settings.topics
        self._source, self._output = topics.facts, topics.alerts if alerts else topics.ledger

    async def begin(self) -> None:
        """Publish a policy that every company breaks, and wait until every partition knows it."""
        kafka, streams = self._settings.kafka, self._settings.stream_settings()
        policies, journal = streams.topics.policies, streams.topics.journal
        await send(kafka, policies, changes([EVERYBODY], {}), timestamp=noon(self._on))
        await wait_until_worked(kafka, streams.recorder_app, [policies], WORK_LIMIT_S)
        await wait_until_worked(kafka, streams.bookkeeper_app, [journal], WORK_LIMIT_S)

    async def run(self, rate: int, during: Awaitable[None]) -> list[Waited]:
        """Publish `rate` facts a second while `during` runs. Raises tenacity.RetryError if an output never appears."""
        self._acknowledged.clear()
        self._readable.clear()
        consumer = AIOKafkaConsumer(**client_options(self._settings.kafka), isolation_level="read_committed")
        producer = AIOKafkaProducer(**client_options(self._settings.kafka), acks="all", enable_idempotence=True)
        await consumer.start()
        await producer.start()
        try:
            targets = [TopicPartition(self._output, number) for number in range(self._settings.partitions)]
            consumer.assign(targets)
            await consumer.seek_to_end(*targets)
            reading = asyncio.create_task(self._read(consumer))
            beside = asyncio.ensure_future(during)
            await self._publish(producer, rate, beside)
            await beside
            await self._wait_until_all_readable()
            reading.cancel()
        finally:
            await producer.stop()
            await consumer.stop()
        return [Waited(at, self._readable[name] - at) for name, at in self._acknowledged.items()]

    async def _publish(self, producer: AIOKafkaProducer, rate: int, beside: asyncio.Future[None]) -> None:
        began_s, sent = time.perf_counter(), 0
        while not beside.done():
            for _ in range(int((time.perf_counter() - began_s) * rate) - sent):
                name, key, value = next(self._facts)
                future = await producer.send(self._source, value, key=key, timestamp_ms=noon(self._on))
                if self._causes_output(name):
                    future.add_done_callback(lambda _, name=name: self._acknowledge(name))
                sent += 1
            await asyncio.sleep(TICK_S)
        await producer.flush()

    def _causes_output(self, name: str) -> bool:
        return not self._alerts or name.startswith("new")

    def _acknowledge(self, name: str) -> None:
        self._acknowledged[name] = time.perf_counter()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            event_id = self._decode(record.value).event_id
            self._readable[event_id] = time.perf_counter()

    async def _wait_until_all_readable(self) -> None:
        looks = AsyncRetrying(
            retry=retry_if_result(bool), wait=wait_fixed(LOOK_EVERY_S), stop=stop_after_delay(REST_LIMIT_S)
        )
        await looks(self._unread)

    async def _unread(self) -> set[str]:
        return self._acknowledged.keys() - self._readable.keys()


def _facts(on: Day) -> Iterator[tuple[str, bytes, bytes]]:
    """An endless sequence of facts as (event_id, key, value)."""
    encode = InboundCodec().encode
    for number in count():
        is_new = number % NEW_COMPANY_EVERY == 0
        company_id = f"new-{number}" if is_new else f"standing-{number % STANDING_COMPANIES}"
        event_id = f"new-{number}" if is_new else f"more-{number}"
        fact = Fact(HIRE, 1, event_id, company_id, f"w-{number}", on, noon(on), "hris", "")
        yield event_id, company_id.encode(), encode(fact)


def percentile(waited: list[Waited], pct: int) -> float:
    """The percentile of the waits, in milliseconds; 100 gives the longest."""
    seconds = sorted(one.seconds for one in waited)
    return 1e3 * seconds[min(len(seconds) - 1, len(seconds) * pct // 100)]


def longest(waited: list[Waited], from_s: float, to_s: float) -> float:
    """The longest wait, in seconds, of a fact acknowledged between the two times."""
    return max(one.seconds for one in waited if from_s <= one.at_s < to_s)
