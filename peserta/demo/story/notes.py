"""Notes on the planted disorder, as data: the key to the story."""

from dataclasses import dataclass
from datetime import date
from enum import Enum


class Planted(Enum):
    """Kinds of planted things; the value says what the book does with them."""

    DOUBLE_UPLOAD = "every line of a file comes twice: duplicate"
    ID_CONFLICT = "an event_id comes again with other content: dead_letter:id_conflict"
    NOBODY_THERE = "a termination of somebody not employed: no_effect"
    UNKNOWN_TARGET = "a correction of a fact that never comes: no_effect"
    CORRECTION = "a fact is voided and said again as it was: reversal and new posting"
    CORRECTION_FIRST = "a correction comes before the fact that it voids"
    REHIRE = "somebody comes back: a new spell, with a new grace period"
    RENEWAL = "a contract ends on the day on which the next begins: the spell goes on, whichever was entered first"
    BACK_DATED = "a fact is recorded weeks after the date from which it holds: past days are restated"
    FUTURE_DATED = "a contract is recorded before it begins: nothing happens until that date"
    BROKEN_RECORD = "a record that the recorder refuses: dead letter"


@dataclass(frozen=True)
class Note:
    """One planted thing: where it is and one sentence about it. `on` is the date of recording."""

    kind: Planted
    company_id: str
    on: date
    sentence: str
    event_ids: tuple[str, ...] = ()
    """The facts concerned, in order of recording; empty for broken records."""
