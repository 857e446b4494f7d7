"""What the journal folded again gives, and what the book-keeper's dead letters are held against."""

from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.records import Coordinates
from streams.core.rows import Rows


@dataclass
class Expected:
    """What the journal folded again gives."""

    rows: Rows = field(default_factory=dict)
    ledger: list[bytes] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    snapshots: dict[bytes, bytes] = field(default_factory=dict)  # the last of each company, by key


class Letters(NamedTuple):
    """The book's dead letters as they stand: whom, offset in the topic, value. Whether older ones have expired."""

    found: list[tuple[Coordinates, int, bytes]]
    some_expired: bool
