"""The chain of a ledger partition: each record carries a keyless hash of the record before it and of itself.

A record's chain value is SHA-256 of (chain value of the record before, bytes of the record without its chain value);
the value before the first record is GENESIS. So a known chain value proves that the history up to it is unchanged.
"""

import hashlib
from collections.abc import Iterable
from typing import Final, NamedTuple

CHAIN_BYTES: Final = 32
GENESIS: Final = bytes(CHAIN_BYTES)


def chained(before: bytes, content: bytes) -> bytes:
    """The record: its content followed by its chain value."""
    return content + hashlib.sha256(before + content).digest()


def chain_of(value: bytes) -> bytes:
    """The chain value that a record carries."""
    return value[-CHAIN_BYTES:]


class Verdict(NamedTuple):
    """The number of records that chain correctly, the chain value of the last of them, and the place of the first that
    does not."""

    records: int
    head: bytes
    first_wrong: int | None


def verify(values: Iterable[tuple[int, bytes]], before: bytes = GENESIS) -> Verdict:
    """Follow the chain over (place, record) in order, from the chain value of the record before the first."""
    head, count = before, 0
    for place, value in values:
        if len(value) < CHAIN_BYTES or chained(head, value[:-CHAIN_BYTES]) != value:
            return Verdict(count, head, place)
        head = chain_of(value)
        count += 1
    return Verdict(count, head, None)
