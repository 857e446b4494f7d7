"""Workers in memory with a known defect. The audit must find each defect by the expected claim."""

from pathlib import Path

import pytest

from tests.support.book_in_memory import BookInMemory, kept_book
from tests.support.broken_variants import APPENDS_LOST, DROPPED, REPEATED, SWALLOWED
from tests.support.variant import Variant
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
    ("variant", "found"),
    [
        pytest.param(Variant("", "", lambda _: ()), (set(), set()), id="the book-keeper as it is"),
        pytest.param(SWALLOWED, (BOOK, BOOK), id=SWALLOWED.name),
        pytest.param(DROPPED, (BOOK, BOOK), id=DROPPED.name),
        pytest.param(REPEATED, (set(), {LEDGER, STATE}), id=REPEATED.name),
    ],
)
async def test_a_defect_of_the_bookkeeper_is_found(
    well: BookInMemory, variant: Variant, found: tuple[set[str], set[str]], again: bool, tmp_path: Path
) -> None:
    book = well.without_outputs()
    if again:
        book.record(again=True)
    with variant.present(tmp_path):
        book.keep()
    assert await claims_that_do_not_hold(book) - {ALERTS} == found[again]


async def test_a_recorder_that_loses_its_last_appends_is_found(tmp_path: Path) -> None:
    with APPENDS_LOST.present(tmp_path):
        book = kept_book()
    assert await claims_that_do_not_hold(book) == {INBOUND}
