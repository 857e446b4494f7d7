"""Recording which generation is being folded and which is current. The last writer to start fences the others."""

import asyncio
import logging
from dataclasses import replace
from typing import Final, Self

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError, ProducerFenced  # type: ignore[import-untyped]

from peserta.operations.failure import Failed, Rejected, Unavailable
from peserta.operations.generations import read_generations
from peserta.operations.kafka_reading import kafka_errors, no_broker, wait_until_readable
from peserta.settings import Settings
from schemas.generation import BEGUN_KEY, CURRENT_KEY, Generation
from streams.clock import now_ms
from streams.lane.delivery import start_producer

REBUILD: Final = "peserta-rebuild"
SAY_LIMIT_S: Final = 30.0  # aiokafka's producer would retry for ever
STOP_LIMIT_S: Final = 5.0

log = logging.getLogger(__name__)


class Announcement:
    """The writer of the topic of generations. A writer that is opened later fences this one."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._settings, self._topic, self._producer = settings, settings.topics.generations, producer

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect, and fence a rebuild that was opened before."""
        return cls(settings, await _producer(settings))

    async def begun(self, generation: Generation) -> None:
        """Record that a generation is being folded."""
        await self._say(BEGUN_KEY, generation)

    async def stands(self, generation: Generation) -> None:
        """Record that this generation is the current one."""
        await self._say(CURRENT_KEY, replace(generation, since=now_ms()))

    async def _say(self, key: bytes, generation: Generation) -> None:
        """Write a record that every later reader sees; read the topic if the acknowledgement was lost.

        Raises Failed if the record was not written.
        """
        try:
            async with asyncio.timeout(SAY_LIMIT_S):
                await self._producer.begin_transaction()
                at = await self._producer.send_and_wait(self._topic, generation.encode(), key=key, partition=0)
                await self._producer.commit_transaction()
                await wait_until_readable(self._settings.kafka, self._topic, 0, at.offset)
        except (KafkaError, TimeoutError, Failed) as error:
            if not await self._is_said(key, generation, error):
                raise unsaid(self._topic, generation, error) from error

    async def _is_said(self, key: bytes, generation: Generation, error: Exception) -> bool:
        try:
            if not isinstance(error, ProducerFenced):
                await self._decide()
            said = await read_generations(self._settings)
        except Failed:
            raise Unavailable(
                f"{self._topic} cannot be written or read: {type(error).__name__}. Whether generation "
                f"{generation.number} was written there is not known: ask again when Kafka answers (`peserta topics "
                "list` shows the current generation), or run it again.",
            ) from error
        return generation == (said.current if key == CURRENT_KEY else said.begun)

    async def _decide(self) -> None:
        """End the open transaction by commit or abort; while it is open, it could still be committed."""
        await _stop(self._producer)
        self._producer = await _producer(self._settings)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await _stop(self._producer)


async def _producer(settings: Settings) -> AIOKafkaProducer:
    try:
        with kafka_errors(settings.kafka):
            return await start_producer(settings.kafka, transactional_id=settings.topic_prefix + REBUILD)
    except TimeoutError as error:
        raise no_broker(settings.kafka) from error


async def _stop(producer: AIOKafkaProducer) -> None:
    """Stop the producer. One that cannot deliver is abandoned, and the next writer ends its transaction."""
    try:
        async with asyncio.timeout(STOP_LIMIT_S):
            await producer.stop()
    except TimeoutError:
        log.warning("The writer of the generations did not stop in %.0f s.", STOP_LIMIT_S)


def unsaid(topic: str, generation: Generation, error: Exception) -> Failed:
    """The error for a record that the topic does not contain."""
    if isinstance(error, ProducerFenced):
        return Rejected("Another rebuild was started in the meantime, so this one ends. Nothing was switched.")
    return Unavailable(
        f"{topic} cannot be written: {type(error).__name__}. It does not name generation {generation.number}: nothing "
        "was switched. Run it again.",
    )
