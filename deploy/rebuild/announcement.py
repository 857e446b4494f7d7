"""Saying which generation is begun and which stands: one writer at a time, whoever starts last."""

from typing import Final, NoReturn, Self

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError, KafkaError, ProducerFenced  # type: ignore[import-untyped]

from deploy.failure import CommandFailed, ExitCode
from deploy.kafka_reading import no_broker
from deploy.settings import Settings
from schemas.generation import BEGUN, STANDING, Generation
from streams.lane.delivery import start_producer

REBUILD: Final = "peserta-rebuild"


class Announcement:
    """The writer of the topic of generations. Another one that is opened later silences this one."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._topic, self._producer = settings.topics.generations, producer

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Connect, and silence a rebuild that was opened before."""
        servers = settings.kafka.split(",")
        try:
            producer = await start_producer(servers, transactional_id=settings.topic_prefix + REBUILD)
        except (KafkaConnectionError, TimeoutError) as error:
            raise no_broker(settings.kafka) from error
        return cls(settings, producer)

    async def begun(self, generation: Generation) -> None:
        """A generation is being folded."""
        await self._say(BEGUN, generation)

    async def stands(self, generation: Generation) -> None:
        """From now on this is the book."""
        await self._say(STANDING, generation)

    async def _say(self, key: bytes, generation: Generation) -> None:
        try:
            async with self._producer.transaction():
                await self._producer.send_and_wait(self._topic, generation.encode(), key=key, partition=0)
        except ProducerFenced as error:
            _another(error)
        except KafkaError as error:
            raise CommandFailed(
                f"{self._topic} cannot be written: {type(error).__name__}. Nothing was switched; run it again.",
                ExitCode.UNAVAILABLE,
            ) from error

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()


def _another(error: Exception) -> NoReturn:
    raise CommandFailed("Another rebuild was started meanwhile: this one gives way. Nothing was switched.") from error
