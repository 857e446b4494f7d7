"""The account of one publishing: the disposition that each line has, or would have."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from peserta.intake.fact_files import Place
from peserta.intake.lines_sent import Fate
from schemas.admission import Refusal


class By(StrEnum):
    """What refused a line."""

    DOOR = "publish"  # it was never sent
    RECORDER = "recorder"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was or would be refused: its place, what refuses it, and why."""

    place: Place
    by: By
    why: Refusal


@dataclass(slots=True)
class Account:
    """Counts of lines. Every line that was read was either refused before sending, or sent (in a dry run: would be).

    `fates` counts the sent lines by how far they have come; in a dry run, by the disposition that the book would give
    to those that the recorder would accept. `is_followed`: whether dispositions were awaited. `is_compared`: whether a
    dry run compared the lines with the book. `doomed` lines were sent, and the recorder has refused or will refuse
    them. `empty_files` were read and had no line.
    """

    sent: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    refused: dict[By, Counter[str]] = field(default_factory=lambda: {by: Counter() for by in By})
    doomed: Counter[str] = field(default_factory=Counter)
    is_followed: bool = False
    is_compared: bool = False
    empty_files: list[str] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """Lines that were read, blank ones not counted."""
        return self.sent + self.refused[By.DOOR].total()

    @property
    def refusals(self) -> int:
        """Number of refused lines."""
        return sum(reasons.total() for reasons in self.refused.values())

    @property
    def still_doomed(self) -> Counter[str]:
        """Lines that the recorder has not processed yet and will refuse."""
        return self.doomed - self.refused[By.RECORDER] if self.fates[Fate.SENT] else Counter()

    @property
    def has_refusals(self) -> bool:
        return self.refusals > 0 or self.still_doomed.total() > 0
