"""The current policies and registry entries: the last record of each key in their topics."""

from collections.abc import Callable
from typing import TypeVar

from peserta.operations.kafka_reading import read_to_end
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.kafka.access import Brokers
from schemas.records import Company, Policy

T = TypeVar("T")


async def current_policies(settings: Settings) -> dict[str, Policy]:
    """The current policies by id. Raises Failed without a broker or topic."""
    return await _last(settings.kafka, settings.topics.policies, OutputCodec().decode_policy)


async def current_companies(settings: Settings) -> dict[str, Company]:
    """The registry entries by company id. Raises Failed without a broker or topic."""
    return await _last(settings.kafka, settings.topics.companies, OutputCodec().decode_company)


async def _last(kafka: Brokers, topic: str, decode: Callable[[bytes], T]) -> dict[str, T]:
    found: dict[str, T] = {}
    async for record in read_to_end(kafka, [topic]):
        key = record.key.decode()
        if record.value is None:
            found.pop(key, None)
        else:
            found[key] = decode(record.value)
    return found
