"""The ids of a roster's facts equal digests that were made with `printf ... | sha256sum`."""

import pytest

from peserta.intake.rosters.event_ids import made_before, with_free_id
from schemas.dates import day
from schemas.records import Fact
from tests.support.facts import enrollment, hire, termination

DAY = day("2025-09-30")

CASES = (
    # printf 'hire\nC1\nw1\n2025-09-15\nhris\nfixed_term' | sha256sum
    (hire("", "2025-09-15", "fixed_term"), "0c12b4c490e6f3bef05105bc"),
    # printf 'termination\nC1\nw1\n2025-09-30\nhris\nunspecified' | sha256sum
    (termination("", "2025-09-30", "unspecified"), "d3393f006622ec6ae7688f0d"),
    # printf 'enrollment\nC1\nw1\n2025-09-30\nhris\nwithdrawn\nJHT+JKK+JP' | sha256sum
    (enrollment("", "2025-09-30", "JP JKK JHT", withdrawn=True), "e83743d8575bc639e41d1d49"),
)


@pytest.mark.parametrize(("fact", "digest"), CASES, ids=[fact.kind for fact, _ in CASES])
def test_the_id_of_a_fact(fact: Fact, digest: str) -> None:
    event_id = f"roster.20250930.{digest}"
    assert with_free_id(fact, DAY, ()).event_id == event_id
    assert with_free_id(fact._replace(occurred_at=0, event_id="x"), DAY, ()).event_id == event_id


def test_an_id_that_is_taken_is_not_used_again() -> None:
    fact = CASES[0][0]
    first = with_free_id(fact, DAY, ()).event_id
    # printf '0c12b4c490e6f3bef05105bc\n2' | sha256sum
    second = "roster.20250930.5579478cb86b71e44ce4a286"
    assert with_free_id(fact, DAY, {first}).event_id == second
    assert made_before(fact, DAY, {first, second}, {second})
    assert made_before(fact, DAY, {first, second}, {first})
    assert not made_before(fact, DAY, {first, second}, {"e1"})
    assert not made_before(fact, DAY, (), ())
