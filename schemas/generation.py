"""Generations of the book: the journal folded once by certain code and settings, with state and outputs of its own.

Which one stands, and which was begun last, are the two records of `coverage.generations.v1`: JSON, for people too.
"""

import json
from dataclasses import asdict, dataclass

STANDING = b"standing"
BEGUN = b"begun"


@dataclass(frozen=True, slots=True)
class Generation:
    """`since`: milliseconds since 1970 at which it was begun or came to stand; `code`: digest of the folding code."""

    number: int = 1
    since: int = 0
    code: str = ""
    grace_days: int | None = None

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Generation":
        """Raises ValueError or TypeError for what is none."""
        return cls(**json.loads(value))
