"""Generations of the book. A generation is one fold of the journal, with code, settings, state and outputs of its own.

`coverage.generations.v1` has two records in readable JSON: the current generation, and the one that was begun last.
"""

import json
from dataclasses import asdict, dataclass

CURRENT_KEY = b"standing"
BEGUN_KEY = b"begun"
FIRST = 1


@dataclass(frozen=True, slots=True)
class Generation:
    """`since`: when it was begun or became current, in milliseconds since 1970; `code`: digest of the folding code."""

    number: int = FIRST
    since: int = 0
    code: str = ""
    grace_days: int | None = None

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Generation":
        """The generation in a record's value. Raises ValueError if the number is missing or a field has another
        type."""
        found = json.loads(value)
        if not isinstance(found, dict) or not {"number"} <= found.keys() <= set(cls.__slots__):
            raise ValueError("not the fields of a generation")
        generation = cls(**found)
        if not generation._is_one():
            raise ValueError("a field of a generation is of another type, or out of bounds")
        return generation

    def _is_one(self) -> bool:
        # type() and not isinstance: in Python, true is a number.
        return (
            type(self.number) is int
            and self.number >= FIRST
            and type(self.since) is int
            and type(self.code) is str
            and (self.grace_days is None or (type(self.grace_days) is int and self.grace_days >= 0))
        )
