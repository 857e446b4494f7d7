"""A roster against random books (SEMANTICS 11): its guarantees, and an independent version of its table."""

from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.intake.rosters.roster import Roster, RosterRow
from peserta.intake.rosters.worker_changes import NoLaterMoment
from schemas.records import Fact
from schemas.vocabulary import CORRECTION, EMPLOYMENT_TYPE_NUMBER
from tests.support.facts import hire, termination
from tests.support.naive_roster import is_roster, lines_of, naive_comparison
from tests.support.random_rosters import DAY, ROLL, WORKERS, OfflineBook, facts, rosters, with_refused

EXAMPLES = 80
DAILY: Final = EMPLOYMENT_TYPE_NUMBER["daily"]


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_after_its_facts_the_book_is_the_roster_and_the_same_roster_gives_none(data: st.DataObject) -> None:
    book = OfflineBook(data.draw(facts("a")))
    for turn in range(3):
        roster = data.draw(rosters((DAY - 1, DAY, DAY + 1)))
        applied = book.apply(roster)
        assert is_roster(roster, book.facts)
        assert book.compared(roster).facts == ()
        assert len({each.fact.event_id for each in applied.facts}) == len(applied.facts)
        # Later facts, including corrections of the roster's own facts.
        mine = [(fact.worker_id, fact.event_id) for fact in book.facts if fact.kind != CORRECTION]
        book.record(data.draw(facts(f"b{turn}.", mine)))


@settings(max_examples=EXAMPLES)
@given(st.data())
def test_the_facts_are_those_of_the_table_written_a_second_time(data: st.DataObject) -> None:
    book = OfflineBook(data.draw(facts("a")))
    for turn in range(2):
        roster = data.draw(rosters())
        refused = data.draw(st.sets(st.sampled_from(WORKERS), max_size=2))
        roster = with_refused(roster, refused, is_anybody=data.draw(st.booleans()) and bool(refused))
        expected = naive_comparison(roster, book.facts)
        assert lines_of(each.fact for each in book.apply(roster).facts) == expected
        mine = [(fact.worker_id, fact.event_id) for fact in book.facts if fact.kind != CORRECTION]
        book.record(data.draw(facts(f"b{turn}.", mine)))


@settings(max_examples=EXAMPLES)
@given(facts("a"), rosters(), st.data())
def test_an_import_that_was_interrupted_goes_on_with_the_facts_that_are_missing(
    before: list[Fact], roster: Roster, data: st.DataObject
) -> None:
    whole, book = OfflineBook(before), OfflineBook(before)
    applied = whole.apply(roster)
    done = [each.fact for each in applied.facts[: data.draw(st.integers(0, len(applied.facts)))]]
    book.record(done)
    rest = book.compared(roster)
    missing = [each.fact.event_id for each in applied.facts[len(done) :]]
    assert [each.fact.event_id for each in rest.facts] == missing
    assert len(rest.leavers) + rest.ended_before == len(applied.leavers) + applied.ended_before
    assert is_roster(roster, [*book.facts, *(each.fact for each in rest.facts)])


@settings(max_examples=EXAMPLES // 2)
@given(rosters(), facts("a"), st.sets(st.sampled_from(WORKERS)), st.booleans())
def test_nobody_is_ended_whom_a_refused_row_may_mean(
    roster: Roster, before: list[Fact], refused: set[str], is_anybody: bool
) -> None:
    comparison = OfflineBook(before).compared(with_refused(roster, refused, is_anybody=is_anybody))
    assert not refused & set(comparison.leavers)
    assert not (is_anybody and comparison.leavers)


LAST_INSTANT: Final = "2199-12-31T23:59:59.999Z"


@pytest.mark.parametrize("rows", [(), (RosterRow(2, "w1", DAILY),)], ids=["is to be ended", "has another type"])
def test_whom_no_fact_can_follow_is_named_when_the_roster_changes_them(rows: tuple[RosterRow, ...]) -> None:
    book = OfflineBook([hire("e1", "2025-09-01", at=LAST_INSTANT)])
    with pytest.raises(NoLaterMoment) as raised:
        book.compared(Roster(ROLL, rows, columns=0))
    assert raised.value.worker_id == "w1"


def test_whom_no_fact_can_follow_hinders_no_roster_that_leaves_them_as_they_are() -> None:
    inside, outside = (hire(f"e{n}", "2025-09-01", worker=f"w{n}", at=LAST_INSTANT) for n in (1, 2))
    book = OfflineBook([inside, outside, termination("e3", "2025-09-02", worker="w2")])
    assert book.compared(Roster(ROLL, (RosterRow(2, "w1", inside.detail),), columns=0)).facts == ()
