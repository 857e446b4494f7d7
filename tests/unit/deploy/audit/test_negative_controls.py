"""Workers with a known defect, in memory: what each does wrong is found by the audit, and by which of its claims."""

import copy
from collections.abc import Sequence

import pytest

from schemas.records import Coordinates
from streams.bookkeeper import Bookkeeper
from streams.core.book import Book
from streams.lane import Append, Effect, Record, Rows
from streams.recorder import Recorder
from tests.unit.deploy.audit import book as in_memory
from tests.unit.deploy.audit.book import PARTITIONS, SETTINGS, TOPICS, BookInMemory, kept_book
from tests.unit.deploy.audit.test_audit import ALERTS, INBOUND, LEDGER, STATE, audited


@pytest.fixture(scope="module")
def well() -> BookInMemory:
    return kept_book()


class Planted(Exception):
    """What goes wrong in a step that somebody made too careful."""


class Swallowing(Bookkeeper):
    """An exception in a step is passed over, and the batch counts as done."""

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        try:
            if any(record.offset == 200 for record in records):
                raise Planted
            return super().step(partition, topic, records, rows)
        except Planted:
            return Effect({}, {})


class Dropping(Bookkeeper):
    """The last entry of a batch is forgotten."""

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        return super().step(partition, topic, records[:-1], rows)


class Repeating(Bookkeeper):
    """A repeat of the recorder's is applied."""

    def open(self, partition: int, rows: Rows) -> None:
        super().open(partition, rows)
        self._books[partition].__class__ = Forgetful


class Forgetful(Book):
    """Takes every entry for a new one."""

    def _advance(self, came_from: Coordinates) -> bool:
        self._cursors.pop(came_from[:2], None)
        return super()._advance(came_from)


class CommittingFirst(Recorder):
    """Ends after its offsets were committed and before the broker had the last records."""

    def step(self, topic: str, partition: int, records: Sequence[Record]) -> list[Append]:
        return super().step(topic, partition, records)[:-3]


def without_outputs(well: BookInMemory) -> BookInMemory:
    """The same journal, of which the book-keeper has said nothing yet."""
    book = BookInMemory(copy.deepcopy(well.shelf), dict(well.committed))
    for topic in (TOPICS.ledger, TOPICS.alerts, TOPICS.snapshots, SETTINGS.changelog):
        for partition in range(PARTITIONS):
            book.shelf.stored[topic, partition].clear()
    return book


async def claims_that_do_not_hold(book: BookInMemory) -> set[str]:
    _, findings = await audited(book)
    return {finding.claim for finding in findings if not finding.holds}


@pytest.mark.parametrize("again", [False, True], ids=["recorded once", "recorded twice"])
@pytest.mark.parametrize(
    ("keeper", "found"),
    [
        pytest.param(Bookkeeper, (set(), set()), id="the book-keeper as it is"),
        pytest.param(Swallowing, ({LEDGER, STATE}, {LEDGER, STATE}), id="an exception is swallowed"),
        pytest.param(Dropping, ({LEDGER, STATE}, {LEDGER, STATE}), id="the last entry of a batch is dropped"),
        pytest.param(Repeating, (set(), {LEDGER, STATE}), id="a repeat is applied"),
    ],
)
async def test_a_defect_of_the_bookkeeper_is_found(
    well: BookInMemory,
    keeper: type[Bookkeeper],
    found: tuple[set[str], set[str]],
    again: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    book = without_outputs(well)
    if again:
        book.record(again=True)
    monkeypatch.setattr(in_memory, "Bookkeeper", keeper)
    book.keep()
    assert await claims_that_do_not_hold(book) - {ALERTS} == found[again]


async def test_a_recorder_that_commits_before_its_append_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_memory, "Recorder", CommittingFirst)
    assert await claims_that_do_not_hold(kept_book()) == {INBOUND}
