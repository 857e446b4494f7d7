"""Random books of one company and rosters of it, as Hypothesis strategies: few workers and days, so that facts meet."""

from collections.abc import Iterable, Sequence
from typing import Final

from hypothesis import strategies as st

from peserta.intake.rosters.comparison import Comparison, compare
from peserta.intake.rosters.roster import Roll, Roster, RosterRow, Unread
from peserta.intake.rosters.worker_at_day import at_day
from peserta.operations.company_timelines import CompanyFold
from schemas.dates import DAY_MS, day, jakarta_midnight
from schemas.records import Coordinates, Day, Fact, FactEntry
from schemas.vocabulary import (
    ALL_PROGRAMMES,
    CONTRACT_ENDED,
    CORRECTION,
    EMPLOYMENT_TYPES,
    ENROLLMENT,
    HIRE,
    TERMINATION,
    TERMINATION_REASONS,
    WITHDRAWN,
)
from tests.support.facts import FACTS_TOPIC

COMPANY: Final = "C1"
DAY: Final = day("2025-09-10")
WORKERS: Final = ("w1", "w2", "w3", "w4")
DAYS_BEFORE, DAYS_AFTER = 6, 2

ROLL: Final = Roll(COMPANY, DAY)
workers: Final = st.sampled_from(WORKERS)
dates: Final = st.integers(DAY - DAYS_BEFORE, DAY + DAYS_AFTER)
# Moments of the days about, and those at which the roster's own facts are.
moments: Final = st.one_of(
    st.builds(lambda on, hour: jakarta_midnight(on) + hour * DAY_MS // 24, dates, st.integers(0, 23)),
    st.integers(ROLL.closes_at - 2, ROLL.closes_at + 3),
)
# Few programmes of the six in most facts: then a roster finds them held as often as not.
programme_masks: Final = st.integers(0, ALL_PROGRAMMES)


@st.composite
def facts(draw: st.DrawFn, prefix: str, correctable: Iterable[tuple[str, str]] = ()) -> list[Fact]:
    """Facts of a few workers, with ids that begin so. Corrections void one another's facts, those that are
    `correctable` (worker, event_id), or nothing."""
    made: list[Fact] = []
    targets = list(correctable)
    for number in range(draw(st.integers(0, 14))):
        worker, on, at = draw(workers), draw(dates), draw(moments)
        kind = draw(st.sampled_from((HIRE, HIRE, TERMINATION, ENROLLMENT, ENROLLMENT, CORRECTION)))
        detail, corrects = 0, ""
        if kind == HIRE:
            detail = draw(st.integers(0, len(EMPLOYMENT_TYPES) - 1))
        elif kind == TERMINATION:
            detail = draw(st.sampled_from((CONTRACT_ENDED, CONTRACT_ENDED, *range(len(TERMINATION_REASONS)))))
        elif kind == ENROLLMENT:
            detail = draw(programme_masks.filter(bool)) | draw(st.sampled_from((0, WITHDRAWN)))
        else:
            worker, corrects = draw(st.sampled_from(targets or [(worker, "nothing")]))
        made.append(Fact(kind, detail, f"{prefix}{number}", COMPANY, worker, on, at, "hris", corrects))
        if kind != CORRECTION:
            targets.append((worker, made[-1].event_id))
    return made


@st.composite
def rosters(draw: st.DrawFn, days: Sequence[Day] = (DAY,)) -> Roster:
    """A roster of one of these days, without refused rows."""
    roll = Roll(COMPANY, draw(st.sampled_from(days)))
    columns = draw(st.one_of(st.just(ALL_PROGRAMMES), programme_masks))
    rows = [
        RosterRow(
            number,
            worker,
            draw(st.integers(0, len(EMPLOYMENT_TYPES) - 1)),
            draw(programme_masks) & columns,
            draw(st.one_of(st.none(), st.integers(roll.day - DAYS_BEFORE, roll.day + DAYS_AFTER))),
        )
        for number, worker in enumerate(draw(st.lists(st.sampled_from((*WORKERS, "w9")), unique=True)), 2)
    ]
    return Roster(roll, tuple(rows), columns)


class OfflineBook:
    """The company's part of a journal, folded by the real core; no server."""

    def __init__(self, recorded: Iterable[Fact] = ()) -> None:
        self._fold, self._offset = CompanyFold(COMPANY), 0
        self.facts: list[Fact] = []
        self.record(recorded)

    def record(self, recorded: Iterable[Fact]) -> None:
        """Record further facts."""
        for fact in recorded:
            entry = FactEntry(Coordinates(FACTS_TOPIC, 0, self._offset), fact.occurred_at, fact)
            self._fold.follow([entry])
            self._offset += 1
            self.facts.append(fact)

    def compared(self, roster: Roster) -> Comparison:
        """The roster against what is recorded."""
        known = self._fold.timelines()
        return compare(roster, known, lambda worker: at_day(known.worker(worker), roster.roll.day))

    def apply(self, roster: Roster) -> Comparison:
        """Record what the roster asks for."""
        comparison = self.compared(roster)
        self.record(each.fact for each in comparison.facts)
        return comparison


def with_refused(roster: Roster, refused: Iterable[str], *, is_anybody: bool = False) -> Roster:
    """The same roster when the rows of these workers are refused."""
    gone = frozenset(refused)
    rows = tuple(row for row in roster.rows if row.worker_id not in gone)
    return Roster(roster.roll, rows, roster.columns, Unread(gone, is_anybody))
