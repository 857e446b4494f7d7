"""The checks of a line before it is sent: the recorder's own rules, and the guard of a book of history."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from schemas.admission import (
    REASONS_OF_A_LINE,
    TYPE_NOT_ALLOWED,
    Refusal,
    range_reason,
    refusal,
)
from schemas.fact_json import FactLine, read_record
from schemas.records import Instant
from schemas.vocabulary import KINDS

RECORDED_IN_FUTURE: Final = "recorded_in_future"  # a reason of publishing only: such a line never becomes a record

REASONS_OF_LINES: Final = REASONS_OF_A_LINE | {
    RECORDED_IN_FUTURE: "recorded_at (occurred_at, if the line has none) is after the present moment, and would move "
    "the dates of the book; correct the line, or add --allow-future if you mean it",
}


@dataclass(frozen=True, slots=True)
class Door:
    """`replay`: a line's `recorded_at` becomes its time of recording; it may lie after `now` only with `allow_future`.
    `kinds` are the types of record that the topic may carry."""

    now: Callable[[], Instant]
    replay: bool
    allow_future: bool = True
    kinds: tuple[str, ...] = KINDS

    def read(self, raw: bytes) -> FactLine | Refusal:
        """The fact of a line that may be sent, or why it is refused."""
        return self.sendable(read_record(raw))

    def sendable(self, read: FactLine | Refusal) -> FactLine | Refusal:
        """The same for a line that was read already."""
        if isinstance(read, Refusal):
            return read
        if self.replay and not self.allow_future and read.recorded_at > self.now():
            return refusal(RECORDED_IN_FUTURE, read.fact)
        return read

    def refused_later(self, read: FactLine) -> Refusal | None:
        """Why the recorder will refuse a line that may be sent; None if it will accept it."""
        if KINDS[read.fact.kind] not in self.kinds:
            return refusal(TYPE_NOT_ALLOWED, read.fact)
        reason = range_reason(read.fact, read.recorded_at if self.replay else self.now())
        return refusal(reason, read.fact) if reason else None
