"""Examples of every record that crosses a public topic: a small story, recorded and kept by the real workers."""

from dataclasses import replace
from functools import cache
from typing import Any, Final, NamedTuple

from schemas.codec import InboundCodec, OutputCodec
from schemas.contacts import Contact
from schemas.dates import day
from schemas.records import Baseline, Company, Policy
from schemas.registry import REGISTERED, FixedRegistry, Registered, schema_text
from schemas.wire import Body, frame, split_frame
from streams.partitioning import partition_of
from tests.support.book_in_memory import PARTITIONS, SETTINGS, TOPICS, BookInMemory
from tests.support.facts import correction, enrollment, hire, noon, termination

BYTES: Final = "latin-1"
COMPANY_ID: Final = "NPP0001"
PUBLISHED_ON: Final = "2025-09-03"
TICKED_ON: Final = "2025-09-04"

COMPANY: Final = Company(
    COMPANY_ID,
    name="PT Sepatu Contoh",
    kbli="15201",
    regency="Jepara",
    baselines=(Baseline(day("2025-09-01"), active=2, covered=1),),
    contacts=("hrd@example.com",),
)
WITH_TEAM: Final = replace(
    COMPANY,
    team=(
        Contact("Sri Rahayu", role="HR", email="sri@example.com", phone="+62 24 0000000", language="id", since=20_332),
    ),
)
POLICY: Final = Policy(
    "floor-60", threshold_bp=6000, effective_from=day("2025-09-01"), title="Sixty of a hundred", min_active=1
)
FACTS: Final = (
    hire("e1", "2025-09-01", "fixed_term", worker="w1", company=COMPANY_ID),
    hire("e2", "2025-09-01", "daily", worker="w2", company=COMPANY_ID),
    enrollment("e3", "2025-09-02", worker="w1", company=COMPANY_ID),
    termination("e4", "2025-09-03", worker="w2", company=COMPANY_ID),
    correction("e5", "e4", "2025-09-03", worker="w2", company=COMPANY_ID),
    hire("e1", "2025-09-02", "permanent", worker="w1", company=COMPANY_ID),  # id_conflict: a dead letter of the book
)
REFUSED: Final = FACTS[0]._replace(event_id="e6", source="")  # invalid_field: a dead letter of the recorder


class Example(NamedTuple):
    """A record as it is in Kafka, and the same in words: the fields of its value by the schema."""

    topic: str
    key: str
    value: bytes
    fields: dict[str, Any]


@cache
def examples() -> dict[int, Example]:
    """Schema id -> the first record of the story with this schema."""
    found: dict[int, Example] = {}
    for (topic, _), log in sorted(_book().topics.logs.items()):
        for record in log.stored:
            if topic == SETTINGS.changelog or record.key is None or record.value is None:
                continue
            schema_id = split_frame(record.value)
            fields = fields_of(schema_id, record.value)
            found.setdefault(schema_id, Example(topic, record.key.decode(), record.value, fields))
    # Earlier releases wrote snapshots of the first version; this one only reads them.
    first, latest = FixedRegistry().ids("snapshot")
    newest = found[latest]
    value = OutputCodec().snapshot_in_version_of(frame(first), newest.value)
    found[first] = Example(newest.topic, newest.key, value, fields_of(first, value))
    return found


def registered(schema_id: int) -> Registered:
    """The entry of the registry with this id."""
    return next(each for each in REGISTERED if each.schema_id == schema_id)


def fields_of(schema_id: int, value: bytes) -> dict[str, Any]:
    """The fields of a framed value. Bytes are text of the same code points, as in Avro's JSON."""
    binary = _binary(schema_id)
    fields = _body(schema_id).decode(value)
    return {name: of.decode(BYTES) if name in binary and of is not None else of for name, of in fields.items()}


def value_of(schema_id: int, fields: dict[str, Any]) -> bytes:
    """The framed value of fields as `fields_of` gives them."""
    binary = _binary(schema_id)
    record = {name: of.encode(BYTES) if name in binary and of is not None else of for name, of in fields.items()}
    return _body(schema_id).encode(record)


def _body(schema_id: int) -> Body:
    return Body(schema_id, schema_text(registered(schema_id).file))


def _binary(schema_id: int) -> set[str]:
    """The fields of a record that are bytes."""
    fields = schema_text(registered(schema_id).file)["fields"]
    return {field["name"] for field in fields if "bytes" in field["type"] or "fixed" in _kinds(field["type"])}


def _kinds(of: Any) -> tuple[str, ...]:
    return (of["type"],) if isinstance(of, dict) else ()


def _book() -> BookInMemory:
    """The story, recorded and kept."""
    book, inbound, outputs, at = BookInMemory(), InboundCodec(), OutputCodec(), noon(PUBLISHED_ON)
    key = COMPANY_ID.encode()
    book.publish(key, outputs.encode_company(COMPANY), at, TOPICS.companies)
    book.publish(key, outputs.encode_company(WITH_TEAM), at, TOPICS.companies)
    policy_key = POLICY.policy_id.encode()
    book.publish(policy_key, outputs.encode_policy(POLICY), at, TOPICS.policies)
    for fact in (*FACTS, REFUSED):
        book.publish(key, inbound.encode(fact), at)
    book.record()
    # A tombstone ends the policy.
    book.append(TOPICS.policies, partition_of(policy_key, PARTITIONS), policy_key, None, at)
    book.record()
    book.tick(day(TICKED_ON))
    book.keep()
    return book
