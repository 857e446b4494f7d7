"""The result of folding the journal again, and the book-keeper's dead letters for comparison with it."""

from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.records import Coordinates
from streams.core.rows import Rows


@dataclass
class Expected:
    """The result of folding the journal again."""

    rows: Rows = field(default_factory=dict)
    ledger: list[bytes] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    snapshots: dict[bytes, bytes] = field(default_factory=dict)  # the last snapshot of each company, by key


class Letters(NamedTuple):
    """The book's dead letters in the topic: source, offset and value, and whether older ones have expired."""

    found: list[tuple[Coordinates, int, bytes]]
    some_expired: bool
