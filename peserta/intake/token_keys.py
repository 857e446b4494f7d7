"""The key with which a company's people were imported. Another key gives other tokens, so it must be confirmed."""

from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from peserta.operations.failure import Rejected, Unfit
from peserta.operations.kafka_reading import kafka_errors, read_to_end
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.token_marks import TokenMark, holding

REQUEST_TIMEOUT_MS: Final = 30_000
COMPANIES_SHOWN_MAX: Final = 5


async def keep_marks(
    kafka: Brokers, topic: str, companies: Collection[str], mark: str, *, new_key: bool = False
) -> None:
    """Record the mark of a key for each company at its first import, before any fact of it is sent.

    Raises Rejected, and records nothing, if a company's people were imported with another key and `new_key` does not
    confirm the change. Also raises Rejected if another import was first meanwhile.
    """
    held = await _held(kafka, topic)
    others = sorted(company for company in companies if held.get(company, mark) != mark)
    if others and not new_key:
        raise _other_key(others, held[others[0]], mark)
    changes = [(company, TokenMark(mark, held.get(company))) for company in companies if held.get(company) != mark]
    if not changes:
        return
    await _send(kafka, topic, changes)
    held = await _held(kafka, topic)
    lost = sorted(company for company in companies if held.get(company) != mark)
    if lost:
        raise _other_key(lost, held[lost[0]], mark)


async def check_marks(kafka: Brokers, topic: str, companies: Collection[str], mark: str) -> None:
    """Raises Rejected if a company's people were imported with another key. Nothing is recorded."""
    held = await _held(kafka, topic)
    others = sorted(company for company in companies if held.get(company, mark) != mark)
    if others:
        raise _other_key(others, held[others[0]], mark)


def _other_key(companies: list[str], held: str, mark: str) -> Rejected:
    more = f" and {len(companies) - COMPANIES_SHOWN_MAX} more" if len(companies) > COMPANIES_SHOWN_MAX else ""
    names = ", ".join(companies[:COMPANIES_SHOWN_MAX]) + more
    return Rejected(
        f"The people of {names} were imported with another key (mark {held}) "
        f"than this one (mark {mark}): everybody would be somebody else. Take the first key; --new-key if it is meant. "
        "Nothing was sent."
    )


async def _held(kafka: Brokers, topic: str) -> dict[str, str]:
    """The committed mark of each company. Raises Unfit for a record that is no mark."""
    records = []
    async for record in read_to_end(kafka, [topic]):
        try:
            records.append((record.key.decode(), TokenMark.decode(record.value)))
        except (ValueError, TypeError, AttributeError) as error:
            raise Unfit(f"The record {record.offset} of {topic} is no mark of a key.") from error
    return holding(records)


async def _send(kafka: Brokers, topic: str, changes: list[tuple[str, TokenMark]]) -> None:
    with kafka_errors(kafka):
        producer = AIOKafkaProducer(
            **client_options(kafka), acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
        )
        await producer.start()
        try:
            for company_id, record in changes:
                await producer.send_and_wait(topic, record.encode(), company_id.encode())
        finally:
            await producer.stop()
