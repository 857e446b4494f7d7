"""One worker: the facts that lead from what the book knows at the end of the day to what the roster says.

The table of SEMANTICS 11, held to its own promise: with these facts the state at the end of the day is the roster. So
the programmes that a worker holds are those that the book will show once the worker is there: a hire can keep up a
contract that had ended on the same day, with its programmes (a renewal, SEMANTICS 3).
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
    """A known fact of the worker has the last `occurred_at` there is: nothing can be ordered after it."""


class WorkerChanges:
    """What the roster asks of one worker."""

    def __init__(self, roll: Roll, worker_id: str, book: WorkerAtDay) -> None:
        self._roll, self._worker_id, self._book = roll, worker_id, book
        self._occurred_at = _occurred_at(roll, book.latest_occurred_at)

    def of_one_there(self, row: RosterRow, columns: int) -> list[Fact]:
        """Facts for a worker with a row: hire, enrolled, withdrawn."""
        facts = list(self._hire(row))
        held = self._book.state_with(facts).programmes if facts else self._book.state.programmes
        if missing := row.programmes & ~held:
            facts.append(self._enrolled(row, facts, missing))
        if surplus := held & columns & ~row.programmes:
            facts.append(self._fact(ENROLLMENT, surplus | WITHDRAWN, self._roll.day))
        if facts:
            employment_type, programmes = self._book.state_with(facts)
            assert (employment_type, programmes & columns) == (row.employment_type, row.programmes)
        return facts

    def termination(self) -> Fact:
        """The fact for a worker who is inside and has no row."""
        return self._fact(TERMINATION, UNSPECIFIED_REASON, self._roll.day)

    def was_ended(self) -> bool:
        """Whether the roster of this day has ended the worker already, as one that was half applied has."""
        book = self._book
        taken, in_force = book.event_ids_taken, book.terminations_in_force
        return not book.is_inside and made_before(self.termination(), self._roll.day, taken, in_force)

    def _hire(self, row: RosterRow) -> Iterator[Fact]:
        if not self._book.is_inside:
            yield self._fact(HIRE, row.employment_type, self._hire_on(row))
        elif self._book.state.employment_type != row.employment_type:
            yield self._fact(HIRE, row.employment_type, self._roll.day)

    def _hire_on(self, row: RosterRow) -> Day:
        """When the roster says that the worker has started, unless that is after the day or before a termination."""
        started_on = row.started_on
        if started_on is None or started_on > self._roll.day or started_on <= max(self._book.terminated_on, default=-1):
            return self._roll.day
        return started_on

    def _enrolled(self, row: RosterRow, hire: list[Fact], programmes: int) -> Fact:
        """From the date of the hire; from the day of the roster where a known withdrawal would undo that."""
        early = self._fact(ENROLLMENT, programmes, self._hired_on(row, hire))
        is_lasting = self._book.state_with([*hire, early]).programmes & programmes == programmes
        return early if is_lasting else self._fact(ENROLLMENT, programmes, self._roll.day)

    def _hired_on(self, row: RosterRow, hire: list[Fact]) -> Day:
        """The date of the roster's hire, also of one that the book knows from an import that was half applied."""
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
    """After all that is known of the worker, so that it decides the end of the day; NoLaterMoment if there is none."""
    at = roll.closes_at if latest is None else max(roll.closes_at, latest + 1)
    if not is_instant(at):
        raise NoLaterMoment
    return at
