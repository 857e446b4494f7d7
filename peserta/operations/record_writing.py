"""Small topics with one partition that people's decisions are written to: writing records, and reading the last of each
key."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.audit.reading import partition_reader
from peserta.operations.failure import Unavailable
from peserta.operations.generations import check_is_not_hidden
from peserta.operations.kafka_reading import kafka_errors, no_broker
from peserta.settings import Settings
from schemas.kafka.client import client_options

WRITE_LIMIT_S: Final = 30.0  # aiokafka's idempotent producer would retry for ever
STOP_LIMIT_S: Final = 5.0
REQUEST_TIMEOUT_MS: Final = 10_000


async def records_of(settings: Settings, topic: str) -> AsyncIterator[Any]:
    """The records of the topic, in order. Raises Unavailable without a broker or the topic, Unfit if it is hidden."""
    async with partition_reader(settings.kafka) as reader:
        if topic not in await reader.topics():
            await check_is_not_hidden(settings, topic)
            raise Unavailable(f"There is no topic {topic} at {settings.kafka}. `peserta topics create` makes it.")
        async for record in reader.records(topic, 0):
            yield record


async def last_of_each(settings: Settings, topic: str) -> dict[str, bytes]:
    """Key -> the value of its last record, in the order of the keys' last records. Errors as for `records_of`."""
    found: dict[str, bytes] = {}
    async for record in records_of(settings, topic):
        key = (record.key or b"").decode("utf-8", "replace")
        found.pop(key, None)
        if record.value is not None:
            found[key] = record.value
    return found


async def write_records(settings: Settings, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
    """Write these (key, value) and return once Kafka has acknowledged all of them.

    Raises Unavailable if it does not. Some may have been written then.
    """
    producer = AIOKafkaProducer(
        **client_options(settings.kafka), acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    try:
        with kafka_errors(settings.kafka):
            async with asyncio.timeout(WRITE_LIMIT_S):
                await producer.start()
                for key, value in records:
                    await producer.send_and_wait(topic, value, key=key.encode(), partition=0)
    except TimeoutError as error:
        raise no_broker(settings.kafka) from error
    except KafkaError as error:  # an unknown topic: `kafka_errors` lets this error pass
        raise Unavailable(
            f"{topic} cannot be written: {type(error).__name__}. `peserta topics create` makes it.",
        ) from error
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_LIMIT_S):
                await producer.stop()
