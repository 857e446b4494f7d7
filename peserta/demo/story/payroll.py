"""What happens to the people of one made-up company, day by day, before anybody reports it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Final

from peserta.demo.story.plan import (
    APP,
    BASIC,
    FIRST_ON,
    LAST_ON,
    OLD_AGE,
    Campaign,
    Chapter,
    Company,
    Layoff,
    Wave,
    Withdrawal,
)

LEBARAN_ON: Final = date(2025, 3, 31)
LEBARAN_LEAVERS_DAYS: Final = 28
LEBARAN_LEAVERS_FACTOR: Final = 3
"""Many do not come back after the holiday."""
SIGNED_AHEAD: Final = timedelta(days=30)
"""How long after LAST_ON contracts begin that are reported before it."""
STAFF_SINCE: Final = date(2022, 1, 3)
WORKING_DAYS_A_MONTH: Final = 26
SUNDAY: Final = 6
KEPT_PCT: Final = 78
"""Contracts that are followed by a better one instead of the end."""
TWO_STEPS_PCT: Final = 45
"""Enrolments that bring JKK and JKM first and old age weeks later."""

CONTRACT_DAYS: Final = MappingProxyType({"fixed_term": (150, 365), "daily": (60, 180), "outsourced": (120, 365)})
NEXT_TYPE: Final = MappingProxyType({"daily": "fixed_term", "outsourced": "fixed_term", "fixed_term": "permanent"})
STAFF_TYPES: Final = ("permanent",) * 6 + ("fixed_term",) * 8 + ("daily",) * 5 + ("outsourced",)
NEWCOMER_TYPES: Final = ("permanent",) + ("fixed_term",) * 9 + ("daily",) * 9 + ("outsourced",)
LEAVING_REASONS: Final = ("resigned",) * 7 + ("other", "dismissed", "retired", "unspecified")


@dataclass(frozen=True)
class Movement:
    """One thing that happened: the own fields of a fact that are not about its reporting."""

    type: str
    worker_id: str
    effective_on: date
    own: Mapping[str, object]
    reported_on: date | None = None


@dataclass(frozen=True)
class Worker:
    """A person as payroll knows them; `spell` counts the hires, without changes of contract."""

    worker_id: str
    employment_type: str = ""
    inside: bool = False
    spell: int = 0
    programmes: frozenset[str] = frozenset()


class Payroll:
    """The people of one company and their future events; `movements` grows in order of effective_on."""

    def __init__(self, company: Company, scale: float, rng: Random) -> None:
        self.company = company
        self.scale = scale if company.scales else 1.0
        self.rng = rng
        self.workers: dict[str, Worker] = {}
        self.diary: dict[date, list[Callable[[date], None]]] = {}
        self.movements: list[Movement] = []

    def run(self) -> list[Movement]:
        """All movements from the oldest contract to those signed for after LAST_ON."""
        self.recruit_staff()
        for chapter in self.company.chapters:
            self.note(chapter.first_on, partial(self.begin, chapter))
        on = STAFF_SINCE
        while on <= LAST_ON + SIGNED_AHEAD:
            if on >= FIRST_ON and on.weekday() != SUNDAY:
                self.come_and_go(on)
            # An act of today may add another act for today.
            while page := self.diary.pop(on, []):
                for act in page:
                    act(on)
            on += timedelta(days=1)
        return self.movements

    def note(self, on: date, act: Callable[[date], None]) -> None:
        """Write into the diary what happens on a later date."""
        self.diary.setdefault(on, []).append(act)

    def people(self, headcount: int) -> int:
        """A headcount of the plan at the scale of the story."""
        return max(1, round(headcount * self.scale)) if headcount else 0

    def happens(self, pct: int) -> bool:
        return self.rng.randrange(100) < pct

    def whole(self, expected: float) -> int:
        """A whole number that is `expected` on average."""
        return int(expected + self.rng.random())

    # ---- the ordinary days

    def recruit_staff(self) -> None:
        """Those who are there on FIRST_ON, hired over the years before; their contracts have not ended yet."""
        days = (FIRST_ON - STAFF_SINCE).days
        for _ in range(self.people(self.company.staff)):
            self.note(STAFF_SINCE + timedelta(days=self.rng.randrange(days)), self.join_staff)

    def join_staff(self, on: date) -> None:
        worker = self.hire(on, self.new_worker(), self.rng.choice(STAFF_TYPES))
        if self.happens(self.company.covered_pct):
            self.enrol_later(on, worker, (0, 60), latest=FIRST_ON)
        if worker.employment_type in CONTRACT_DAYS:
            ends_on = FIRST_ON + timedelta(days=self.rng.randrange(20, 400))
            self.note(ends_on, partial(self.end_contract, worker))

    def come_and_go(self, on: date) -> None:
        """The joiners and leavers of one working day."""
        for _ in range(self.whole(self.company.joiners_a_month * self.scale / WORKING_DAYS_A_MONTH)):
            self.join(on)
        inside = self.inside()
        pct = self.company.leavers_a_month_pct
        if 0 < (on - LEBARAN_ON).days <= LEBARAN_LEAVERS_DAYS:
            pct *= LEBARAN_LEAVERS_FACTOR
        leavers = self.whole(len(inside) * pct / 100 / WORKING_DAYS_A_MONTH)
        for worker in self.rng.sample(inside, min(leavers, len(inside))):
            self.leave(worker, self.rng.choice(LEAVING_REASONS), on)

    def join(self, on: date) -> None:
        worker = self.hire(on, self.new_worker(), self.rng.choice(NEWCOMER_TYPES))
        if self.happens(self.company.enrolled_pct):
            self.enrol_later(on, worker, self.company.enrolled_after_days)
        if worker.employment_type in CONTRACT_DAYS:
            days = self.rng.randint(*CONTRACT_DAYS[worker.employment_type])
            self.note(on + timedelta(days=days), partial(self.end_contract, worker))

    def inside(self) -> list[Worker]:
        return [w for w in self.workers.values() if w.inside]

    def new_worker(self) -> Worker:
        """A new person with an unused opaque token."""
        while True:
            worker_id = f"w-{self.rng.getrandbits(32):08x}"
            if worker_id not in self.workers:
                return Worker(worker_id)

    # ---- the chapters

    def begin(self, chapter: Chapter, on: date) -> None:
        match chapter:
            case Wave():
                self.begin_wave(chapter)
            case Campaign():
                wanting = [w for w in self.inside() if not w.programmes.issuperset(chapter.programmes)]
                self.spread(chapter, wanting, lambda w: partial(self.enrol, w, chapter.programmes))
            case Withdrawal():
                having = [w for w in self.inside() if w.programmes.issuperset(chapter.programmes)]
                self.spread(chapter, having, lambda w: partial(self.withdraw, w, chapter.programmes))
            case Layoff():
                facing = [w for w in self.inside() if not (chapter.uncovered_only and w.programmes.issuperset(BASIC))]
                self.spread(chapter, facing, lambda w: partial(self.leave, w, "dismissed"))

    def begin_wave(self, wave: Wave) -> None:
        gone = [w for w in self.workers.values() if not w.inside]
        hires = self.people(wave.hires)
        recalled = self.rng.sample(gone, min(len(gone), hires * wave.recalled_pct // 100))
        crowd: list[Worker | None] = [*recalled, *[None] * (hires - len(recalled))]
        self.rng.shuffle(crowd)
        for i, worker in enumerate(crowd):
            self.note_ith(wave, i, len(crowd), partial(self.join_wave, wave, worker))

    def join_wave(self, wave: Wave, recalled: Worker | None, on: date) -> None:
        known = self.workers[recalled.worker_id] if recalled else self.new_worker()
        if known.inside:
            return
        worker = self.hire(on, known, wave.employment_type, wave.reported_on)
        if self.happens(wave.enrolled_pct):
            self.enrol_later(on, worker, wave.enrolled_after_days)
        ends_on = on + timedelta(days=wave.contract_days + self.rng.randrange(10))
        self.note(ends_on, partial(self.leave, worker, "contract_ended"))

    def spread(
        self,
        chapter: Campaign | Withdrawal | Layoff,
        candidates: Sequence[Worker],
        act_for: Callable[[Worker], Callable[[date], None]],
    ) -> None:
        """`pct` of the candidates, drawn by lot, each on one of the chapter's days."""
        chosen = self.rng.sample(candidates, len(candidates) * chapter.pct // 100)
        for i, worker in enumerate(chosen):
            self.note_ith(chapter, i, len(chosen), act_for(worker))

    def note_ith(self, chapter: Chapter, i: int, n: int, act: Callable[[date], None]) -> None:
        """Write the i-th of n acts into the diary, spread evenly over the chapter's days."""
        days = (chapter.last_on - chapter.first_on).days + 1
        self.note(chapter.first_on + timedelta(days=i * days // n), act)

    # ---- what happens to one person (nothing, when they have left since it was noted)

    def current(self, noted: Worker) -> Worker | None:
        worker = self.workers[noted.worker_id]
        return worker if worker.inside and worker.spell == noted.spell else None

    def say(self, worker: Worker, type: str, on: date, reported_on: date | None = None, **own: object) -> None:
        self.workers[worker.worker_id] = worker
        self.movements.append(Movement(type, worker.worker_id, on, MappingProxyType(own), reported_on))

    def hire(self, on: date, worker: Worker, employment_type: str, reported_on: date | None = None) -> Worker:
        hired = replace(worker, employment_type=employment_type, inside=True, spell=worker.spell + 1)
        self.say(hired, "hire", on, reported_on, employment_type=employment_type)
        return hired

    def leave(self, noted: Worker, reason: str, on: date) -> None:
        if worker := self.current(noted):
            gone = replace(worker, inside=False, programmes=frozenset())
            self.say(gone, "termination", on, reason=reason)

    def end_contract(self, noted: Worker, on: date) -> None:
        """The contract ends: a better one follows, or the person goes."""
        worker = self.current(noted)
        if worker is None:
            return
        if not self.happens(KEPT_PCT):
            self.leave(worker, "contract_ended", on)
            return
        better = NEXT_TYPE[worker.employment_type]
        self.say(replace(worker, employment_type=better), "hire", on, employment_type=better)

    def enrol_later(self, on: date, worker: Worker, after_days: tuple[int, int], latest: date = date.max) -> None:
        """Note the enrolment, the second step of some, and the app of some (`app_pct`)."""
        enrolled_on = min(on + timedelta(days=self.rng.randint(*after_days)), latest)
        brief = worker.employment_type == "daily"
        steps = brief or self.happens(TWO_STEPS_PCT)
        self.note(enrolled_on, partial(self.enrol, worker, BASIC if steps else BASIC + OLD_AGE))
        if steps and not brief:
            later_on = enrolled_on + timedelta(days=self.rng.randint(14, 60))
            self.note(later_on, partial(self.enrol, worker, OLD_AGE))
        if self.happens(self.company.app_pct):
            app_on = enrolled_on + timedelta(days=self.rng.randint(2, 45))
            self.note(app_on, partial(self.enrol, worker, APP))

    def enrol(self, noted: Worker, programmes: tuple[str, ...], on: date) -> None:
        worker = self.current(noted)
        if worker and not worker.programmes.issuperset(programmes):
            enrolled = replace(worker, programmes=worker.programmes.union(programmes))
            self.say(enrolled, "enrollment", on, action="enrolled", programmes=list(programmes))

    def withdraw(self, noted: Worker, programmes: tuple[str, ...], on: date) -> None:
        worker = self.current(noted)
        if worker and worker.programmes.issuperset(programmes):
            rest = replace(worker, programmes=worker.programmes.difference(programmes))
            self.say(rest, "enrollment", on, action="withdrawn", programmes=list(programmes))
