"""Busy journals from one seed: companies near their thresholds that cross them again and again.

Journals that `tests.support.journals` draws piece by piece shrink well but contain few crossings. Of these a prefix is
enough to look at.
"""

from dataclasses import replace
from random import Random
from typing import Final

from hypothesis import strategies as st

from schemas.dates import jakarta_midnight
from schemas.records import (
    Baseline,
    Company,
    CompanySet,
    Coordinates,
    Day,
    Entry,
    Fact,
    FactEntry,
    Policy,
    PolicyEnded,
    PolicySet,
    Scope,
)
from schemas.vocabulary import (
    ALL_EMPLOYMENT_TYPES,
    CORRECTION,
    ENROLLMENT,
    HIRE,
    REQUIRED_DEFAULT,
    RULES,
    TERMINATION,
    WITHDRAWN,
    programme_set,
)
from tests.support.facts import tick
from tests.support.journals import COMPANIES, DAY_MS, FIRST, POLICIES

ENTRIES_MAX: Final = 90
WORKERS: Final = tuple(f"w{n}" for n in range(7))
JMO: Final = programme_set(("JMO",))
KINDS: Final = [HIRE] * 8 + [ENROLLMENT] * 12 + [TERMINATION] * 2 + [CORRECTION] * 2
STEPS_DAYS: Final = [0] * 9 + [1, 1, 2, 3, 8, -3]


@st.composite
def busy_entries(draw: st.DrawFn) -> list[Entry]:
    """A journal of up to ENTRIES_MAX entries."""
    return _Journal(Random(draw(st.integers(0, 1 << 32)))).entries(draw(st.integers(1, ENTRIES_MAX)))


class _Journal:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._now: Day = FIRST
        self._offset = 0
        self._sent: list[Fact] = []

    def entries(self, size: int) -> list[Entry]:
        journal: list[Entry] = []
        for n in range(size):
            self._now += self._random.choice(STEPS_DAYS)
            what = (
                "policy" if n < 3 else self._random.choice(["fact"] * 20 + ["again", "policy", "ended", "set", "tick"])
            )
            journal.append(self._entry(what))
        return journal

    def _entry(self, what: str) -> Entry:
        self._offset += 1
        came_from = Coordinates("in", 0, self._offset)
        at = jakarta_midnight(self._now) + self._random.choice([0, DAY_MS - 1])
        if what == "policy":
            return PolicySet(came_from, at, self._policy())
        if what == "ended":
            return PolicyEnded(came_from, at, self._random.choice(POLICIES))
        if what == "set":
            return CompanySet(came_from, at, self._company())
        if what == "tick":
            return tick(self._now)
        if what == "again" and self._sent:
            return FactEntry(came_from, at, self._again(self._random.choice(self._sent)))
        self._sent.append(self._fact())
        return FactEntry(came_from, at, self._sent[-1])

    def _again(self, fact: Fact) -> Fact:
        """The same fact, or another one under its id."""
        return fact if self._random.random() < 0.7 else fact._replace(effective_on=fact.effective_on + 1)

    def _fact(self) -> Fact:
        choice = self._random.choice
        kind = choice(KINDS)
        company, worker = choice(COMPANIES[:1] * 3 + COMPANIES), choice(WORKERS)
        detail, corrects = 0, ""
        if kind == HIRE:
            detail = choice([3, 3, 3, 0])
        elif kind == ENROLLMENT:
            detail = choice([REQUIRED_DEFAULT] * 4 + [JMO, programme_set(("JKK",)), WITHDRAWN | JMO | REQUIRED_DEFAULT])
        elif kind == CORRECTION and self._sent:
            target = choice(self._sent)
            company, worker, corrects = target.company_id, target.worker_id, target.event_id
        elif kind == CORRECTION:
            corrects = "e1"
        on = self._now + choice([0, 0, 0, 0, 1, 5, 20, -1, -4, -15, -60])
        moment = jakarta_midnight(self._now) + choice([0, 0, 1000])
        return Fact(kind, detail, f"e{self._offset}", company, worker, on, moment, "hris", corrects)

    def _policy(self) -> Policy:
        choice = self._random.choice
        policy_id, rule = choice(POLICIES), choice(RULES)
        begins = choice([FIRST - 400, FIRST - 400, FIRST - 400, self._now - 2, self._now + 6])
        policy = Policy(
            policy_id,
            choice([1000, 2000, 3333, 3334, 5000, 6667, 10_000]),
            begins,
            title=policy_id,
            rule=rule,
            required=choice([REQUIRED_DEFAULT, REQUIRED_DEFAULT, JMO]),
            clock=choice(["raw", "due"]),
            employment_types=choice([ALL_EMPLOYMENT_TYPES, ALL_EMPLOYMENT_TYPES, 0b1000]),
            scope=choice([Scope()] * 4 + [Scope(regencies=("Batam",), kbli_prefixes=("15", "14"))]),
            min_active=choice([0, 1, 2, 3]),
            hysteresis_bp=choice([0, 200, 2000]),
            hold_days=choice([0, 0, 0, 1, 4]),
            effective_until=choice([None, None, None, begins + 12]),
        )
        near = self._now + choice([-30, -3, -1, 0, 0, 1, 5])
        return policy if rule == "level" else replace(policy, baseline_on=near)

    def _company(self) -> Company:
        choice = self._random.choice
        baselines = [Baseline(self._now + d, 4, choice([0, 1, 2]), choice([0, 2])) for d in (-1, 0, 1, 5)]
        kbli, regency = choice(["15201", "14111", None]), choice(["Batam", "Batam", None])
        return Company(choice(COMPANIES), None, kbli, regency, tuple(baselines[: choice([0, 1, 4])]))
