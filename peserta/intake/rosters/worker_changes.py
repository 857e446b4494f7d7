"""One worker: the facts that turn the book's state at the end of the day into the roster's.

The table of SEMANTICS 11, with the guarantee that these facts make the state at the end of the day equal to the roster.
The programmes that the worker holds are therefore read from the book after the hire: a hire can continue a contract
that ended on the same day, with its programmes (a renewal, SEMANTICS 3).
"""

from collections.abc import Iterator
from typing import Final

from peserta.intake.rosters.event_ids import made_before, with_free_id
from peserta.intake.rosters.roster import Roll, RosterRow
from peserta.intake.rosters.worker_at_day import WorkerAtDay
from schemas.dates import is_instant
from schemas.records import Day, Fact, Instant
from schemas.vocabulary import ENROLLMENT, HIRE, TERMINATION, TERMINATION_REASONS, WITHDRAWN

UNSPECIFIED_REASON: Final = TERMINATION_REASONS.index("unspecified")


class NoLaterMoment(Exception):
    """The worker needs a fact, and a known one has the last possible `occurred_at`: none can be ordered after it."""

    def __init__(self, worker_id: str) -> None:
        super().__init__(worker_id)
        self.worker_id = worker_id


class WorkerChanges:
    """The changes that the roster requires of one worker."""

    def __init__(self, roll: Roll, worker_id: str, book: WorkerAtDay) -> None:
        self._roll, self._worker_id, self._book = roll, worker_id, book
        self._occurred_at = _occurred_at(roll, book.latest_occurred_at)

    def of_one_there(self, row: RosterRow, columns: int) -> list[Fact]:
        """The facts for a worker with a row: hire, enrolled, withdrawn. Raises NoLaterMoment."""
        facts = list(self._hire(row))
        held = self._book.state_with(facts).programmes if facts else self._book.state.programmes
        if missing := row.programmes & ~held:
            facts.append(self._enrolled(row, facts, missing))
        if surplus := held & columns & ~row.programmes:
            facts.append(self._fact(ENROLLMENT, surplus | WITHDRAWN, self._roll.day))
        if facts:
            employment_type, programmes = self._book.state_with(facts)
            assert (employment_type, programmes & columns) == (row.employment_type, row.programmes)
            self._check_moment()
        return facts

    def termination(self) -> Fact:
        """The fact for a worker who is inside and has no row. Raises NoLaterMoment."""
        self._check_moment()
        return self._ending()

    def was_ended(self) -> bool:
        """Whether this day's roster has already ended the worker, as a partly applied one has."""
        book = self._book
        taken, in_force = book.event_ids_taken, book.terminations_in_force
        return not book.is_inside and made_before(self._ending(), self._roll.day, taken, in_force)

    def _check_moment(self) -> None:
        """Raises NoLaterMoment if a fact of this roster cannot be ordered after all known ones."""
        if not is_instant(self._occurred_at):
            raise NoLaterMoment(self._worker_id)

    def _ending(self) -> Fact:
        return self._fact(TERMINATION, UNSPECIFIED_REASON, self._roll.day)

    def _hire(self, row: RosterRow) -> Iterator[Fact]:
        if not self._book.is_inside:
            yield self._fact(HIRE, row.employment_type, self._hire_on(row))
        elif self._book.state.employment_type != row.employment_type:
            yield self._fact(HIRE, row.employment_type, self._roll.day)

    def _hire_on(self, row: RosterRow) -> Day:
        """The start date in the row if it is after every termination and not after the roster's day, else that day."""
        started_on = row.started_on
        if started_on is None or started_on > self._roll.day or started_on <= max(self._book.terminated_on, default=-1):
            return self._roll.day
        return started_on

    def _enrolled(self, row: RosterRow, hire: list[Fact], programmes: int) -> Fact:
        """An enrolment from the date of the hire, or from the roster's day if a known withdrawal would undo it."""
        early = self._fact(ENROLLMENT, programmes, self._hired_on(row, hire))
        is_lasting = self._book.state_with([*hire, early]).programmes & programmes == programmes
        return early if is_lasting else self._fact(ENROLLMENT, programmes, self._roll.day)

    def _hired_on(self, row: RosterRow, hire: list[Fact]) -> Day:
        """The date of the roster's hire, which the book may know from a partly applied import."""
        if hire:
            return hire[0].effective_on
        started_on, book = row.started_on, self._book
        if started_on is None or started_on > self._roll.day:
            return self._roll.day
        same = self._fact(HIRE, row.employment_type, started_on)
        is_known = made_before(same, self._roll.day, book.event_ids_taken, book.hires_in_force)
        return started_on if is_known else self._roll.day

    def _fact(self, kind: int, detail: int, on: Day) -> Fact:
        roll = self._roll
        fact = Fact(kind, detail, "", roll.company_id, self._worker_id, on, self._occurred_at, roll.source, "")
        return with_free_id(fact, roll.day, self._book.event_ids_taken)


def _occurred_at(roll: Roll, latest: Instant | None) -> Instant:
    """An instant after all known facts of the worker, so that the fact decides the end of the day.

    It may lie after the last instant that a fact can have.
    """
    return roll.closes_at if latest is None else max(roll.closes_at, latest + 1)
