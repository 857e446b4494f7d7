"""Ranges: the unit that is read, inserted and recorded as progress, with its hash and its token.

A position is the offset that is read next. A range is [first, next) in positions and not in records: transaction
markers, aborted records and compaction leave offsets without a visible record.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

TOKEN_HASH_DIGITS = 16
_HEAD = struct.Struct(">qii")
_NULL_LENGTH = -1


class Record(Protocol):
    """The fields of a Kafka record that the sink uses."""

    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """The offsets first <= offset < next of one partition."""

    topic: str
    partition: int
    first: int
    next: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition} [{self.first}, {self.next})"


@dataclass(frozen=True, slots=True)
class Batch:
    """A range with all its records, in order, and the SHA-256 over them."""

    range: Range
    records: Sequence[Record]
    sha256: str

    @classmethod
    def of(cls, range_: Range, records: Sequence[Record]) -> "Batch":
        return cls(range_, records, content_hash(range_, records))

    def token(self, table: str) -> str:
        """The deduplication token of this batch's rows in a table: same token, same rows."""
        r = self.range
        return f"{table}:{r.topic}:{r.partition}:{r.first}-{r.next}:{self.sha256[:TOKEN_HASH_DIGITS]}"


def content_hash(range_: Range, records: Iterable[Record]) -> str:
    """SHA-256 in hex over the range and its records as Kafka stores them. It does not depend on how rows are made."""
    digest = hashlib.sha256(f"{range_.first}-{range_.next}".encode())
    for record in records:
        key, value = record.key, record.value
        digest.update(_HEAD.pack(record.offset, _length(key), _length(value)))
        digest.update(key or b"")
        digest.update(value or b"")
    return digest.hexdigest()


def _length(part: bytes | None) -> int:
    return _NULL_LENGTH if part is None else len(part)
