"""Appending facts to the inbound topics, acknowledged: the one producer of a process that serves other programs."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.failure import Unavailable
from peserta.settings import Settings
from schemas.codec import InboundCodec
from schemas.fact_json import FactLine
from schemas.kafka.client import client_options
from schemas.records import Coordinates
from schemas.secret_file import SecretFault
from schemas.vocabulary import KINDS
from streams.lane.delivery import RECORDS_PER_PRODUCER_MAX
from streams.settings import REPLAY

ACKNOWLEDGED_LIMIT_S: Final = 10.0  # aiokafka's idempotent producer would retry for ever
UNDER_WAY_MAX: Final = 40_000  # limit on unacknowledged facts, over all callers
START_LIMIT_S: Final = 10.0
STOP_LIMIT_S: Final = 10.0
REQUEST_TIMEOUT_MS: Final = 10_000
LINGER_MS: Final = 0  # a call's facts already form one batch for each partition, and a single fact need not wait
BATCH_BYTES_MAX: Final = 1 << 18


class NotAcknowledged(Unavailable):
    """Kafka has not acknowledged all facts of a call. Some of them may be in the topic, or arrive there later."""


class Busy(Unavailable):
    """Too many facts are unacknowledged, so no more are accepted now. Nothing of the call was sent."""


class FactLog(Protocol):
    """A log to which facts are appended."""

    async def append(self, facts: Sequence[FactLine]) -> Sequence[Coordinates]:
        """Append the facts in this order; return the coordinates of each once all are acknowledged.

        Raises Busy if nothing was sent, and NotAcknowledged if some facts may be missing.
        """
        ...


class KafkaFactLog:
    """Appends to the inbound topics of an installation: each fact to the first topic that may carry its type.

    In a book of history a record carries its `recorded_at` as timestamp; else the broker stamps it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._codec = InboundCodec()
        self._topics = topics_of_kinds(settings)
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._sent = 0  # records sent by this producer
        self._under_way = 0
        self._leaving: set[asyncio.Task[None]] = set()

    async def append(self, facts: Sequence[FactLine]) -> Sequence[Coordinates]:
        """See FactLog."""
        if self._under_way + len(facts) > UNDER_WAY_MAX:
            raise Busy(f"{self._under_way} facts wait for Kafka, and no more than {UNDER_WAY_MAX} may.")
        self._under_way += len(facts)
        sent: list[asyncio.Future[Any]] = []
        try:
            async with asyncio.timeout(ACKNOWLEDGED_LIMIT_S):
                producer = await self._started(len(facts))
                await self._send(producer, facts, sent)
                if sent:
                    await asyncio.wait(sent)
            return [_coordinates(future.result()) for future in sent]
        except TimeoutError as error:
            raise _not_acknowledged(facts, sent, f"{ACKNOWLEDGED_LIMIT_S:g} s of silence") from error
        except (KafkaError, SecretFault) as error:
            # After a refused batch, a producer may refuse all batches that follow.
            self._replace()
            raise _not_acknowledged(facts, sent, type(error).__name__) from error
        finally:
            self._under_way -= len(facts)

    async def start(self) -> None:
        """Connect now, so that the first call does not have to. Raises NotAcknowledged if no broker answers."""
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await self._started(0)
        except (KafkaError, SecretFault, TimeoutError) as error:
            raise NotAcknowledged(f"No Kafka broker answers at {self._settings.kafka}.") from error

    async def stop(self) -> None:
        """Send the facts that are waiting, within STOP_LIMIT_S."""
        self._replace()
        if self._leaving:
            await asyncio.wait(self._leaving)

    async def _send(
        self, producer: AIOKafkaProducer, facts: Sequence[FactLine], sent: list[asyncio.Future[Any]]
    ) -> None:
        replay = self._settings.clock == REPLAY
        for fact, recorded_at in facts:
            future = await producer.send(
                self._topics[KINDS[fact.kind]],
                self._codec.encode(fact),
                key=fact.company_id.encode(),
                timestamp_ms=recorded_at if replay else None,
            )
            future.add_done_callback(_heard)
            sent.append(future)

    async def _started(self, more: int) -> AIOKafkaProducer:
        """The producer; a new one if there is none, or if the old one would run out of sequence numbers."""
        async with self._starting:
            if self._sent + more > RECORDS_PER_PRODUCER_MAX:
                self._replace()
            if self._producer is None:
                producer = _producer(self._settings)
                try:
                    await producer.start()
                except BaseException:
                    await _stop(producer)
                    raise
                self._producer, self._sent = producer, 0
            self._sent += more
            return self._producer

    def _replace(self) -> None:
        """Drop the producer, so that the next call gets a new one. The old one sends its facts for a limited time."""
        producer, self._producer = self._producer, None
        if producer is not None:
            leaving = asyncio.create_task(_stop(producer))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)


def topics_of_kinds(settings: Settings) -> Mapping[str, str]:
    """Type of fact -> its inbound topic, with the prefix. A type that no topic carries is missing."""
    found: dict[str, str] = {}
    for topic in settings.inbound_topics:
        for kind in topic.types:
            found.setdefault(kind, settings.topic_prefix + topic.name)
    return found


def _producer(settings: Settings) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        **client_options(settings.kafka),
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        max_batch_size=BATCH_BYTES_MAX,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
    )


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop a producer. One that cannot send its facts is abandoned, since it would retry for ever."""
    with suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(STOP_LIMIT_S):
            await producer.stop()


def _heard(future: asyncio.Future[Any]) -> None:
    """Retrieve the error of an acknowledgement that nobody awaits any more, so that asyncio does not report it."""
    if not future.cancelled():
        future.exception()


def _coordinates(metadata: Any) -> Coordinates:
    return Coordinates(metadata.topic, metadata.partition, metadata.offset)


def _not_acknowledged(facts: Sequence[FactLine], sent: Sequence[asyncio.Future[Any]], why: str) -> NotAcknowledged:
    taken = sum(future.done() and not future.cancelled() and future.exception() is None for future in sent)
    return NotAcknowledged(
        f"Kafka has acknowledged {taken} of {len(facts)} facts ({why}). Send all of them again: a fact that was taken "
        "already counts as duplicate, by its event_id."
    )
