"""SEMANTICS 3 to 5 implemented slowly: every worker is folded again for every day, every figure counted person by
person.

Written from the contract alone. It does not use the data structures of the code under test (masks, packed lines,
heads), except to read a `Fact`.
"""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from schemas.records import WINDOW_DAYS, Day, Fact, Window
from schemas.vocabulary import (
    EMPLOYMENT_TYPES,
    KINDS,
    PROGRAMMES,
    TERMINATION_REASONS,
    ClassParts,
    programme_names,
)

RANK = {"termination": 0, "hire": 1, "enrollment": 2}
EVERY_TYPE = frozenset(EMPLOYMENT_TYPES)
STANDARD = frozenset(("JKK", "JKM"))


class WorkerClass(NamedTuple):
    """The class of a worker inside; None stands for OUTSIDE."""

    employment_type: str
    programmes: tuple[str, ...]
    new: bool


Timeline = tuple[tuple[Day, WorkerClass | None, WorkerClass | None], ...]
Facts = tuple[Fact, ...]


def worker_class(parts: ClassParts | None) -> WorkerClass | None:
    """A class as the ledger spells it."""
    if parts is None:
        return None
    return WorkerClass(EMPLOYMENT_TYPES[parts.employment_type], programme_names(parts.programmes), parts.new)


def programmes_of(fact: Fact) -> frozenset[str]:
    return frozenset(name for i, name in enumerate(PROGRAMMES) if fact.detail & (1 << i))


def is_withdrawal(fact: Fact) -> bool:
    return fact.detail >= 1 << len(PROGRAMMES)


def ends_a_contract(fact: Fact) -> bool:
    return KINDS[fact.kind] == "termination" and TERMINATION_REASONS[fact.detail] == "contract_ended"


def is_hired_on(facts: Facts, on: Day) -> bool:
    return any(KINDS[fact.kind] == "hire" and fact.effective_on == on for fact in standing_facts(facts))


@lru_cache(maxsize=1 << 12)
def standing_facts(facts: Facts) -> Facts:
    """The facts that are not void, in the order of section 3."""
    void = {fact.corrects for fact in facts if KINDS[fact.kind] == "correction"}
    kept = [fact for fact in facts if KINDS[fact.kind] != "correction" and fact.event_id not in void]
    return tuple(sorted(kept, key=lambda f: (f.effective_on, f.occurred_at, RANK[KINDS[f.kind]], f.event_id)))


class State(NamedTuple):
    """A worker at the end of a day: the employment type (None: outside), the programmes, the start of the spell."""

    employment_type: str | None
    programmes: tuple[str, ...]
    spell_start: Day


@lru_cache(maxsize=1 << 17)
def state_on(facts: Facts, on: Day) -> State:
    """A worker's state at the end of a day."""
    employment_type: str | None = None
    programmes: set[str] = set()
    spell_start = 0
    inside_yesterday, today = False, None
    for fact in standing_facts(facts):
        if fact.effective_on > on:
            break
        if fact.effective_on != today:
            inside_yesterday, today = employment_type is not None, fact.effective_on
        kind = KINDS[fact.kind]
        if inside_yesterday and ends_a_contract(fact) and is_hired_on(facts, fact.effective_on):
            continue
        if kind == "hire":
            if employment_type is None:
                spell_start = fact.effective_on
            employment_type = EMPLOYMENT_TYPES[fact.detail]
        elif kind == "termination":
            if employment_type is not None:
                employment_type = None
                programmes = set()
        elif is_withdrawal(fact):
            programmes -= programmes_of(fact)
        else:
            programmes |= programmes_of(fact)
    return State(employment_type, tuple(sorted(programmes)), spell_start)


def class_on(facts: Facts, on: Day, grace_days: int) -> WorkerClass | None:
    """A worker's class at the end of a day."""
    state = state_on(facts, on)
    if state.employment_type is None:
        return None
    return WorkerClass(state.employment_type, state.programmes, on < state.spell_start + grace_days)


@lru_cache(maxsize=1 << 12)
def timeline_of(facts: Facts, grace_days: int) -> Timeline:
    """(date, class before, class after) of each day on which the class differs from the day before."""
    if not facts:
        return ()
    first = min(fact.effective_on for fact in facts)
    last = max(fact.effective_on for fact in facts) + grace_days
    changes = []
    for on in range(first, last + 1):
        before, after = class_on(facts, on - 1, grace_days), class_on(facts, on, grace_days)
        if before != after:
            changes.append((on, before, after))
    return tuple(changes)


def ledger_key(change: tuple[Day, WorkerClass | None, WorkerClass | None, int]) -> tuple[object, ...]:
    """The order of section 4; an empty tuple sorts before every class."""
    value_on, before, after, quantity = change
    return value_on, before or (), after or (), quantity


def postings(
    before: Facts, after: Facts, grace_days: int
) -> list[tuple[Day, WorkerClass | None, WorkerClass | None, int]]:
    """The ledger lines by which a worker's timeline goes from one set of facts to another."""
    was, now = set(timeline_of(before, grace_days)), set(timeline_of(after, grace_days))
    lines = [(*change, -1) for change in was - now] + [(*change, 1) for change in now - was]
    return sorted(lines, key=ledger_key)


class Heads(NamedTuple):
    """Who counts, by counting."""

    active: int
    covered: int
    uncovered_new: int


class Workforce:
    """The workers of one company, each with all facts remembered."""

    def __init__(self, grace_days: int) -> None:
        self.grace_days = grace_days
        self.facts: dict[str, Facts] = {}

    def on(self, date: Day) -> list[WorkerClass | None]:
        return [class_on(facts, date, self.grace_days) for facts in self.facts.values()]

    def heads(self, on: Day, required: Iterable[str] = STANDARD, employment_types: Iterable[str] = EVERY_TYPE) -> Heads:
        needed, counted_types = set(required), set(employment_types)
        counted = [c for c in self.on(on) if c is not None and c.employment_type in counted_types]
        covered = [c for c in counted if needed <= set(c.programmes)]
        new = [c for c in counted if c.new and not needed <= set(c.programmes)]
        return Heads(len(counted), len(covered), len(new))

    def enrolled(self, on: Day) -> tuple[int, ...]:
        inside = [c for c in self.on(on) if c is not None]
        return tuple(sum(name in c.programmes for c in inside) for name in PROGRAMMES)

    def by_employment_type(self, on: Day) -> tuple[tuple[int, int, int], ...]:
        rows = []
        for number, name in enumerate(EMPLOYMENT_TYPES):
            heads = self.heads(on, employment_types=(name,))
            if heads.active:
                rows.append((number, heads.active, heads.covered))
        return tuple(rows)

    def moves(self, on: Day, days: int) -> dict[str, int]:
        """What happened in (on - days, on]."""
        counted: Counter[str] = Counter(joined=0, left=0, gained_cover=0, lost_cover=0)
        for facts in self.facts.values():
            for value_on, before, after in timeline_of(facts, self.grace_days):
                if on - days < value_on <= on:
                    counted["joined"] += before is None
                    counted["left"] += after is None
                    counted["gained_cover"] += _is_covered(after) and not _is_covered(before)
                    counted["lost_cover"] += _is_covered(before) and not _is_covered(after)
        return dict(counted)

    def windows(self, on: Day) -> tuple[Window, ...]:
        windows = []
        for days in WINDOW_DAYS:
            daily = [heads for d in range(on - days + 1, on + 1) if (heads := self.heads(d)).active]
            mean = lowest = None
            if daily:
                mean = 10_000 * sum(h.covered for h in daily) // sum(h.active for h in daily)
                lowest = min(10_000 * h.covered // h.active for h in daily)
            windows.append(Window(**self.moves(on, days), mean_coverage_bp=mean, min_coverage_bp=lowest))
        return tuple(windows)


def _is_covered(worker: WorkerClass | None) -> bool:
    return worker is not None and set(worker.programmes) >= STANDARD
