"""The number of leavers that a roster accepts without confirmation (SEMANTICS 11)."""

import pytest

from peserta.intake.rosters.leavers import LeaversUnconfirmed, check_leavers
from peserta.intake.rosters.roster import Roster, RosterRow
from tests.support.facts import hire, termination
from tests.support.random_rosters import COMPANY, ROLL, OfflineBook

BEFORE = "2025-09-01"

CASES = (
    ("5 of 6 leave: not more than 5", 6, 5, None, True),
    ("6 of 60 leave: not more than a tenth", 60, 6, None, True),
    ("6 of 59 leave", 59, 6, None, False),
    ("6 of 59 leave, confirmed", 59, 6, 6, True),
    ("6 of 59 leave, 5 confirmed", 59, 6, 5, False),
    ("6 of 59 leave, 7 confirmed", 59, 6, 7, False),
    ("all 59 leave, confirmed", 59, 59, 59, True),
    ("2 leave, which needs no word, and 3 are confirmed", 59, 2, 3, False),
    ("nobody leaves", 59, 0, None, True),
    ("nobody leaves, confirmed", 59, 0, 0, True),
)


def book_and_roster(inside: int, leavers: int) -> tuple[OfflineBook, Roster]:
    names = [f"w{number}" for number in range(inside)]
    book = OfflineBook(hire(f"e{name}", BEFORE, worker=name, company=COMPANY) for name in names)
    book.record(
        [hire("gone1", BEFORE, worker="gone"), termination("gone2", BEFORE, worker="gone", at="2025-09-02T00:00:00Z")]
    )
    rows = tuple(RosterRow(2 + number, name, 3) for number, name in enumerate(names[leavers:]))
    return book, Roster(ROLL, rows, 0)


@pytest.mark.parametrize(
    ("inside", "leavers", "confirmed", "may"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_leavers(inside: int, leavers: int, confirmed: int | None, may: bool) -> None:
    book, roster = book_and_roster(inside, leavers)
    comparison = book.compared(roster)
    assert (comparison.inside, len(comparison.leavers), comparison.ended_before) == (inside, leavers, 0)
    if may:
        check_leavers(comparison, confirmed)
    else:
        with pytest.raises(LeaversUnconfirmed) as refused:
            check_leavers(comparison, confirmed)
        assert (refused.value.leavers, refused.value.inside) == (leavers, inside)


def test_the_number_that_was_confirmed_is_right_again_after_an_interruption() -> None:
    book, roster = book_and_roster(20, 12)
    first = book.compared(roster)
    check_leavers(first, 12)
    book.record(each.fact for each in first.facts[:5])
    rest = book.compared(roster)
    assert (len(rest.leavers), rest.ended_before) == (7, 5)
    check_leavers(rest, 12)
    check_leavers(rest, 7)
    with pytest.raises(LeaversUnconfirmed):
        check_leavers(rest, 5)
    book.record(each.fact for each in rest.facts)
    check_leavers(book.compared(roster), 12)
