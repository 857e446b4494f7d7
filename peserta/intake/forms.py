"""The forms of facts in an HTTP body, each read fact by fact: JSON, NDJSON and CloudEvents (SEMANTICS 12).

The function that judges lines of files judges each fact here too. Only a body that cannot be read at all is an error.
"""

import io
import json
import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final

from peserta.intake.taking import Reading
from schemas.admission import (
    DECODE_ERROR,
    INVALID_FIELD,
    OVERSIZED,
    RECORD_BYTES_MAX,
    Refusal,
    is_event_id,
    is_national_id,
    shown_event_id,
)
from schemas.fact_json import BYTE_ORDER_MARK, FactLine, decoded, numbered, read_fields, read_record

LINES_MAX: Final = 10_000  # limit for a body, including blank lines
JSON_DEPTH_MAX: Final = 16  # levels of nested arrays and objects; a batch of CloudEvents has 4

SPEC_VERSION: Final = "1.0"
ID_RULE: Final = "must be the event_id of the fact, of 1 to 64 of A-Z a-z 0-9 . _ : -"
SAME_ID_RULE: Final = "must be the id of the CloudEvent, or be left out"
NOT_IN_IT: Final = "must be the fact, a JSON object"


class Form(Enum):
    """The form of the facts in a body."""

    JSON = "one fact as a JSON object, or an array of them"
    LINES = "one fact a line, as JSON objects"
    EVENT = "a CloudEvent whose data is the fact"
    EVENTS = "a JSON array of CloudEvents"


class Unreadable(Exception):
    """The body as a whole cannot be read. The message says why, and quotes nothing of the body."""


class TooManyLines(Exception):
    """The body has more than LINES_MAX facts."""

    def __init__(self) -> None:
        super().__init__(f"A body may have {LINES_MAX} facts: send more of them in several requests.")


def readings(form: Form, body: bytes) -> Iterator[Reading]:
    """(number from 1, fact or refusal) of each fact of a body. Raises Unreadable or TooManyLines, before the last."""
    if form is Form.LINES:
        return _lines(body)
    text = _text(body)
    if form is Form.EVENT:
        return iter([(1, _read(read_event, text))])
    read = read_event if form is Form.EVENTS else read_fields
    if not text.lstrip(_BLANKS).startswith("["):
        if form is Form.EVENTS:
            raise Unreadable("The body is no JSON array of CloudEvents.")
        return iter([(1, _read(read, text.strip(_BLANKS)))])
    return ((number, _read(read, element)) for number, element in _elements(text))


def reading_of_data(body: bytes, event_id: str) -> Reading:
    """The fact of a CloudEvent in binary mode: the body is its data, and `event_id` is the header `ce-id`."""
    return 1, _read(lambda fields: read_data(fields, event_id), _text(body).strip(_BLANKS))


def read_event(event: Any) -> FactLine | Refusal:
    """The fact of a CloudEvent (1.0, structured mode), or the reason why it is none. Other attributes are ignored."""
    if not isinstance(event, dict):
        return Refusal(DECODE_ERROR, None, None)
    data = event.get("data")
    if isinstance(data, dict) and is_national_id(data.get("worker_id")):
        return read_fields(data)
    checks: tuple[tuple[str, bool, str], ...] = (
        ("specversion", event.get("specversion") == SPEC_VERSION, f"must be {SPEC_VERSION}"),
        ("id", is_event_id(event.get("id")), ID_RULE),
        ("type", _is_said(event.get("type")), "must be text: the type of the CloudEvent"),
        ("source", _is_said(event.get("source")), "must be text: the source of the CloudEvent"),
        ("data", isinstance(data, dict), NOT_IN_IT),
    )
    for field, holds, rule in checks:
        if not holds:
            return Refusal(INVALID_FIELD, shown_event_id(event.get("id"), None), None, field, rule)
    return read_data(data, event["id"])


def read_data(data: Any, event_id: str) -> FactLine | Refusal:
    """The fact in the data of a CloudEvent with this id; its own `event_id` may be left out."""
    if not isinstance(data, dict):
        return Refusal(DECODE_ERROR, None, None)
    if data.get("event_id", event_id) != event_id and not is_national_id(data.get("worker_id")):
        return Refusal(INVALID_FIELD, shown_event_id(event_id, None), None, "event_id", SAME_ID_RULE)
    return read_fields(data | {"event_id": event_id})


_BLANKS: Final = " \t\r\n"  # JSON's white space
# Matches everything but brackets: strings, of which the last may be unterminated, and other text. It never backtracks,
# so its time grows with the body and not with the body's square.
_NO_BRACKETS: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[^"\[\]{}]++', re.DOTALL)
_INNERMOST: Final = re.compile(rb"\[\]|\{\}")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


# Finds the end of a value. It knows only JSON's grammar: `schemas.fact_json` judges a fact.
_grammar: Final = json.JSONDecoder(parse_constant=_no_constant, parse_int=len, parse_float=len)


def _lines(body: bytes) -> Iterator[Reading]:
    if body.count(b"\n") > LINES_MAX:
        raise TooManyLines
    return ((number, read_record(line)) for number, line in numbered(io.BytesIO(body)))


def _text(body: bytes) -> str:
    try:
        text = body.removeprefix(BYTE_ORDER_MARK).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8.") from None
    if _is_deep(body):
        raise Unreadable(f"The body is no JSON, or has more than {JSON_DEPTH_MAX} arrays and objects in each other.")
    return text


def _is_deep(body: bytes) -> bool:
    """Whether brackets are nested more than JSON_DEPTH_MAX deep, or do not match."""
    left = _NO_BRACKETS.sub(b"", body)
    for _ in range(JSON_DEPTH_MAX):
        left = _INNERMOST.sub(b"", left)
    return bool(left)


def _read(read: Callable[[Any], FactLine | Refusal], text: str) -> FactLine | Refusal:
    """The fact in a JSON value, or a refusal. Raises Unreadable if the text is not JSON."""
    try:
        if len(text.encode("utf-8")) <= RECORD_BYTES_MAX:
            return read(decoded(text))
    except (ValueError, RecursionError):
        _check(text)
        return Refusal(DECODE_ERROR, None, None)
    _check(text)
    return Refusal(OVERSIZED, None, None)


def _check(text: str) -> None:
    try:
        _grammar.decode(text)
    except (ValueError, RecursionError):
        raise Unreadable("The body is no JSON.") from None


def _elements(text: str) -> Iterator[tuple[int, str]]:
    """(number, text) of each element of a JSON array, which must be the whole text.

    Raises Unreadable and TooManyLines when it reaches the place.
    """
    at, number = _after_blanks(text, text.index("[") + 1), 0
    if text.startswith("]", at):
        at += 1
    else:
        while True:
            end = _end(text, at)
            number += 1
            if number > LINES_MAX:
                raise TooManyLines
            yield number, text[at:end]
            at = _after_blanks(text, end)
            sign, at = text[at : at + 1], _after_blanks(text, at + 1)
            if sign == "]":
                break
            if sign != ",":
                raise Unreadable("The body is no JSON array.")
    if _after_blanks(text, at) < len(text):
        raise Unreadable("Something stands behind the JSON array.")


def _end(text: str, at: int) -> int:
    try:
        _, end = _grammar.raw_decode(text, at)
    except (ValueError, RecursionError):
        raise Unreadable("The body is no JSON.") from None
    return end


_SPACE: Final = re.compile(r"[ \t\r\n]*")


def _after_blanks(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _is_said(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
