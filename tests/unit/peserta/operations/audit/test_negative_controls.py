"""Workers in memory with a known defect. The audit must find each defect by the expected claim."""

from dataclasses import replace

import pytest

from streams.bookkeeper import Bookkeeper
from tests.support.book_in_memory import BookInMemory, kept_book
from tests.support.broken_bookkeepers import CommittingFirst, Dropping, Repeating, Swallowing
from tests.unit.peserta.operations.audit.test_audit import ALERTS, INBOUND, LEDGER, SNAPSHOTS, STATE, audited

BOOK = {LEDGER, STATE, SNAPSHOTS}


@pytest.fixture(scope="module")
def well() -> BookInMemory:
    return kept_book()


async def claims_that_do_not_hold(book: BookInMemory) -> set[str]:
    """The claims that the audit finds broken."""
    _, findings = await audited(book)
    return {finding.claim for finding in findings if not finding.holds}


@pytest.mark.parametrize("again", [False, True], ids=["recorded once", "recorded twice"])
@pytest.mark.parametrize(
    ("keeper", "found"),
    [
        pytest.param(Bookkeeper, (set(), set()), id="the book-keeper as it is"),
        pytest.param(Swallowing, (BOOK, BOOK), id="an exception is swallowed"),
        pytest.param(Dropping, (BOOK, BOOK), id="the last entry of a batch is dropped"),
        pytest.param(Repeating, (set(), {LEDGER, STATE}), id="a repeat is applied"),
    ],
)
async def test_a_defect_of_the_bookkeeper_is_found(
    well: BookInMemory, keeper: type[Bookkeeper], found: tuple[set[str], set[str]], again: bool
) -> None:
    book = replace(well.without_outputs(), bookkeeper=keeper)
    if again:
        book.record(again=True)
    book.keep()
    assert await claims_that_do_not_hold(book) - {ALERTS} == found[again]


async def test_a_recorder_that_commits_before_its_append_is_found() -> None:
    assert await claims_that_do_not_hold(kept_book(CommittingFirst)) == {INBOUND}
