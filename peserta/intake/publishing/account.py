"""The account of one publishing: what became of each line, or would."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from peserta.intake.fact_files import Place
from peserta.intake.lines_sent import Fate
from schemas.admission import Refusal


class By(StrEnum):
    """Who refuses a line."""

    DOOR = "publish"  # it was never sent
    RECORDER = "recorder"
    BOOK = "book"


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that was refused, or would be: where it stands, by whom and why."""

    place: Place
    by: By
    why: Refusal


@dataclass(slots=True)
class Account:
    """Counts of lines. Every line that was read was refused by the door, or was sent (in a dry run: would be).

    `fates` are those of the lines that were sent; in a dry run, what the book would say of those that the recorder
    would take. `is_followed`: whether anybody looked for what became of them. `is_compared`: in a dry run, whether the
    book was asked, or only the files. `doomed` were sent, and the recorder has refused them or will. `empty_files` were
    read and had no line.
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
        """Lines that somebody refused."""
        return sum(reasons.total() for reasons in self.refused.values())

    @property
    def still_doomed(self) -> Counter[str]:
        """Lines that the recorder will refuse once it comes to them."""
        return self.doomed - self.refused[By.RECORDER] if self.fates[Fate.SENT] else Counter()

    @property
    def has_refusals(self) -> bool:
        return self.refusals > 0 or self.still_doomed.total() > 0
