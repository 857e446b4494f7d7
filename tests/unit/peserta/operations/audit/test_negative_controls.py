"""Workers with a known defect, in memory: what each does wrong is found by the audit, and by which of its claims."""

import pytest

from streams.bookkeeper import Bookkeeper
from tests.unit.peserta.operations.audit import book as in_memory
from tests.unit.peserta.operations.audit.book import BookInMemory, kept_book
from tests.unit.peserta.operations.audit.broken import (
    CommittingFirst,
    Dropping,
    Repeating,
    Swallowing,
    claims_that_do_not_hold,
    found_of,
)
from tests.unit.peserta.operations.audit.test_audit import ALERTS, INBOUND, LEDGER, SNAPSHOTS, STATE

BOOK = {LEDGER, STATE, SNAPSHOTS}


@pytest.fixture(scope="module")
def well() -> BookInMemory:
    return kept_book()


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
    assert await found_of(keeper, well, again=again) - {ALERTS} == found[again]


async def test_a_recorder_that_commits_before_its_append_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "Recorder", CommittingFirst)
    assert await claims_that_do_not_hold(kept_book()) == {INBOUND}
