"""Publishing facts: lines of JSON -> records on an inbound topic. What is not acknowledged does not count as sent."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.admission import EFFECTIVE_ON_OUT_OF_RANGE, Refusal, range_reason, refusal
from schemas.codec import InboundCodec
from schemas.fact_json import FactLine, read_record
from schemas.records import Coordinates, Instant

IN_FLIGHT_MAX: Final = 5_000  # records sent and not yet acknowledged
REQUEST_TIMEOUT_MS: Final = 30_000

OnRecord = Callable[[int, Coordinates | Refusal], None]
Lines = Iterable[tuple[int, bytes]]


class PublishingStopped(Exception):
    """The broker did not acknowledge; what was acknowledged before stays."""


@dataclass(slots=True)
class Summary:
    """What became of a file's lines. `doomed` were sent, and the recorder will refuse them."""

    published: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    doomed: Counter[str] = field(default_factory=Counter)

    @property
    def is_clean(self) -> bool:
        return not self.refused and not self.doomed


def check(lines: Lines, on_record: OnRecord, *, recorded_at: Instant | None = None) -> Summary:
    """What publishing these lines would do, without sending any. `recorded_at` None: as each line says."""
    summary = Summary()
    for number, raw in lines:
        read = read_record(raw)
        if isinstance(read, Refusal):
            summary.refused[read.reason] += 1
            on_record(number, read)
            continue
        reason = range_reason(read.fact, read.recorded_at if recorded_at is None else recorded_at)
        if reason:
            summary.doomed[reason] += 1
            on_record(number, refusal(reason, read.fact))
        summary.published += 1
    return summary


class Publisher:
    """Sends facts to one topic. With `replay` a record carries the line's `recorded_at` as its timestamp, which is the
    time of recording in a book with that clock; else the time of sending."""

    def __init__(self, kafka: str, topic: str, *, replay: bool, now: Callable[[], Instant]) -> None:
        self._kafka, self._topic, self._replay, self._now = kafka, topic, replay, now
        self._codec = InboundCodec()
        self._under_way: dict[asyncio.Future[object], int] = {}

    async def publish(self, lines: Lines, on_record: OnRecord) -> Summary:
        """Send every line that can become a record, in order; PublishingStopped when the broker does not take one.

        `on_record` is told each line's coordinates once it is acknowledged, or why it was refused.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=1 << 18,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        summary = Summary()
        try:
            await producer.start()
            for number, raw in lines:
                read = read_record(raw)
                if isinstance(read, Refusal):
                    summary.refused[read.reason] += 1
                    on_record(number, read)
                    continue
                await self._send(producer, number, read, summary)
                if len(self._under_way) >= IN_FLIGHT_MAX:
                    await self._settle(on_record, summary)
            await self._settle(on_record, summary)
        except KafkaError as error:
            raise PublishingStopped(
                f"{self._kafka} does not take records ({type(error).__name__}). {summary.published} were acknowledged. "
                "Publish the file again when the broker is there: what was taken already counts as duplicate."
            ) from error
        finally:
            await producer.stop()
        return summary

    async def _send(self, producer: AIOKafkaProducer, number: int, read: FactLine, summary: Summary) -> None:
        fact = read.fact
        timestamp = read.recorded_at if self._replay else self._now()
        if range_reason(fact, timestamp):
            summary.doomed[EFFECTIVE_ON_OUT_OF_RANGE] += 1
        sent = await producer.send(
            self._topic,
            self._codec.encode(fact),
            key=fact.company_id.encode(),
            timestamp_ms=timestamp if self._replay else None,
        )
        self._under_way[sent] = number

    async def _settle(self, on_record: OnRecord, summary: Summary) -> None:
        """Wait until all that is under way is acknowledged."""
        for sent, number in self._under_way.items():
            metadata = await sent
            summary.published += 1
            on_record(number, Coordinates(metadata.topic, metadata.partition, metadata.offset))  # type: ignore[attr-defined]
        self._under_way.clear()
