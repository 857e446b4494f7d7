"""How cycles are cut into books: by their ground, and so that the first seed of a book names all of it."""

from itertools import islice

from tests.chaos.__main__ import CYCLES_PER_BOOK_MAX, books
from tests.chaos.scenarios import SCENARIOS

PASSES = 3


def test_a_book_has_one_ground_and_is_not_too_long() -> None:
    for book in islice(books(SCENARIOS, 0), 30):
        assert len({scenario.ground for scenario, _ in book}) == 1
        assert len(book) <= (CYCLES_PER_BOOK_MAX if book[0][0].goes_on else 1)


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
