"""Publishing reference data: policies and registry entries, one record each; the last of a key holds."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from schemas.admission import REFERENCE_BYTES_MAX
from schemas.codec import OutputCodec
from schemas.records import Company, Instant, Policy

REQUEST_TIMEOUT_MS: Final = 30_000

Record = Policy | Company


class TooLarge(Exception):
    """A policy or registry entry that does not fit into a record."""


class Change(NamedTuple):
    """What applying a file would do to one record: `new`, `changed`, `unchanged` or `ended`."""

    kind: str
    record_id: str
    record: Record | None


def record_id(record: Record) -> str:
    return record.policy_id if isinstance(record, Policy) else record.company_id


def changes(wanted: Sequence[Record], standing: dict[str, Record], *, prune: bool = False) -> list[Change]:
    """From what stands to what is wanted; with `prune` what is not wanted ends."""
    steps = []
    for record in wanted:
        before = standing.get(record_id(record))
        kind = "new" if before is None else "unchanged" if before == record else "changed"
        steps.append(Change(kind, record_id(record), record))
    if prune:
        names = {record_id(record) for record in wanted}
        steps += [Change("ended", name, None) for name in sorted(standing.keys() - names)]
    return steps


async def send(kafka: str, topic: str, steps: Iterable[Change], *, timestamp: Instant | None = None) -> int:
    """Send what is not unchanged, in order, and wait for every acknowledgement; the number of records sent.

    TooLarge names a record that the recorder would not take; nothing is sent then.
    """
    codec = OutputCodec()
    values = [(step.record_id, _value(codec, step.record)) for step in steps if step.kind != "unchanged"]
    for name, value in values:
        if len(name.encode()) + len(value or b"") > REFERENCE_BYTES_MAX:
            raise TooLarge(f"{name} has more than {REFERENCE_BYTES_MAX} bytes as a record")
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka, acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
    )
    sent = 0
    await producer.start()
    try:
        for name, value in values:
            await producer.send_and_wait(topic, value, name.encode(), None, timestamp)
            sent += 1
    finally:
        await producer.stop()
    return sent


def _value(codec: OutputCodec, record: Record | None) -> bytes | None:
    if record is None:
        return None
    return codec.encode_policy(record) if isinstance(record, Policy) else codec.encode_company(record)
