"""An audit that resumes from a saved position reports the same findings after it as a full audit."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from peserta.operations.audit.position import LEDGER, Position, check_fits, topic_names
from peserta.operations.audit.position import TOPICS as NAMES
from peserta.operations.audit.position_file import read_position, write_position
from peserta.operations.audit.reading import WatchedReader
from peserta.operations.audit.report import Report, audit_topics
from peserta.operations.failure import Failed, Rejected
from tests.support.book_in_memory import (
    PARTITIONS,
    SETTINGS,
    TOPICS,
    BookInMemory,
    kept_book,
    published_book,
)
from tests.support.partition_log import Stored
from tests.unit.peserta.operations.audit.test_audit import INBOUND

POSITIONS = 8  # random positions
MANIPULATIONS = 12
SCALE = 0.02


@pytest.fixture(scope="module")
def published() -> BookInMemory:
    return published_book(SCALE)


@pytest.fixture(scope="module")
def well() -> BookInMemory:
    return kept_book()


async def audited(book: BookInMemory, since: Position | None = None) -> Report:
    return await audit_topics(SETTINGS, book.topics, lambda _: None, dict(book.committed), since)


def wrong(report: Report) -> list[tuple[str, str]]:
    return sorted({(f.claim, f.where) for f in report.findings if not f.holds})


def half_way(published: BookInMemory, rng: Random) -> BookInMemory:
    """A book with some records in the journal and some of these in the ledger. Some offsets are committed late."""
    book = published.copy()
    book.record(until=rng.randrange(250))
    for source in book.committed:
        book.committed[source] = max(0, book.committed[source] - rng.choice((0, 0, 7, 60)))
    for _ in range(2):
        book.keep(until=rng.randrange(300))
    return book


def saved(report: Report, folder: Path) -> Position:
    """The report's position, after writing it to a file and reading it back."""
    assert report.is_well, wrong(report)
    write_position(folder / "position", report.position(SETTINGS))
    found = read_position(folder / "position")
    assert found == report.position(SETTINGS)
    return found


def gone_on(book: BookInMemory, rng: Random) -> None:
    """Record everything, perhaps with repeats as after lost offsets. The book-keeper may lag behind."""
    book.record(again=rng.random() < 0.5)
    book.keep(until=rng.choice((None, None, 220)))


@pytest.mark.parametrize("seed", range(POSITIONS))
async def test_an_audit_to_a_position_and_one_from_there_are_a_full_audit(
    published: BookInMemory, tmp_path: Path, seed: int
) -> None:
    rng = Random(seed)
    book = half_way(published, rng)
    position = saved(await audited(book), tmp_path)
    gone_on(book, rng)
    full, later = await audited(book), await audited(book, position)
    assert wrong(full) == wrong(later) == []
    assert later.dispositions_in_total == full.dispositions
    assert later.position(SETTINGS) == full.position(SETTINGS)
    assert sum(kept.entries for kept in later.kept) < sum(kept.entries for kept in full.kept)


def flip(log: list[Stored], at: int, rng: Random) -> None:
    value = bytearray(log[at].value or b"\0")
    value[rng.randrange(len(value))] ^= 1 << rng.randrange(8)
    log[at] = replace(log[at], value=bytes(value))


def drop(log: list[Stored], at: int, rng: Random) -> None:
    del log[at]


def repeat(log: list[Stored], at: int, rng: Random) -> None:
    """Append a copy of any record, perhaps of one before the position."""
    log.append(replace(log[rng.randrange(len(log))], offset=log[-1].offset + 1))


def swap(log: list[Stored], at: int, rng: Random) -> None:
    other = min(at + 1, len(log) - 1)
    values = log[at].value, log[other].value
    log[other], log[at] = replace(log[other], value=values[0]), replace(log[at], value=values[1])


HARMS: tuple[Callable[[list[Stored], int, Random], None], ...] = (flip, drop, repeat, swap)


def harm(book: BookInMemory, position: Position, rng: Random) -> str:
    """Change one record after the position. Returns a description of the change."""
    partition = rng.randrange(PARTITIONS)
    starts = {topic: position.partitions[partition].next[name] for name, topic in topic_names(SETTINGS).items()}
    starts[TOPICS.facts] = position.sources[TOPICS.facts, partition].settled_next
    topic = rng.choice(sorted(starts))
    log = book.stored(topic, partition)
    behind = [at for at, record in enumerate(log) if record.offset >= starts[topic]]
    if not behind:
        return "nothing"
    act = rng.choice(HARMS)
    act(log, rng.choice(behind), rng)
    return f"{act.__name__} in {topic}"


async def said(book: BookInMemory, since: Position | None = None) -> list[tuple[str, str]]:
    return wrong(await audited(book, since))


async def test_what_was_done_behind_the_position_is_found_as_by_a_full_audit(
    published: BookInMemory, tmp_path: Path
) -> None:
    found: set[str] = set()
    rng = Random(4)
    begun = half_way(published, rng)
    position = saved(await audited(begun), tmp_path)
    begun.record()
    begun.keep()
    for _ in range(MANIPULATIONS):
        before = begun.topics.copy()
        done = harm(begun, position, rng)
        full = await said(begun)
        assert await said(begun, position) == full, done
        found |= {done} if full else set()
        begun.topics = before
    assert len(found) > 5, found


async def test_a_fact_from_before_the_position_that_is_recorded_in_a_second_partition_is_found(
    published: BookInMemory,
) -> None:
    book = published.copy()
    book.record()
    book.keep()
    position = (await audited(book)).position(SETTINGS)
    first = next(r for r in book.stored(TOPICS.journal, 0) if r.key and r.key.startswith(b"JT-"))
    book.append(TOPICS.journal, 1, first.key, first.value)
    book.keep()
    assert wrong(await audited(book, position)) == wrong(await audited(book)) == [(INBOUND, f"{TOPICS.facts}-0")]


REFUSED: dict[str, tuple[Callable[[BookInMemory], None], str]] = {
    "the journal was cut off": (lambda book: cut(book, TOPICS.journal), "which ends at"),
    "the ledger was cut off": (lambda book: cut(book, TOPICS.ledger), "which ends at"),
    "the state was made anew": (lambda book: cut(book, SETTINGS.changelog), "which ends at"),
    "records behind it were deleted": (lambda book: expire(book, TOPICS.journal), "are gone unread"),
    "the journal is another one": (lambda book: other(book, TOPICS.journal), "is another one or gone"),
    "the ledger is another one": (lambda book: other(book, TOPICS.ledger), "is another one or gone"),
}


def cut(book: BookInMemory, topic: str) -> None:
    del book.stored(topic, 1)[5:]


def expire(book: BookInMemory, topic: str) -> None:
    book.topics.logs[topic, 1].begin = 2 * len(book.stored(topic, 1))
    book.append(topic, 1, b"", b"")
    book.stored(topic, 1)[-1] = replace(book.stored(topic, 1)[-1], offset=2 * len(book.stored(topic, 1)))


def other(book: BookInMemory, topic: str) -> None:
    log = book.stored(topic, 1)
    log[-1] = replace(log[-1], value=log[-2].value)


@pytest.mark.parametrize(("act", "words"), REFUSED.values(), ids=REFUSED)
async def test_a_position_that_does_not_lie_in_the_topics_is_refused(
    well: BookInMemory, act: Callable[[BookInMemory], None], words: str
) -> None:
    position = (await audited(well)).position(SETTINGS)
    await check_fits(SETTINGS, well.topics, position)
    book = well.copy()
    act(book)
    with pytest.raises(Failed, match=words) as refused:
        await check_fits(SETTINGS, book.topics, position)
    assert isinstance(refused.value, Rejected)


OTHERS: dict[str, Any] = {
    "topics begin with": "other.",
    "generation": 2,
    "partitions": 64,
    "grace days": 31,
    "format of the rows": 0,
    "version of peserta": "0.0.1",
    "folding code": "0123456789ab",
}


@pytest.mark.parametrize("name", OTHERS)
async def test_a_position_of_another_book_or_of_other_rules_is_refused_by_name(well: BookInMemory, name: str) -> None:
    position = (await audited(well)).position(SETTINGS)
    foreign = replace(position, book={**position.book, name: OTHERS[name]})
    with pytest.raises(Failed, match=f"saved with {name}: {OTHERS[name]}"):
        await check_fits(SETTINGS, well.topics, foreign)
    assert position.book.keys() == OTHERS.keys()


async def test_a_file_of_which_any_byte_was_changed_is_no_position(well: BookInMemory, tmp_path: Path) -> None:
    path = tmp_path / "position"
    saved(await audited(well), tmp_path)
    whole = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    plain = gzip.decompress(whole)
    spoilt = [whole[:at] + bytes([whole[at] ^ 64]) + whole[at + 1 :] for at in range(10, len(whole), len(whole) // 40)]
    # The rewritten file is valid gzip, so only the checksum can show the change.
    spoilt += [
        gzip.compress(plain.replace(b'"entries":', b'"entries":1')),
        gzip.compress(plain[:-1]),
        gzip.compress(b"{}"),
        b"",
    ]
    for content in spoilt:
        path.write_bytes(content)
        with pytest.raises(Failed, match="is no position, or it is damaged"):
            read_position(path)
    with pytest.raises(Failed, match="cannot be read"):
        read_position(tmp_path / "none")
    path.write_bytes(gzip.compress(plain.replace(b'{"position": 2', b'{"position": 1')))
    with pytest.raises(Failed, match="saved by another version"):
        read_position(path)


async def test_a_position_that_cannot_be_written_is_told(well: BookInMemory, tmp_path: Path) -> None:
    position = (await audited(well)).position(SETTINGS)
    (tmp_path / "file").write_text("")
    with pytest.raises(Failed, match="could not be saved"):
        write_position(tmp_path / "file" / "position", position)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_a_position_that_could_not_be_saved_leaves_nothing_behind(well: BookInMemory, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Failed, match="could not be saved"):
        write_position(tmp_path / "folder", (await audited(well)).position(SETTINGS))
    assert names_in(tmp_path) == ["folder"]


async def test_an_audit_from_a_position_reads_only_what_lies_behind_it(well: BookInMemory) -> None:
    position = (await audited(well)).position(SETTINGS)
    passed: list[int] = []
    reader = WatchedReader(well.topics, passed.append)
    later = await audit_topics(SETTINGS, reader, lambda _: None, dict(well.committed), position)
    assert later.is_well
    assert passed == []
    assert later.dispositions.total() == 0
    assert later.dispositions_in_total == (await audited(well)).dispositions
    assert "after the position" in later.extent


async def test_progress_tells_every_offset_that_was_passed(well: BookInMemory) -> None:
    passed: list[int] = []
    await audit_topics(SETTINGS, WatchedReader(well.topics, passed.append), lambda _: None, dict(well.committed))
    # Dead letters have two names, because the audit reads them for the recorder and for the book.
    planned = sum(len(well.stored(topic_names(SETTINGS)[name], p)) for name in NAMES for p in range(PARTITIONS))
    assert sum(passed) == planned + sum(len(well.stored(TOPICS.facts, p)) for p in range(PARTITIONS))


async def test_what_is_kept_while_the_audit_reads_is_left_for_the_next_one(published: BookInMemory) -> None:
    book = published.copy()
    book.record(until=100)
    book.keep(until=20)
    turn = count()

    def meanwhile(_: int) -> None:
        now = next(turn)
        if now % 4 == 0:
            book.record(until=100 + now)
            book.keep(until=20 + now)

    first = await audit_topics(SETTINGS, WatchedReader(book.topics, meanwhile), lambda _: None, dict(book.committed))
    assert wrong(first) == []
    position = first.position(SETTINGS)
    assert 0 < position.partitions[0].next[LEDGER] < len(book.stored(TOPICS.ledger, 0))
    full, later = await audited(book), await audited(book, position)
    assert wrong(full) == wrong(later) == []
    assert later.position(SETTINGS) == full.position(SETTINGS)
