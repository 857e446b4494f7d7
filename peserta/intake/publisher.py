"""Publishing facts: lines of JSON -> records on an inbound topic. A line counts as sent when it is acknowledged."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.intake.door import Door
from peserta.intake.lines_ahead import LinesAhead
from peserta.operations.failure import Unfit
from schemas.admission import Refusal
from schemas.codec import InboundCodec
from schemas.fact_json import FactLine
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.refusal import forbidden, turned_away_now
from schemas.records import Coordinates

IN_FLIGHT_MAX: Final = 5_000  # records sent and not yet acknowledged
REQUEST_TIMEOUT_MS: Final = 30_000
ACKNOWLEDGED_LIMIT_S: Final = 60.0  # without an acknowledgement; an idempotent producer would retry for ever
STOP_LIMIT_S: Final = 10.0
LOOK_EVERY_S: Final = 0.5

OnRecord = Callable[[int, Coordinates | Refusal], None]
Lines = Iterable[tuple[int, bytes]]


class PublishingStopped(Exception):
    """The broker did not acknowledge a record; earlier acknowledged records stay published."""


class _NoAcknowledgement(Exception):
    """No acknowledgement arrived for ACKNOWLEDGED_LIMIT_S."""


@dataclass(slots=True)
class Summary:
    """The outcome of publishing a file's lines. `doomed` were sent, but the recorder will refuse them."""

    published: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    doomed: Counter[str] = field(default_factory=Counter)


class Publisher:
    """Sends facts to one topic. In a book of history a record's timestamp is the line's `recorded_at`, which becomes
    its time of recording; otherwise it is the time of sending."""

    def __init__(self, kafka: Brokers, topic: str, door: Door) -> None:
        self._kafka, self._topic, self._door = kafka, topic, door
        self._codec = InboundCodec()
        self._under_way: deque[tuple[asyncio.Future[Any], int]] = deque()
        self._heard_at_s = 0.0  # of the last acknowledgement, or of the first record sent after all were acknowledged

    async def publish(self, lines: Lines, on_record: OnRecord) -> Summary:
        """Send every line that can become a record, in order. Raises PublishingStopped if the broker rejects one, and
        Unfit if it turns this client away.

        `on_record` is called for each line with its coordinates once it is acknowledged, or with the reason why it was
        refused. This includes lines that are acknowledged while this ends early by an error or a cancellation.
        """
        producer = AIOKafkaProducer(
            **client_options(self._kafka),
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_batch_size=1 << 18,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        summary = Summary()
        failure: Exception | None = None
        try:
            await producer.start()
            async with aclosing(LinesAhead(lines).batches()) as batches:
                async for batch in batches:
                    for number, raw in batch:
                        await self._take(producer, number, raw, on_record, summary)
                    self._tell_acknowledged(on_record, summary)
            await self._settle(0, on_record, summary)
        except (KafkaError, _NoAcknowledgement) as error:
            failure = error
        finally:
            await _stop(producer)
            self._tell_rest(on_record, summary)
        if failure is not None:
            if refusal := forbidden(failure) or turned_away_now(self._kafka):
                raise Unfit(f"{refusal} {summary.published} facts were acknowledged before.") from failure
            why = (
                type(failure).__name__ if isinstance(failure, KafkaError) else f"{ACKNOWLEDGED_LIMIT_S:g} s of silence"
            )
            raise PublishingStopped(
                f"{self._kafka} does not take records ({why}). {summary.published} were "
                "acknowledged. Publish the file again when the broker is there: what was taken already counts as "
                "duplicate."
            ) from failure
        return summary

    async def _take(
        self, producer: AIOKafkaProducer, number: int, raw: bytes, on_record: OnRecord, summary: Summary
    ) -> None:
        read = self._door.read(raw)
        if isinstance(read, Refusal):
            summary.refused[read.reason] += 1
            on_record(number, read)
            return
        doomed = self._door.refused_later(read)
        if doomed:
            summary.doomed[doomed.reason] += 1
        sent = await self._send(producer, read)
        if not self._under_way:
            self._heard_at_s = time.monotonic()
        self._under_way.append((sent, number))
        if len(self._under_way) >= IN_FLIGHT_MAX:
            await self._settle(IN_FLIGHT_MAX // 2, on_record, summary)

    async def _send(self, producer: AIOKafkaProducer, read: FactLine) -> asyncio.Future[Any]:
        sent: asyncio.Future[Any] = await producer.send(
            self._topic,
            self._codec.encode(read.fact),
            key=read.fact.company_id.encode(),
            timestamp_ms=read.recorded_at if self._door.replay else None,
        )
        return sent

    async def _settle(self, left: int, on_record: OnRecord, summary: Summary) -> None:
        """Wait until at most `left` records are in flight."""
        while len(self._under_way) > left:
            await asyncio.wait({self._under_way[0][0]}, timeout=LOOK_EVERY_S)
            self._tell_acknowledged(on_record, summary)

    def _tell_acknowledged(self, on_record: OnRecord, summary: Summary) -> None:
        """Report acknowledged lines in the order of sending. Raises KafkaError if the broker rejected one, and
        _NoAcknowledgement if it does not answer."""
        now_s = time.monotonic()
        while self._under_way and self._under_way[0][0].done():
            sent, number = self._under_way.popleft()
            self._acknowledged(sent.result(), number, on_record, summary)
            self._heard_at_s = now_s
        if self._under_way and now_s - self._heard_at_s > ACKNOWLEDGED_LIMIT_S:
            raise _NoAcknowledgement

    def _tell_rest(self, on_record: OnRecord, summary: Summary) -> None:
        """After the last send, report which lines in flight were acknowledged, and drop the others."""
        while self._under_way:
            sent, number = self._under_way.popleft()
            if sent.done() and not sent.cancelled() and sent.exception() is None:
                self._acknowledged(sent.result(), number, on_record, summary)

    def _acknowledged(self, metadata: Any, number: int, on_record: OnRecord, summary: Summary) -> None:
        summary.published += 1
        on_record(number, Coordinates(metadata.topic, metadata.partition, metadata.offset))


async def _stop(producer: AIOKafkaProducer) -> None:
    """Send what is buffered, and stop. A producer that cannot is abandoned, because it would retry for ever."""
    with suppress(TimeoutError):
        async with asyncio.timeout(STOP_LIMIT_S):
            await producer.stop()
