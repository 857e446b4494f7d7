"""Facts and alerts as they are in Kafka: Avro in the Confluent wire format. Needs the extra `kafka`."""

import io
import json
import struct
from dataclasses import fields
from functools import cache
from importlib import resources
from typing import Any, Final

import fastavro

from peserta_client.alerts import Alert, UnreadableAlert
from peserta_client.facts import Fact

# The frame: a zero byte and the id of the schema in four bytes, before the Avro body.
FRAME: Final = struct.Struct(">BI")
FACT_SCHEMA_IDS: Final = {"hire": 1, "termination": 2, "enrollment": 3, "correction": 4}
ALERT_SCHEMA_ID: Final = 50


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
