"""The state of a worker after all facts equals the naive fold's. A worker outside may still have programmes."""

from hypothesis import given, settings

from peserta.operations.company_timelines import CompanyFold
from schemas.records import Fact
from schemas.vocabulary import EMPLOYMENT_TYPES, programme_names
from streams.core.timeline import NOBODY, WorkerState, state_of, timeline
from tests.support.facts import enrollment, entry
from tests.support.naive_timeline import state_on
from tests.support.random_rosters import COMPANY, DAY, DAYS_AFTER, facts


@settings(max_examples=60)
@given(facts("a"))
def test_state(recorded: list[Fact]) -> None:
    mine = [fact._replace(worker_id="w1") for fact in recorded]
    fold = CompanyFold(COMPANY)
    fold.follow(entry(fact, offset) for offset, fact in enumerate(mine))
    head, _ = timeline(fold.timelines().worker("w1").facts, 30)
    employment_type, programmes = state_of(head)
    naive = state_on(tuple(mine), DAY + DAYS_AFTER)
    assert (None if employment_type is None else EMPLOYMENT_TYPES[employment_type]) == naive.employment_type
    assert programme_names(programmes) == naive.programmes


def test_nobody_is_outside_and_programmes_may_come_before_the_hire() -> None:
    assert state_of(NOBODY) == WorkerState(None, 0)
    fact = enrollment("e1", "2025-09-01", "JKK")
    head, _ = timeline([(fact.effective_on, fact.occurred_at, fact.kind, b"e1", fact.detail, b"")], 30)
    assert state_of(head) == WorkerState(None, fact.detail)
