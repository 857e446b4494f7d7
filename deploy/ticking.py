"""Commanding a business date in a book with `clock: replay`: one Tick for each partition of the journal."""

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]

from deploy.kafka_reading import no_broker, wait_until_worked
from schemas.records import Day
from streams.core.dates import jakarta_midnight
from streams.recorder import Recorder
from streams.settings import StreamSettings

CAUGHT_UP_LIMIT_S = 120.0


async def tick(settings: StreamSettings, on: Day, *, caught_up_limit_s: float = CAUGHT_UP_LIMIT_S) -> None:
    """Append the Ticks once the recorder has recorded all that was published before: their order is the journal's.

    Doing it twice changes nothing. TimeoutError when the recorder is not through in time.
    """
    await wait_until_worked(settings.kafka, settings.recorder_app, inbound_of(settings), caught_up_limit_s)
    appends = Recorder(settings, now=lambda: 0).ticks(on, jakarta_midnight(on))
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka, acks="all", enable_idempotence=True)
    try:
        await producer.start()
        for append in appends:
            await producer.send_and_wait(append.topic, append.value, append.key, append.partition)
    except KafkaConnectionError as error:
        raise no_broker(settings.kafka) from error
    finally:
        await producer.stop()


def inbound_of(settings: StreamSettings) -> list[str]:
    """Every topic that the recorder reads."""
    return [*settings.inbound_names, settings.topics.companies, settings.topics.policies]
