"""How cycles are cut into books: by their ground, and so that the first seed of a book names all of it; and what is
said of a book that could not be judged."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.material import Material
from tests.chaos.__main__ import CYCLES_PER_BOOK_MAX, books, verdict
from tests.chaos.book import Cycle, run_book
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.spares import Spares

PASSES = 3


def test_a_book_has_one_ground_and_is_not_too_long() -> None:
    for book in islice(books(SCENARIOS, 0), 30):
        assert len({scenario.ground for scenario, _ in book}) == 1
        assert len(book) <= (1 if book[0][0].alone else CYCLES_PER_BOOK_MAX)


def test_each_scenario_has_its_turn_in_each_pass_with_seeds_of_its_own() -> None:
    turns = [turn for book in islice(books(SCENARIOS, 7), PASSES * len(SCENARIOS)) for turn in book]
    first = turns[: PASSES * len(SCENARIOS)]
    assert [seed for _, seed in first] == list(range(7, 7 + len(first)))
    assert {name: sum(one.name == name for one, _ in first) for name in (s.name for s in SCENARIOS)} == {
        scenario.name: PASSES for scenario in SCENARIOS
    }


def test_the_first_seed_of_a_book_makes_it_again() -> None:
    for book in islice(books(SCENARIOS, 5), 12):
        assert next(books(SCENARIOS, book[0][1])) == book


WELL, LOST, NOT_JUDGED = Cycle("a", 1), Cycle("a", 1, lost=1), Cycle("a", 1, judged=False)


@pytest.mark.parametrize(
    ("cycles", "said"),
    [
        pytest.param([WELL, WELL], "yes", id="all judged and well"),
        pytest.param([WELL, NOT_JUDGED], "1 not judged", id="one not judged is not well"),
        pytest.param([NOT_JUDGED, NOT_JUDGED], "2 not judged", id="nor are all"),
        pytest.param([LOST, NOT_JUDGED], "NO", id="and hides nothing that is"),
    ],
)
def test_a_row_of_the_table_says_yes_only_if_every_cycle_was_judged_and_is_well(
    cycles: Sequence[Cycle], said: str
) -> None:
    assert verdict(cycles) == said
    assert all(one.is_well for one in cycles) == (said == "yes")


def test_a_book_whose_stack_does_not_come_up_is_not_judged(tmp_path: Path, material: Material) -> None:
    turns = [(SCENARIOS[0], 1), (SCENARIOS[1], 2)]
    with Stack(tmp_path, kafka=False, clickhouse=False) as stack, Spares(tmp_path, ready=0) as spares:
        done, judgement = run_book(turns, stack, tmp_path, material, spares)
    assert [one.judged for one in done] == [False, False]
    assert verdict(done) == "2 not judged"
    assert not judgement.is_well and "StackError" in judgement.named[0]
