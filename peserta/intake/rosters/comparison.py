"""A roster compared with the book: the facts that turn the book's state into the roster's, in order (SEMANTICS 11)."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from peserta.intake.rosters.roster import Roster
from peserta.intake.rosters.worker_at_day import WorkerAtDay
from peserta.intake.rosters.worker_changes import WorkerChanges
from schemas.records import Fact
from schemas.vocabulary import ENROLLMENT, HIRE, WITHDRAWN

OfBook = Callable[[str], WorkerAtDay]


class ChangeKind(StrEnum):
    """What a fact of a roster changes."""

    HIRED = "hired"
    TYPE_CHANGED = "type_changed"
    ENROLLED = "enrolled"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RosterFact:
    """A fact, what it changes, and the number of its row; None for a leaver, who has no row."""

    fact: Fact
    change: ChangeKind
    row: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`facts` are those still to be recorded, by worker, and for one worker in the order in which they apply.

    `inside` is the number of workers inside at the end of the day by the book. `unchanged` is the number of rows that
    need no fact. `not_ended` are workers who are inside and have no row, but whom a refused row may mean.
    `ended_before` were already ended by this roster.
    """

    facts: tuple[RosterFact, ...]
    inside: int
    unchanged: int
    not_ended: tuple[str, ...]
    ended_before: int

    @property
    def leavers(self) -> list[str]:
        """The workers to be ended, in order."""
        return [each.fact.worker_id for each in self.facts if each.change is ChangeKind.ENDED]

    @property
    def counts(self) -> Counter[ChangeKind]:
        """The number of facts of each kind."""
        return Counter(each.change for each in self.facts)


def compare(roster: Roster, known: Iterable[str], of_book: OfBook) -> Comparison:
    """Compare a roster with the book; `known` are all workers in the book, `of_book` returns the state of one.

    Raises NoLaterMoment.
    """
    rows = {row.worker_id: row for row in roster.rows}
    assert len(rows) == len(roster.rows), "a worker with two rows is refused before"
    facts: list[RosterFact] = []
    not_ended = []
    inside = unchanged = ended_before = 0
    for worker_id in sorted(rows.keys() | set(known)):
        book, row = of_book(worker_id), rows.get(worker_id)
        inside += book.is_inside
        changes = WorkerChanges(roster.roll, worker_id, book)
        if row is not None:
            needed = changes.of_one_there(row, roster.columns)
            unchanged += not needed
            facts += [RosterFact(fact, _kind(fact, book), row.row) for fact in needed]
        elif book.is_inside and roster.unread.may_be(worker_id):
            not_ended.append(worker_id)
        elif book.is_inside:
            facts.append(RosterFact(changes.termination(), ChangeKind.ENDED, None))
        else:
            ended_before += changes.was_ended()
    return Comparison(tuple(facts), inside, unchanged, tuple(not_ended), ended_before)


def _kind(fact: Fact, book: WorkerAtDay) -> ChangeKind:
    if fact.kind == HIRE:
        return ChangeKind.TYPE_CHANGED if book.is_inside else ChangeKind.HIRED
    assert fact.kind == ENROLLMENT
    return ChangeKind.WITHDRAWN if fact.detail & WITHDRAWN else ChangeKind.ENROLLED
