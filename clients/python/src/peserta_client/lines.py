"""Facts from lines of JSON (SEMANTICS 1), as `to_json` writes them."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime, timedelta, timezone
from typing import Any, Final

from peserta_client.facts import FACT_TYPES, Fact
from peserta_client.rules import (
    DECODE_ERROR,
    INVALID_FIELD,
    NATIONAL_ID,
    OVERSIZED,
    RULES,
    TOKEN_RULE,
    InvalidFact,
    is_national_id,
    taken,
)

LINE_BYTES_MAX: Final = 16_384  # without the line end

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))",
    re.ASCII,
)
_TYPE_RULE: Final = f"must be one of {', '.join(FACT_TYPES)}"
_UNKNOWN_RULE: Final = "is no field of this type of fact, or a field that facts of this client do not carry"


def read_fact(line: str | bytes) -> Fact:
    """The fact in a line, without `recorded_at`, which only replayed files have. Raises InvalidFact if there is
    none."""
    values = _decoded(line)
    if is_national_id(values.get("worker_id")):
        raise InvalidFact(NATIONAL_ID, "worker_id", TOKEN_RULE)
    name = values.pop("type", None)
    record = FACT_TYPES.get(name) if isinstance(name, str) else None
    if record is None:
        raise InvalidFact(INVALID_FIELD, "type", _TYPE_RULE)
    names = [field.name for field in fields(record)]
    read = {field: _read(field, values) for field in names}
    if len(values) > len(names):
        raise InvalidFact(INVALID_FIELD, None, f"A field {_UNKNOWN_RULE}.")
    return record(**read)


def _decoded(line: str | bytes) -> dict[str, Any]:
    try:
        encoded = line.encode("utf-8") if isinstance(line, str) else line
        if len(encoded) > LINE_BYTES_MAX:
            raise InvalidFact(OVERSIZED, None, f"The line has more than {LINE_BYTES_MAX} bytes.")
        values = _decoder.decode(encoded.decode("utf-8"))
    except InvalidFact:
        raise
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidFact(DECODE_ERROR, None, "The line is not a JSON object in UTF-8, or repeats a key.")
    return values


def _read(field: str, values: Mapping[str, Any]) -> Any:
    if field not in values:
        raise InvalidFact(INVALID_FIELD, field, "is missing")
    try:
        value = _FORMS[field](values[field]) if field in _FORMS else values[field]
    except (TypeError, ValueError):
        raise InvalidFact(INVALID_FIELD, field, RULES[field].words) from None
    return taken(field, value)


def _date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise ValueError("a date is written YYYY-MM-DD")
    return date.fromisoformat(text)


def _instant(text: str) -> datetime:
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise ValueError("an instant is written YYYY-MM-DDTHH:MM:SS+HH:MM")
    on, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    zone = timezone(-offset if sign == "-" else offset)
    microsecond = int((fraction or "")[:6].ljust(6, "0"))
    day = date.fromisoformat(on)
    return datetime(day.year, day.month, day.day, int(hour), int(minute), int(second), microsecond, zone)


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("programmes are an array")
    return value


_FORMS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "effective_on": _date,
    "occurred_at": _instant,
    "programmes": _array,
}


def _no_constant(_: str) -> None:
    raise ValueError("not JSON")


def _some_number(_: str) -> int:
    return 0


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("an object repeats a key")
    return values


# No field is a number, so numbers are not parsed: int() refuses very long ones.
_decoder: Final = json.JSONDecoder(
    parse_constant=_no_constant, parse_int=_some_number, object_pairs_hook=_each_key_once
)
