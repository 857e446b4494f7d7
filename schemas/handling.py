"""What people do about an alert: acknowledge it, assign it, note something (SEMANTICS 13).

The records are those of `peserta.alert-handling.v1` (compacted, one partition, key = handling id), in readable JSON.
Each action has a record and a key of its own, so that two people who write at once both are kept. Handling is no input
of the book.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from schemas.admission import is_text
from schemas.records import Instant

ACKNOWLEDGED: Final = "acknowledged"
ASSIGNED: Final = "assigned"
NOTE: Final = "note"
ACTIONS: Final = (ACKNOWLEDGED, ASSIGNED, NOTE)
TEXT_LENGTH_MAX: Final = 2_000  # code points
NAME_LENGTH_MAX: Final = 64  # code points


@dataclass(frozen=True, slots=True)
class Handling:
    """One action on the episode `alert_id`. `to` is whom it is assigned to, `text` the note."""

    handling_id: str
    alert_id: str
    company_id: str
    action: str
    by: str
    at: Instant
    to: str | None = None
    text: str | None = None

    def encode(self) -> bytes:
        """The record's value."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> "Handling":
        """Raises ValueError for bytes that are no handling."""
        found = json.loads(value)
        if not isinstance(found, dict) or found.keys() != set(cls.__slots__):
            raise ValueError("not the fields of a handling")
        handling = cls(**found)
        if wrong := wrong_field(handling):
            raise ValueError(f"{wrong} of a handling is not what it must be")
        return handling


def wrong_field(handling: Handling) -> str | None:
    """The first field that does not keep its rule."""
    checks = {
        "handling_id": _is_text(handling.handling_id, TEXT_LENGTH_MAX),
        "alert_id": _is_text(handling.alert_id, TEXT_LENGTH_MAX),
        "company_id": _is_text(handling.company_id, TEXT_LENGTH_MAX),
        "action": handling.action in ACTIONS,
        "by": _is_text(handling.by, NAME_LENGTH_MAX),
        "at": type(handling.at) is int,
        "to": _is_text(handling.to, NAME_LENGTH_MAX) if handling.action == ASSIGNED else handling.to is None,
        "text": _is_text(handling.text, TEXT_LENGTH_MAX) if handling.action == NOTE else handling.text is None,
    }
    return next((name for name, holds in checks.items() if not holds), None)


def _is_text(text: object, longest: int) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= longest and not text.isspace() and is_text(text)


@dataclass(frozen=True, slots=True)
class Handled:
    """What is known of an episode's handling: the last acknowledgement, the last assignment, and all notes."""

    acknowledged_by: str | None = None
    acknowledged_at: Instant | None = None
    assigned_to: str | None = None
    notes: tuple[Handling, ...] = ()


def handled(records: Iterable[Handling]) -> dict[str, Handled]:
    """Alert id -> its handling, from records in the topic's order."""
    found: dict[str, Handled] = {}
    for one in records:
        had = found.get(one.alert_id, Handled())
        by, at, to, notes = had.acknowledged_by, had.acknowledged_at, had.assigned_to, had.notes
        if one.action == ACKNOWLEDGED:
            by, at = one.by, one.at
        elif one.action == ASSIGNED:
            to = one.to
        else:
            notes = (*notes, one)
        found[one.alert_id] = Handled(by, at, to, notes)
    return found
