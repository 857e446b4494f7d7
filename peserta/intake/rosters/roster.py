"""A roster: the people who work at a company at the end of a day, one row for each worker (SEMANTICS 11)."""

from dataclasses import dataclass
from typing import Final

from peserta.operations.failure import Rejected
from schemas.admission import holds_personal_number, is_source, is_word
from schemas.dates import DAY_MS, day_text, effective_range, is_instant, jakarta_day, jakarta_midnight
from schemas.records import Day, Instant
from schemas.vocabulary import EMPLOYMENT_TYPE_NUMBER

SOURCE_DEFAULT: Final = "roster"
UNSPECIFIED: Final = EMPLOYMENT_TYPE_NUMBER["unspecified"]
LAST_SECOND_MS: Final = DAY_MS - 1_000  # 23:59:59 in Jakarta, which is 16:59:59Z


@dataclass(frozen=True, slots=True)
class Roll:
    """The company and the day of a roster; `source` is the source of its facts."""

    company_id: str
    day: Day
    source: str = SOURCE_DEFAULT

    @property
    def closes_at(self) -> Instant:
        """The last second of the day in Jakarta: the earliest `occurred_at` of a fact of the roster."""
        return jakarta_midnight(self.day) + LAST_SECOND_MS


@dataclass(frozen=True, slots=True)
class RosterRow:
    """A worker on the roster. `programmes` is a mask of those held; `row` is the number of the row in the file."""

    row: int
    worker_id: str
    employment_type: int = UNSPECIFIED
    programmes: int = 0
    started_on: Day | None = None


@dataclass(frozen=True, slots=True)
class Unread:
    """The workers in refused rows. None of `workers` is ended.

    If `is_anybody`, a refused row does not identify its worker, and nobody at all is ended.
    """

    workers: frozenset[str] = frozenset()
    is_anybody: bool = False

    def may_be(self, worker_id: str) -> bool:
        """Whether a refused row may mean this worker."""
        return self.is_anybody or worker_id in self.workers


@dataclass(frozen=True, slots=True)
class Roster:
    """The rows of a roster, one for each worker.

    `columns` is a mask of the programmes that have a column; the roster says nothing about the others.
    """

    roll: Roll
    rows: tuple[RosterRow, ...]
    columns: int
    unread: Unread = Unread()


def check_roll(roll: Roll, now: Instant, *, is_replay: bool) -> None:
    """Raises Rejected for a company, a source or a day that no fact can have.

    In a book with `clock: replay` a fact of the roster is recorded on its own day. Otherwise it is recorded now, and
    may be effective up to a year ahead.
    """
    if not is_word(roll.company_id):
        raise Rejected("company_id must be 1 to 64 characters without white space.")
    if not is_source(roll.source):
        raise Rejected("source must be 1 to 64 characters.")
    if holds_personal_number(roll.company_id) or holds_personal_number(roll.source):
        raise Rejected("company_id and source would be published, and one of them holds a NIK or KPJ.")
    if not is_instant(roll.closes_at):
        raise Rejected(f"{day_text(roll.day)} is no day of a roster: it lies in 2000 to 2199.")
    _, last = effective_range(jakarta_day(now))
    if roll.day > last and not is_replay:
        raise Rejected(
            f"{day_text(roll.day)} is too late: a fact may be effective until {day_text(last)}, a year ahead."
        )
