"""The bytes of facts, as far as the inbound topics and the journal share them, written and read without fastavro.

Nearly all facts are in plain form: minimal numbers of the usual size, texts under 64 bytes. These can be cut at known
positions in half the time that fastavro takes. Any other value raises one of NOT_PLAIN, and the caller asks fastavro,
which alone decides what is Avro.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from schemas.records import Day, Fact, Instant, from_fields
from schemas.vocabulary import (
    ACTIONS,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    PROGRAMMES,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
)
from schemas.wire import array, checked_index, string, zigzag

TEXTS_KEPT_MAX: Final = 1 << 16
DAYS_KEPT_MAX: Final = 1 << 14

DAY_BYTES: Final = 3  # of dates from June 1992 to 4840
INSTANT_BYTES: Final = 6  # of instants from July 1970 to September 2039; later ones have seven and go to fastavro

_LONG_BYTES_MAX: Final = 9
_MORE: Final = 0x80  # the bit of a byte that is not the last of its number
ODD_OR_LONG: Final = 0x81  # of a length: negative, or in more than one byte


class NotPlain(Exception):
    """The bytes are not in plain form; they may still be Avro."""


NOT_PLAIN: Final = (NotPlain, IndexError, UnicodeDecodeError)


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def repeated_text(encoded: bytes) -> str:
    """A text that repeats (company, source, topic): decoded once, and the same object each time."""
    return encoded.decode()


@lru_cache(maxsize=DAYS_KEPT_MAX)
def read_day(encoded: bytes) -> Day:
    """A date of DAY_BYTES bytes."""
    number, end = read_long(encoded, 0)
    if end != DAY_BYTES or not encoded[-1]:
        raise NotPlain
    return number


def read_long(value: bytes, at: int) -> tuple[int, int]:
    """An int or long of any size, and the position after it."""
    byte = value[at]
    number, shift = byte & 0x7F, 7
    while byte & _MORE:
        at += 1
        byte = value[at]
        number |= (byte & 0x7F) << shift
        shift += 7
    if shift > 7 * _LONG_BYTES_MAX:
        raise NotPlain
    return number >> 1 ^ -(number & 1), at + 1


def read_instant(encoded: bytes) -> Instant:
    """An instant of INSTANT_BYTES bytes: its groups of seven bits moved together, first two and two, then all."""
    n = int.from_bytes(encoded, "little")
    if n & 0x8080_8080_8081 != 0x0080_8080_8080 or n < 1 << 40:  # another length, negative, or superfluous bytes
        raise NotPlain
    n = n & 0x7F_007F_007F | (n & 0x7F00_7F00_7F00) >> 1
    return (n & 0x3FFF | n >> 2 & 0xFFF_C000 | n >> 4 & 0x3FF_F000_0000) >> 1


@lru_cache(maxsize=TEXTS_KEPT_MAX)
def repeated_string(text: str) -> bytes:
    """A string that repeats, as Avro writes it."""
    return string(text)


def common_fields(fact: Fact) -> bytes:
    """The fields that every fact has, as Avro writes them."""
    return b"".join(
        (
            string(fact.event_id),
            repeated_string(fact.company_id),
            string(fact.worker_id),
            zigzag(fact.effective_on),
            zigzag(fact.occurred_at),
            repeated_string(fact.source),
        )
    )


def read_fact(value: bytes, at: int, kind: int, details: Mapping[bytes, int]) -> Fact:
    """The fact whose common fields begin at this position; `details` maps the bytes after them to its detail."""
    event_bytes = value[at]
    company_at = at + 1 + (event_bytes >> 1)
    company_bytes = value[company_at]
    worker_at = company_at + 1 + (company_bytes >> 1)
    worker_bytes = value[worker_at]
    on_at = worker_at + 1 + (worker_bytes >> 1)
    occurred_at = on_at + DAY_BYTES
    source_at = occurred_at + INSTANT_BYTES
    source_bytes = value[source_at]
    end = source_at + 1 + (source_bytes >> 1)
    detail = details.get(value[end:])
    if detail is None or (event_bytes | company_bytes | worker_bytes | source_bytes) & ODD_OR_LONG:
        raise NotPlain
    return from_fields(
        Fact,
        (
            kind,
            detail,
            value[at + 1 : company_at].decode(),
            repeated_text(value[company_at + 1 : worker_at]),
            value[worker_at + 1 : on_at].decode(),
            read_day(value[on_at:occurred_at]),
            read_instant(value[occurred_at:source_at]),
            repeated_text(value[source_at + 1 : end]),
            "",
        ),
    )


class OwnFields(NamedTuple):
    """The fields that only some kinds of fact have, as Avro writes them outside a union; None: the kind has none."""

    employment_type: bytes | None = None
    reason: bytes | None = None
    action: bytes | None = None
    programmes: bytes | None = None


def _enrollment(detail: int) -> OwnFields:
    programmes = array([zigzag(i) for i in range(len(PROGRAMMES)) if detail >> i & 1])
    return OwnFields(action=zigzag(1 if detail & WITHDRAWN else 0), programmes=programmes)


# kind -> detail -> the kind's own fields, of all kinds but corrections, whose own field is a text
OWN_FIELDS: Final = {
    TERMINATION: {i: OwnFields(reason=zigzag(i)) for i in range(len(TERMINATION_REASONS))},
    HIRE: {i: OwnFields(employment_type=zigzag(i)) for i in range(len(EMPLOYMENT_TYPES))},
    ENROLLMENT: {detail: _enrollment(detail) for detail in range(2 * WITHDRAWN)},
}


def fact_from(kind: int, fields: Mapping[str, Any]) -> Fact:
    """A fact from the fields that fastavro read; NotAvro for an index that has no symbol."""
    detail = 0
    if kind == HIRE:
        detail = checked_index(fields["employment_type"], len(EMPLOYMENT_TYPES))
    elif kind == TERMINATION:
        detail = checked_index(fields["reason"], len(TERMINATION_REASONS))
    elif kind == ENROLLMENT:
        for programme in fields["programmes"]:
            detail |= 1 << checked_index(programme, len(PROGRAMMES))
        if checked_index(fields["action"], len(ACTIONS)):
            detail |= WITHDRAWN
    return Fact(
        kind,
        detail,
        fields["event_id"],
        fields["company_id"],
        fields["worker_id"],
        fields["effective_on"],
        fields["occurred_at"],
        fields["source"],
        fields.get("corrects") or "",
    )
