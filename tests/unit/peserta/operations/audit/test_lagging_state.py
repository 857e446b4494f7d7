"""A state that lags behind its outputs, as after a restore of its changelog from a backup, is found and repaired."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from peserta.operations.audit.partition import STATE_CLAIM, PartitionAudit
from peserta.operations.audit.position import LEDGER, Position
from peserta.operations.audit.reading import Stretch
from peserta.operations.audit.report import Report, audit_topics
from peserta.operations.audit.snapshots import CLAIM
from peserta.operations.rebuild.state import refuse_differing_outputs, rows_to_write
from schemas.codec import JournalCodec, OutputCodec
from schemas.records import TICK_SOURCE, Coordinates, Tick
from streams.lane.cursors import CURSOR_PREFIX
from tests.support.book_in_memory import PARTITIONS, SETTINGS, TOPICS, BookInMemory, published_book

KEPT_FIRST = 60
CURSOR = CURSOR_PREFIX + TOPICS.journal.encode()


class ShownLater:
    """The topics of a book whose book-keeper commits the rest while the audit reads. By default it commits after the
    audit has read the state. With `outputs_before` it commits earlier, and the broker shows the outputs before the
    state."""

    def __init__(self, book: BookInMemory, *, outputs_before: bool = False, compacts: bool = False) -> None:
        self._book, self._outputs_before, self._compacts = book, outputs_before, compacts
        self._held = {p: len(book.stored(SETTINGS.changelog, p)) for p in range(PARTITIONS)}

    async def stretch(self, topic: str, partition: int) -> Stretch:
        if topic == TOPICS.ledger and self._outputs_before:
            self._book.keep()
        if topic == SETTINGS.changelog:
            return Stretch(0, self._held[partition])
        return await self._book.topics.stretch(topic, partition)

    async def batches(self, topic: str, partition: int, **stretch: Any) -> AsyncIterator[Any]:
        async for batch in self._book.topics.batches(topic, partition, **stretch):
            yield batch

    async def records(self, topic: str, partition: int, **stretch: Any) -> AsyncIterator[Any]:
        async for record in self._book.topics.records(topic, partition, **stretch):
            yield record
        if topic == SETTINGS.changelog:
            self._book.keep()
            if self._compacts:
                self._book.compact()


@pytest.fixture(scope="module")
def half() -> BookInMemory:
    """A book whose book-keeper has processed only the first entries."""
    book = published_book(0.02)
    book.record()
    book.keep(until=KEPT_FIRST)
    return book


@pytest.fixture(scope="module")
def whole(half: BookInMemory) -> BookInMemory:
    book = half.copy()
    book.keep()
    return book


@pytest.fixture(scope="module")
def lagging(half: BookInMemory, whole: BookInMemory) -> BookInMemory:
    """A fully processed book with an older changelog."""
    book = whole.copy()
    for partition in range(PARTITIONS):
        book.stored(SETTINGS.changelog, partition)[:] = list(half.stored(SETTINGS.changelog, partition))
    return book


async def audited(book: BookInMemory, reader: Any = None, since: Position | None = None) -> Report:
    return await audit_topics(SETTINGS, reader or book.topics, lambda _: None, dict(book.committed), since)


def wrong(report: Report) -> set[tuple[str, str]]:
    return {(f.claim, f.where) for f in report.findings if not f.holds}


EVERYWHERE = {(STATE_CLAIM, f"partition {partition}") for partition in range(PARTITIONS)}


async def test_outputs_that_go_further_than_the_state_are_a_finding(lagging: BookInMemory) -> None:
    report = await audited(lagging)
    assert wrong(report) == EVERYWHERE
    assert any("the outputs go further than the state" in named for f in report.findings for named in f.named)


async def test_they_are_behind_a_position_too(half: BookInMemory, lagging: BookInMemory) -> None:
    position = (await audited(half)).position(SETTINGS)
    assert wrong(await audited(lagging, since=position)) == EVERYWHERE


@pytest.mark.parametrize("outputs_before", [False, True], ids=["committed meanwhile", "seen in the outputs first"])
@pytest.mark.parametrize("goes_on", [False, True], ids=["from the beginning", "from a position"])
async def test_what_a_running_book_keeper_commits_is_no_finding(
    half: BookInMemory, *, outputs_before: bool, goes_on: bool
) -> None:
    book = half.copy()
    since = (await audited(half)).position(SETTINGS) if goes_on else None
    before = len(book.stored(TOPICS.ledger, 0))
    report = await audited(book, ShownLater(book, outputs_before=outputs_before), since)
    assert wrong(report) == set()
    assert len(book.stored(TOPICS.ledger, 0)) > before
    assert report.kept[0].next[LEDGER] == before


async def test_a_company_whose_snapshot_a_newer_one_replaced_meanwhile_is_left_to_the_next_audit(
    half: BookInMemory,
) -> None:
    book = half.copy()
    first = await audited(book, ShownLater(book, compacts=True))
    assert wrong(first) == set()
    later = await audited(book, since=first.position(SETTINGS))
    assert wrong(later) == wrong(await audited(book)) == set()
    assert sum(f.compared for f in first.findings if f.claim == CLAIM) < len(companies(book))
    assert {company for kept in later.kept for company in kept.snapshots} == companies(book)


def companies(book: BookInMemory) -> set[str]:
    logs = (book.stored(TOPICS.snapshots, partition) for partition in range(PARTITIONS))
    return {(record.key or b"").decode() for log in logs for record in log}


async def rewritten(book: BookInMemory, partition: int = 0) -> int:
    """Rewrite a partition's state like `rebuild --state`. Returns the number of written records."""
    audit = PartitionAudit(SETTINGS, book.topics, partition, to_outputs=True)
    kept = await audit.run()
    refuse_differing_outputs(kept)
    rows = rows_to_write(SETTINGS, audit, kept)
    for key, value in rows:
        book.append(SETTINGS.changelog, partition, key, value)
    return len(rows)


async def test_such_a_state_is_written_up_to_its_outputs(lagging: BookInMemory, whole: BookInMemory) -> None:
    book = lagging.copy()
    assert [await rewritten(book, partition) > 1 for partition in range(PARTITIONS)] == [True] * PARTITIONS
    assert wrong(await audited(book)) == set()
    for mended, kept in zip((await audited(book)).kept, (await audited(whole)).kept, strict=True):
        assert mended.ledger == kept.ledger
        assert mended.rows == kept.rows
    assert await rewritten(book) == 0


async def test_a_state_that_only_lost_its_cursor_is_given_it_again(whole: BookInMemory) -> None:
    book = whole.copy()
    log = book.stored(SETTINGS.changelog, 0)
    log[:] = [record for record in log if record.key != CURSOR]
    assert await rewritten(book) == 1
    assert wrong(await audited(book)) == set()


async def test_a_state_that_was_lost_is_written_up_to_the_last_snapshot(whole: BookInMemory) -> None:
    """Only the snapshot shows the last day, because it had no fact and no alert."""
    book = whole.copy()
    today = max(OutputCodec().decode_snapshot(value).figures.as_of for value in values(book, TOPICS.snapshots))
    tick = Tick(Coordinates(TICK_SOURCE, 0, today + 1), 1_790_000_000_000, today + 1)
    before = len(values(book, TOPICS.snapshots)), len(values(book, TOPICS.ledger)), len(values(book, TOPICS.alerts))
    book.append(TOPICS.journal, 0, b"", JournalCodec().encode(tick))
    book.keep()
    after = len(values(book, TOPICS.snapshots)), len(values(book, TOPICS.ledger)), len(values(book, TOPICS.alerts))
    assert after[0] > before[0] and after[1:] == before[1:]
    book.stored(SETTINGS.changelog, 0).clear()
    assert await rewritten(book) > 1
    assert wrong(await audited(book)) == set()


def values(book: BookInMemory, topic: str) -> list[bytes]:
    return [record.value or b"" for record in book.stored(topic, 0)]


async def test_nothing_is_written_for_a_partition_that_is_empty() -> None:
    book = BookInMemory()
    assert await rewritten(book) == 0
    assert wrong(await audited(book)) == set()


async def test_a_state_that_says_that_it_contains_nothing_is_well() -> None:
    """The entries have no outputs and the state is lost. A cursor before the first entry makes the book-keeper read
    them again."""
    book = published_book(0.02)  # nothing was recorded, so the journal has only policies
    assert book.stored(TOPICS.journal, 0)
    assert await rewritten(book) == 1
    assert book.stored(SETTINGS.changelog, 0)[-1].value == b"-1"
    assert wrong(await audited(book)) == set()
    assert await rewritten(book) == 0
