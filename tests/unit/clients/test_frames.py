"""The client's facts and alerts in Avro, compared with the codecs of the service."""

from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given

from peserta_client import read_fact
from peserta_client.alerts import Alert, UnreadableAlert
from peserta_client.frames import ALERT_SCHEMA_ID, FACT_SCHEMA_IDS, decode_alert, encode_fact
from schemas import records
from schemas.codec import InboundCodec, OutputCodec
from schemas.dates import EPOCH
from schemas.fact_json import line_of
from schemas.registry import REGISTERED
from tests.support.journals import deterministic, facts
from tests.support.sink_records import alert

TOP: Final = Path(__file__).parents[3]
OURS: Final = TOP / "schemas/avro"
THEIRS: Final = TOP / "clients/python/src/peserta_client/avro"


def as_numbers(read: Alert) -> dict[str, Any]:
    """An alert with dates and instants as numbers, like in the service."""

    def number(value: Any) -> Any:
        if isinstance(value, datetime):
            return (value - EPOCH) // timedelta(milliseconds=1)
        return (value - EPOCH.date()).days if isinstance(value, date) else value

    return {name: number(value) for name, value in asdict(read).items()}


def test_the_schemas_are_those_of_the_service() -> None:
    names = {path.name for path in THEIRS.iterdir()}
    assert names == {f"{name}.avsc" for name in (*FACT_SCHEMA_IDS, "alert")}
    assert all((THEIRS / name).read_bytes() == (OURS / name).read_bytes() for name in names)
    latest = {entry.subject: entry.schema_id for entry in REGISTERED}
    assert {name: latest[name] for name in (*FACT_SCHEMA_IDS, "alert")} == FACT_SCHEMA_IDS | {"alert": ALERT_SCHEMA_ID}


@deterministic
@given(facts())
def test_a_fact_has_the_bytes_that_the_service_gives_it(fact: records.Fact) -> None:
    assert encode_fact(read_fact(line_of(fact))) == InboundCodec().encode(fact)


@pytest.mark.parametrize("given_alert", [alert(), alert("resolved", 9, 3)])
def test_an_alert_is_read_as_the_service_wrote_it(given_alert: records.Alert) -> None:
    read = decode_alert(OutputCodec().encode_alert(given_alert))
    assert [field.name for field in fields(Alert)] == [field.name for field in fields(records.Alert)]
    assert as_numbers(read) == asdict(given_alert)


@pytest.mark.parametrize(
    "value", [b"", b"\0\0\0\0\x32", b"\1\0\0\0\x32aa", b"\0\0\0\0\x33aa", b"\0\0\0\0\x32" + b"\xff" * 9]
)
def test_what_is_no_alert_is_not_taken_for_one(value: bytes) -> None:
    with pytest.raises(UnreadableAlert):
        decode_alert(value)
