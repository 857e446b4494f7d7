"""Commanding a business date in a book with `clock: replay`: one Tick for each partition of the journal."""

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]

from peserta.operations.kafka_reading import consumer_of, no_broker, wait_until_worked
from schemas.codec import JournalCodec
from schemas.dates import day, day_text, jakarta_day, jakarta_midnight
from schemas.records import Day, Entry
from streams.recorder import Recorder
from streams.settings import StreamSettings

CAUGHT_UP_LIMIT_S = 120.0
FIRST_ON = day("2000-01-01")
LAST_ON = day("2148-12-31")  # ClickHouse's Date ends in 2149


class NoSuchDate(Exception):
    """A date that cannot begin; the text says why."""


async def tick(settings: StreamSettings, on: Day, *, caught_up_limit_s: float = CAUGHT_UP_LIMIT_S) -> None:
    """Append the Ticks once the recorder has recorded all that was published before: their order is the journal's.

    Doing it twice changes nothing. TimeoutError when the recorder is not through in time, NoSuchDate for a date before
    the last entries of the journal or outside FIRST_ON to LAST_ON.
    """
    if not FIRST_ON <= on <= LAST_ON:
        raise NoSuchDate(f"a date lies in {day_text(FIRST_ON)} to {day_text(LAST_ON)}")
    await wait_until_worked(settings.kafka, settings.recorder_app, inbound_of(settings), caught_up_limit_s)
    last = max([jakarta_day(entry.recorded_at) for entry in await last_entries(settings)], default=on)
    if on < last:
        raise NoSuchDate(f"the book is at {day_text(last)} already, and dates do not go back")
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


async def last_entries(settings: StreamSettings) -> list[Entry]:
    """The last entry of each partition of the journal that has any."""
    codec, found = JournalCodec(), []
    async with consumer_of(settings.kafka, [settings.topics.journal]) as consumer:
        for tp, end in (await consumer.end_offsets(consumer.assignment())).items():
            if end > 0:
                consumer.seek(tp, end - 1)
                found += codec.decode([(await consumer.getone(tp)).value])
    return found


def inbound_of(settings: StreamSettings) -> list[str]:
    """Every topic that the recorder reads."""
    return [*settings.inbound_names, settings.topics.companies, settings.topics.policies]
