"""Facts as lines of JSON (SEMANTICS 1): files, HTTP and the command line speak this form."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from schemas.admission import (
    DECODE_ERROR,
    FIELD_RULES,
    INVALID_FIELD,
    NATIONAL_ID,
    OVERSIZED,
    RECORD_BYTES_MAX,
    Refusal,
    field_and_rule,
    field_reason,
    is_event_id,
    is_national_id,
    is_source,
    is_word,
    range_reason,
    refusal,
    shown_event_id,
    shown_field,
)
from schemas.dates import day, day_text, instant, instant_text
from schemas.records import Fact, Instant
from schemas.vocabulary import (
    ACTIONS,
    CORRECTION,
    EMPLOYMENT_TYPE_NUMBER,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    KINDS,
    PROGRAMME_BIT,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
    programme_names,
)

_COMMON: Final = ("type", "event_id", "company_id", "worker_id", "effective_on", "occurred_at", "source")
_OWN: Final = {
    "hire": ("employment_type",),
    "termination": ("reason",),
    "enrollment": ("action", "programmes"),
    "correction": ("corrects",),
}
_FIELDS: Final = {name: frozenset(_COMMON + own) for name, own in _OWN.items()}
_FIELDS_RECORDED: Final = {name: fields | {"recorded_at"} for name, fields in _FIELDS.items()}
_KIND: Final = {name: number for number, name in enumerate(KINDS)}
_REASON: Final = {name: number for number, name in enumerate(TERMINATION_REASONS)}
_ACTION: Final = {"enrolled": 0, "withdrawn": WITHDRAWN}

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # some Windows programs write it at the beginning of a file
# What a field of a line must be, in words that follow its name.
_INSTANT_RULE: Final = "must be an instant from 2000 to 2199, RFC 3339 with an offset"
_RULES: Final = FIELD_RULES | {
    "effective_on": "must be a date, YYYY-MM-DD",
    "occurred_at": _INSTANT_RULE,
    "recorded_at": _INSTANT_RULE,
}
_MISSING: Final = "is missing"

# What looking up or parsing a wrong value raises.
_WRONG_VALUE: Final = (KeyError, TypeError, ValueError)


class FactLine(NamedTuple):
    """The fact of a line, and its time of recording in a replay."""

    fact: Fact
    recorded_at: Instant


def numbered(file: Iterable[bytes], first: int = 1) -> Iterator[tuple[int, bytes]]:
    """(number, line without its end) of each line of a file.

    Blank lines are counted and skipped. A byte order mark at the beginning of the file is skipped.
    """
    for number, raw in enumerate(file, first):
        line = raw.rstrip(b"\r\n")
        if number == first:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line.strip(b" \t"):
            yield number, line


def read_record(line: bytes) -> FactLine | Refusal:
    """A line -> a fact that keeps every rule except the range of effective_on, or why it cannot become a record."""
    if len(line) > RECORD_BYTES_MAX:
        return Refusal(OVERSIZED, None, None)
    try:
        fields = decoded(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return Refusal(DECODE_ERROR, None, None)
    return read_fields(fields)


def read_fields(fields: Any) -> FactLine | Refusal:
    """The same for the JSON value of a line (`decoded`)."""
    if not isinstance(fields, dict):
        return Refusal(DECODE_ERROR, None, None)
    try:
        read = _fact(fields)
        reason = field_reason(read.fact)
    except _WRONG_VALUE:
        return _refused(NATIONAL_ID if is_national_id(fields.get("worker_id")) else INVALID_FIELD, fields)
    if reason is None:
        return read
    return _refused(reason, fields) if reason == NATIONAL_ID else refusal(reason, read.fact)


def admit(line: bytes) -> FactLine | Refusal:
    """A line -> a fact as it enters the journal, or why it does not."""
    read = read_record(line)
    if isinstance(read, Refusal):
        return read
    reason = range_reason(read.fact, read.recorded_at)
    return read if reason is None else refusal(reason, read.fact)


def _fact(fields: dict[str, Any]) -> FactLine:
    name = fields["type"]
    if fields.keys() == _FIELDS[name]:
        recorded_at = None
    elif fields.keys() == _FIELDS_RECORDED[name]:
        recorded_at = instant(fields["recorded_at"])
    else:
        raise ValueError("missing or extra field")
    occurred_at = instant(fields["occurred_at"])
    fact = Fact(
        _KIND[name],
        _DETAIL[name](fields),
        fields["event_id"],
        fields["company_id"],
        fields["worker_id"],
        day(fields["effective_on"]),
        occurred_at,
        fields["source"],
        fields["corrects"] if name == "correction" else "",
    )
    return FactLine(fact, occurred_at if recorded_at is None else recorded_at)


def _enrollment_detail(fields: dict[str, Any]) -> int:
    programmes = fields["programmes"]
    if not isinstance(programmes, list):
        raise TypeError("programmes is a list")
    detail = _ACTION[fields["action"]]
    for name in programmes:
        detail |= PROGRAMME_BIT[name]
    return detail


_DETAIL: Final[dict[str, Callable[[dict[str, Any]], int]]] = {
    "hire": lambda fields: EMPLOYMENT_TYPE_NUMBER[fields["employment_type"]],
    "termination": lambda fields: _REASON[fields["reason"]],
    "enrollment": _enrollment_detail,
    "correction": lambda fields: 0,
}


def _refused(reason: str, fields: dict[str, Any]) -> Refusal:
    """A refusal of a decoded line whose fields may be anything."""
    field, rule = _wrong_field(fields) if reason == INVALID_FIELD else field_and_rule(reason, None)
    return Refusal(reason, shown_event_id(fields.get("event_id"), fields.get("worker_id")), None, field, rule)


def _wrong_field(fields: dict[str, Any]) -> tuple[str, str]:
    """The first field that an object has wrong, in the order of SEMANTICS 1, and its rule; unknown ones come last."""
    name = fields.get("type")
    own = _OWN.get(name) if isinstance(name, str) else None
    if own is None:
        return "type", _RULES["type"] if "type" in fields else _MISSING
    for field in (*_COMMON, *own, *(("recorded_at",) if "recorded_at" in fields else ())):
        if field not in fields:
            return field, _MISSING
        if not _keeps_rule(field, fields[field]):
            return field, _RULES[field]
    unknown = next((key for key in fields if key not in _FIELDS_RECORDED[str(name)]), "")
    return shown_field(unknown), f"is no field of type {name}"


def _keeps_rule(field: str, value: Any) -> bool:
    try:
        return _CHECK[field](value)
    except _WRONG_VALUE:
        return False


def _is_instant(value: Any) -> bool:
    instant(value)
    return True


def _is_date(value: Any) -> bool:
    day(value)
    return True


# field -> whether a value keeps its rule; one of _WRONG_VALUE says that it does not
_CHECK: Final[dict[str, Callable[[Any], bool]]] = {
    "type": lambda value: value in _KIND,
    "event_id": is_event_id,
    "company_id": is_word,
    "worker_id": is_word,
    "effective_on": _is_date,
    "occurred_at": _is_instant,
    "recorded_at": _is_instant,
    "source": is_source,
    "employment_type": lambda value: value in EMPLOYMENT_TYPE_NUMBER,
    "reason": lambda value: value in _REASON,
    "action": lambda value: value in _ACTION,
    "programmes": lambda value: (
        isinstance(value, list) and bool(value) and all(name in PROGRAMME_BIT for name in value)
    ),
    "corrects": is_event_id,
}


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _some_number(_: str) -> int:
    return 0


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. One that repeats a key is ambiguous, so it is refused."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return fields


# No field is a number, so numbers are not parsed: int() refuses very long ones, and the line would not count as JSON.
_decoder: Final = json.JSONDecoder(
    parse_constant=_no_constant, parse_int=_some_number, object_pairs_hook=_each_key_once
)
_encode: Final = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode


def decoded(text: str) -> Any:
    """The JSON value of a line, its numbers all 0; ValueError when it is not JSON or says a key twice, and
    RecursionError when it is too deep. Nearly every line is one object and nothing else."""
    if text.startswith("{"):
        fields, end = _decoder.raw_decode(text)
        if end == len(text):
            return fields
    return _decoder.decode(text)


def line_of(fact: Fact, recorded_at: Instant | None = None) -> str:
    """A fact as a line, without its end."""
    fields: dict[str, Any] = {
        "type": KINDS[fact.kind],
        "event_id": fact.event_id,
        "company_id": fact.company_id,
        "worker_id": fact.worker_id,
        "effective_on": day_text(fact.effective_on),
        "occurred_at": instant_text(fact.occurred_at),
        "source": fact.source,
    }
    if fact.kind == HIRE:
        fields["employment_type"] = EMPLOYMENT_TYPES[fact.detail]
    elif fact.kind == TERMINATION:
        fields["reason"] = TERMINATION_REASONS[fact.detail]
    elif fact.kind == ENROLLMENT:
        fields["action"] = ACTIONS[1 if fact.detail & WITHDRAWN else 0]
        fields["programmes"] = programme_names(fact.detail)
    elif fact.kind == CORRECTION:
        fields["corrects"] = fact.corrects
    if recorded_at is not None:
        fields["recorded_at"] = instant_text(recorded_at)
    return _encode(fields)


def json_line(fields: dict[str, Any]) -> str:
    """A JSON object as section 8 prints it: sorted keys, no blanks, UTF-8 unescaped."""
    return _encode(fields)
