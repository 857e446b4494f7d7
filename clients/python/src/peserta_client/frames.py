"""Facts and alerts as they are in Kafka: Avro in the Confluent wire format. Needs the extra `kafka`."""

import io
import json
import struct
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Any, Final

import fastavro

from peserta_client.facts import Fact

# The frame: a zero byte and the id of the schema in four bytes, before the Avro body.
FRAME: Final = struct.Struct(">BI")
FACT_SCHEMA_IDS: Final = {"hire": 1, "termination": 2, "enrollment": 3, "correction": 4}
ALERT_SCHEMA_ID: Final = 50


class UnreadableAlert(ValueError):
    """A value that is not an alert of a version known to this client."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert: a company crossed a threshold, or came back (SEMANTICS 7). `_bp` fields are basis points, or None.

    (`alert_id`, `status`) identifies an alert: a second one with the same pair is a repeat.
    """

    alert_id: str
    status: str
    reason: str
    company_id: str
    policy_id: str
    policy_version: int
    rule: str
    threshold_bp: int
    business_date: date
    episode: int
    episode_start: date
    previous_state: str
    active: int
    covered: int
    divisor: int
    coverage_bp: int | None
    gap_people: int | None
    baseline_covered: int | None
    baseline_divisor: int | None
    uncovered: int
    joined_30: int
    left_30: int
    gained_cover_30: int
    lost_cover_30: int
    cause: str
    event_id: str | None
    journal_partition: int
    journal_offset: int
    recorded_at: datetime


def encode_fact(fact: Fact) -> bytes:
    """The fact as the value of a Kafka record."""
    values: dict[str, Any] = {field.name: getattr(fact, field.name) for field in fields(fact)}
    if "programmes" in values:
        values["programmes"] = sorted(values["programmes"])
    out = io.BytesIO()
    out.write(FRAME.pack(0, FACT_SCHEMA_IDS[fact.type]))
    fastavro.schemaless_writer(out, _schema(fact.type), values)
    return out.getvalue()


def decode_alert(value: bytes) -> Alert:
    """The alert in a record's value. Raises UnreadableAlert if it is not one that this client knows."""
    if value[: FRAME.size] != FRAME.pack(0, ALERT_SCHEMA_ID):
        raise UnreadableAlert("The record is no alert of a version that this client knows. Is there a newer client?")
    try:
        read: Any = fastavro.schemaless_reader(io.BytesIO(value[FRAME.size :]), _schema("alert"), None)
        return Alert(**read)
    except (EOFError, IndexError, OverflowError, TypeError, ValueError):
        raise UnreadableAlert("The record cannot be read as an alert.") from None


@cache
def _schema(name: str) -> Any:
    text = resources.files("peserta_client").joinpath("avro", f"{name}.avsc").read_text(encoding="utf-8")
    return fastavro.parse_schema(json.loads(text))
