"""A worker at the end of a day as the book knows it, and as it would be with further facts, folded by the core."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from peserta.operations.company_timelines import KnownWorker
from schemas.records import Day, Fact, Instant
from schemas.vocabulary import HIRE, TERMINATION
from streams.core.timeline import Remembered, WorkerState, state_of, timeline

GRACE_DAYS_OF_NO_MATTER: Final = 0  # irrelevant: a state has no `new`


@dataclass(frozen=True, slots=True)
class WorkerAtDay:
    """A worker's `facts`, not void and effective by the end of the day, in SEMANTICS 3 order, and their `state`.

    `event_ids_taken` and `latest_occurred_at` cover all known facts.
    """

    state: WorkerState
    facts: tuple[Remembered, ...]
    event_ids_taken: frozenset[str]
    latest_occurred_at: Instant | None

    @property
    def is_inside(self) -> bool:
        return self.state.employment_type is not None

    @property
    def terminated_on(self) -> list[Day]:
        """The dates of the known terminations."""
        return [fact[0] for fact in self.facts if fact[2] == TERMINATION]

    @property
    def hires_in_force(self) -> set[str]:
        """The ids of the known hires."""
        return {fact[3].decode() for fact in self.facts if fact[2] == HIRE}

    @property
    def terminations_in_force(self) -> set[str]:
        """The ids of the known terminations."""
        return {fact[3].decode() for fact in self.facts if fact[2] == TERMINATION}

    def state_with(self, facts: Iterable[Fact]) -> WorkerState:
        """The state at the end of the day with these additional facts, which are effective by then."""
        return _fold([*self.facts, *map(_remembered, facts)])


def at_day(known: KnownWorker, day: Day) -> WorkerAtDay:
    """The worker as the book knows it at the end of a day."""
    facts = tuple(fact for fact in known.facts if fact[0] <= day)
    return WorkerAtDay(_fold(facts), facts, known.event_ids_taken, known.latest_occurred_at)


def _fold(facts: Iterable[Remembered]) -> WorkerState:
    head, _ = timeline(sorted(facts), GRACE_DAYS_OF_NO_MATTER)
    return state_of(head)


def _remembered(fact: Fact) -> Remembered:
    return fact.effective_on, fact.occurred_at, fact.kind, fact.event_id.encode(), fact.detail, b""
