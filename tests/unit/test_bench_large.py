"""The large benchmark on small books: it does all the work that it counts, including the late facts."""

import json
from pathlib import Path

import pytest

from streams.core.book import Book
from tests.bench.large import COMPANIES, LATE_FACTS, ONE_IN_LARGEST, Cost, NotFolded, Stretches, cost_of, staff, write
from tests.bench.workforce import LARGEST, LIFE, employer, journal

FACTS = 8_000
WORKERS = FACTS // len(LIFE)


@pytest.mark.parametrize("state", ["memory", "disk"])
def test_a_small_book_is_folded_with_its_late_facts(state: str) -> None:
    cost = cost_of(state, FACTS, 3)
    assert (cost.state, cost.policies, cost.facts) == (state, 3, FACTS)
    assert min(cost.fold_us, cost.changes_us, cost.snapshots, cost.late_largest_us, cost.late_other_us) > 0


def test_the_largest_company_has_its_share_of_a_journal_that_tells_every_life() -> None:
    facts = [one.fact for one in journal(COMPANIES, WORKERS, ONE_IN_LARGEST)]
    assert len({fact.event_id for fact in facts}) == len(facts) == FACTS
    of_largest = {fact.worker_id for fact in facts if fact.company_id == LARGEST}
    assert len(of_largest) == WORKERS / ONE_IN_LARGEST


@pytest.mark.parametrize("number", [0, 5, 20])
@pytest.mark.parametrize("largest", [True, False], ids=["the largest", "another"])
@pytest.mark.parametrize("workers", [200_000, 2_000_000])
def test_the_staff_of_a_company_is_its_own(number: int, workers: int, *, largest: bool) -> None:
    company_id, numbers = staff(number, workers, largest=largest)
    found = list(numbers)
    assert 30 < len(found) <= LATE_FACTS
    assert {employer(each, COMPANIES, ONE_IN_LARGEST) for each in found} == {company_id}
    assert (company_id == LARGEST) is largest


def test_facts_that_the_book_passes_over_are_not_counted_as_work() -> None:
    batch, stretches = list(journal(7, 20)), Stretches(Book())
    stretches.fold(batch)
    with pytest.raises(NotFolded, match="100 facts of 100"):
        stretches.fold(batch)


def test_costs_are_kept_for_programs_and_for_the_eye(tmp_path: Path) -> None:
    costs = [Cost("memory", policies, size, 9.5, 3.0, 70, 500, 40, 41) for policies in (3, 20) for size in (10, 1_000)]
    paths = write(tmp_path, {"processor": "P"}, costs)
    kept = json.loads(paths[0].read_text())
    assert [Cost(**cost) for cost in kept["costs"]] == costs
    assert "20 policies, fold" in paths[1].read_text()
