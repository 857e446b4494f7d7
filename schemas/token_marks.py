"""Marks of token keys: which key a company's people were imported with (SEMANTICS 10), in readable JSON.

The records of `peserta.token-keys.v1` are kept for ever in one partition, so that all readers fold them alike: a record
holds only if it names the mark that held before it. Of two first imports at once with different keys, one is refused.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

_MARK: Final = re.compile(r"[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class TokenMark:
    """`mark` of the key that holds from here on; `replaces` is the one that held before, None for a first import."""

    mark: str
    replaces: str | None = None

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "TokenMark":
        """ValueError for bytes that are no mark."""
        found = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__):
            raise ValueError("not the fields of a mark")
        for mark in (found["mark"], *([] if found["replaces"] is None else [found["replaces"]])):
            if not isinstance(mark, str) or not _MARK.fullmatch(mark):
                raise ValueError("a mark has 8 hex digits")
        return cls(**found)


def holding(records: Iterable[tuple[str, TokenMark]]) -> dict[str, str]:
    """The mark that holds for each company after these records of (company_id, mark), in their order."""
    held: dict[str, str] = {}
    for company_id, record in records:
        if held.get(company_id) == record.replaces:
            held[company_id] = record.mark
    return held
