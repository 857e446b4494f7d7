"""Publishing reference data: policies and registry entries, one record each; the last record of a key is the valid one.

A plan first says what would change and which changes may be mistakes; `apply` then sends it. A dry run is a plan alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError, KafkaError  # type: ignore[import-untyped]

from peserta.intake.doubts import unraised_versions
from peserta.operations.failure import Rejected, Unavailable, Unfit
from peserta.operations.kafka_reading import no_broker
from peserta.operations.reference_reading import current_companies, current_policies
from peserta.operations.unmatched_scopes import unmatched_scopes
from peserta.settings import Settings
from schemas.admission import REFERENCE_BYTES_MAX
from schemas.codec import OutputCodec
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.refusal import forbidden
from schemas.records import Company, Instant, Policy, Scope
from streams.core.reference_rules import shown

REQUEST_TIMEOUT_MS: Final = 30_000

Record = Policy | Company


class TooLarge(Exception):
    """A policy or registry entry that is too large for a record."""


class Change(NamedTuple):
    """What applying a file would do to one record: `new`, `changed`, `unchanged` or `ended`."""

    kind: str
    record_id: str
    record: Record | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that applying records would make in a topic, and warnings about changes that may be mistakes.

    Each warning is a sentence without its full stop. Nothing has been sent.
    """

    topic: str
    changes: tuple[Change, ...]
    doubts: tuple[str, ...] = ()


async def plan_policies(settings: Settings, wanted: Sequence[Policy], *, prune: bool = False) -> Plan:
    """The plan for applying these policies; with `prune`, all others end. Raises Failed if Kafka does not answer."""
    current = await current_policies(settings)
    doubts = list(unraised_versions(wanted, current))
    if any(policy.scope != Scope() for policy in wanted):
        scopes = [(policy.policy_id, policy.scope) for policy in wanted]
        doubts += unmatched_scopes(scopes, list((await current_companies(settings)).values()))
    return Plan(settings.topics.policies, tuple(changes(wanted, current, prune=prune)), tuple(doubts))


async def plan_companies(settings: Settings, wanted: Sequence[Company], *, prune: bool = False) -> Plan:
    """The plan for applying these registry entries; `prune` and errors as for policies."""
    current = await current_companies(settings)
    return Plan(settings.topics.companies, tuple(changes(wanted, current, prune=prune)))


async def plan_end(settings: Settings, policy_id: str) -> Plan:
    """The plan for ending a policy. Raises Rejected if there is no policy with this id."""
    if policy_id not in await current_policies(settings):
        raise Rejected(f"No policy has the id {shown(policy_id)}: `peserta policies list` shows those there are.")
    return Plan(settings.topics.policies, (Change("ended", policy_id, None),))


async def apply(settings: Settings, plan: Plan, recorded_at: Instant | None = None) -> int:
    """Send the changes of a plan; return the number of records sent. `recorded_at`: see peserta.operations.future.

    Raises Rejected if a record is too large; nothing is sent then. Raises Unavailable if Kafka does not take the
    records. Some may have been sent then, and applying the plan again does no harm.
    """
    try:
        return await send(settings.kafka, plan.topic, plan.changes, timestamp=recorded_at)
    except KafkaConnectionError as error:
        raise no_broker(settings.kafka) from error
    except TooLarge as error:
        raise Rejected(f"{error}: shorten its lists. Nothing was sent.") from error
    except KafkaError as error:
        if refusal := forbidden(error):
            raise Unfit(refusal) from error
        raise Unavailable(
            f"{settings.kafka} does not take the records ({type(error).__name__}); apply the file again when it does.",
        ) from error


def record_id(record: Record) -> str:
    return record.policy_id if isinstance(record, Policy) else record.company_id


def changes(wanted: Sequence[Record], current: Mapping[str, Record], *, prune: bool = False) -> list[Change]:
    """The changes from the current records to the wanted ones; with `prune`, records that are not wanted end."""
    steps = []
    for record in wanted:
        before = current.get(record_id(record))
        kind = "new" if before is None else "unchanged" if before == record else "changed"
        steps.append(Change(kind, record_id(record), record))
    if prune:
        names = {record_id(record) for record in wanted}
        steps += [Change("ended", name, None) for name in sorted(current.keys() - names)]
    return steps


async def send(kafka: Brokers, topic: str, steps: Iterable[Change], *, timestamp: Instant | None = None) -> int:
    """Send every change that is not `unchanged`, in order, and await each acknowledgement; return their number.

    Raises TooLarge, and sends nothing, if the recorder would not accept a record.
    """
    codec = OutputCodec()
    values = [(step.record_id, _value(codec, step.record)) for step in steps if step.kind != "unchanged"]
    for name, value in values:
        if len(name.encode()) + len(value or b"") > REFERENCE_BYTES_MAX:
            raise TooLarge(f"{name} has more than {REFERENCE_BYTES_MAX} bytes as a record")
    producer = AIOKafkaProducer(
        **client_options(kafka), acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_TIMEOUT_MS
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
