"""The bytes of a ledger record: assembled from ready-made classes and lines, and read without fastavro in plain form.

As for facts (schemas.fact_bytes), a value that is not in plain form raises one of NOT_PLAIN, and the caller asks
fastavro.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from schemas.chain import CHAIN_BYTES
from schemas.fact_bytes import (
    DAY_BYTES,
    INSTANT_BYTES,
    ODD_OR_LONG,
    NotPlain,
    read_day,
    read_instant,
    read_long,
    repeated_string,
    repeated_text,
)
from schemas.ledger_lines import Line, parts
from schemas.records import Instant, LedgerRecord, Posting, from_fields
from schemas.vocabulary import BOOK_DISPOSITIONS, CLASSES, PROGRAMMES, ClassParts, programme_names
from schemas.wire import END, FRAME_BYTES, NULL, SOME, array, string, zigzag

LINES_KEPT_MAX: Final = 1 << 15

_DISPOSITION_BYTES: Final = {disposition: zigzag(i) for i, disposition in enumerate(BOOK_DISPOSITIONS)}
_DISPOSITION: Final = {encoded[0]: disposition for disposition, encoded in _DISPOSITION_BYTES.items()}


def _class_bytes(parts: ClassParts | None) -> bytes:
    """A class as Avro writes it in a union with null."""
    if parts is None:
        return NULL
    programmes = array([zigzag(PROGRAMMES.index(name)) for name in programme_names(parts.programmes)])
    return SOME + zigzag(parts.employment_type) + programmes + (b"\x01" if parts.new else b"\x00")


_CLASS_BYTES: Final = tuple(map(_class_bytes, CLASSES))
_CLASS_PARTS: Final = dict(zip(_CLASS_BYTES, CLASSES, strict=True))


@lru_cache(maxsize=LINES_KEPT_MAX)
def _line_bytes(line: Line) -> bytes:
    """Date, classes and quantity of a line. Cached, because many workers change in the same way on the same date."""
    value_on, before, after, quantity = parts(line)
    return zigzag(value_on) + _CLASS_BYTES[before] + _CLASS_BYTES[after] + zigzag(quantity)


def ledger_content(
    at: tuple[int, int, Instant], company_id: str, event_id: str, disposition: str, lines: Sequence[Line]
) -> bytes:
    """The record without frame and chain; see OutputCodec.encode_ledger."""
    partition, offset, recorded_at = at
    fields = [
        zigzag(partition),
        zigzag(offset),
        zigzag(recorded_at),
        repeated_string(company_id),
        string(event_id),
        _DISPOSITION_BYTES[disposition],
    ]
    if lines:
        fields.append(zigzag(len(lines)))
        fields += map(_line_bytes, lines)
    fields.append(END)
    return b"".join(fields)


def plain_ledger(value: bytes) -> LedgerRecord:
    """A framed record in plain form; one of NOT_PLAIN for any other."""
    partition, offset_at = read_long(value, FRAME_BYTES)
    offset, recorded_at = read_long(value, offset_at)
    company_at = recorded_at + INSTANT_BYTES
    company_bytes = value[company_at]
    event_at = company_at + 1 + (company_bytes >> 1)
    event_bytes = value[event_at]
    disposition_at = event_at + 1 + (event_bytes >> 1)
    disposition = _DISPOSITION.get(value[disposition_at])
    lines, end = _read_lines(value, disposition_at + 1)
    if disposition is None or (company_bytes | event_bytes) & ODD_OR_LONG or end + CHAIN_BYTES != len(value):
        raise NotPlain
    return from_fields(
        LedgerRecord,
        (
            partition,
            offset,
            read_instant(value[recorded_at:company_at]),
            repeated_text(value[company_at + 1 : event_at]),
            value[event_at + 1 : disposition_at].decode(),
            disposition,
            lines,
            value[end:],
        ),
    )


def _read_lines(value: bytes, at: int) -> tuple[tuple[Posting, ...], int]:
    """The lines that begin at this position, and the position after them: an array of at most one block."""
    count, at = read_long(value, at)
    lines = []
    for _ in range(count):
        before_at = at + DAY_BYTES
        after_at = _behind_class(value, before_at)
        quantity_at = _behind_class(value, after_at)
        before = _CLASS_PARTS.get(value[before_at:after_at], _UNKNOWN)
        after = _CLASS_PARTS.get(value[after_at:quantity_at], _UNKNOWN)
        quantity = value[quantity_at]
        if before is _UNKNOWN or after is _UNKNOWN or not 1 <= quantity <= 2:
            raise NotPlain
        lines.append(from_fields(Posting, (read_day(value[at:before_at]), before, after, 1 if quantity == 2 else -1)))
        at = quantity_at + 1
    if not count:
        return (), at
    if count < 0 or value[at]:
        raise NotPlain
    return tuple(lines), at + 1


_UNKNOWN: Final = ClassParts(-1, -1, False)  # stands for bytes that are no class


def _behind_class(value: bytes, at: int) -> int:
    """The position after a class: null, or its type, the number of programmes, the programmes, a zero, and `new`."""
    if not value[at]:
        return at + 1
    programmes = value[at + 2]
    return at + 4 if not programmes else at + 5 + (programmes >> 1)
