"""Book-keepers and a recorder with a known defect, for books in memory; and what the audit says of such a book."""

import copy
from collections.abc import Sequence
from unittest.mock import patch

from streams.bookkeeper import Bookkeeper
from streams.lane.records import Append, Effect, Record, Rows
from streams.recorder import Recorder
from tests.unit.peserta.operations.audit import book as in_memory
from tests.unit.peserta.operations.audit.book import PARTITIONS, SETTINGS, TOPICS, BookInMemory
from tests.unit.peserta.operations.audit.test_audit import audited


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
    """A repeat of the recorder's is applied: what was seen of each source is forgotten before each step."""

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        self._books[partition]._cursors.clear()
        return super().step(partition, topic, records, rows)


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
    """What the audit finds."""
    _, findings = await audited(book)
    return {finding.claim for finding in findings if not finding.holds}


async def found_of(keeper: type[Bookkeeper], well: BookInMemory, *, again: bool) -> set[str]:
    """What is found when this book-keeper keeps a journal, `again`: one in which every fact is repeated."""
    book = without_outputs(well)
    if again:
        book.record(again=True)
    with patch.object(in_memory, "Bookkeeper", keeper):
        book.keep()
    return await claims_that_do_not_hold(book)
