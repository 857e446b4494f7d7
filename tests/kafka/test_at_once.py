"""Two operators act on one installation at once: both actions are safe, or the second is refused before any change.

deploy/README.md lists these actions.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from peserta.operations.failure import Failed, Unfit
from peserta.operations.generations import book_or_stop, read_generations
from peserta.operations.opened import as_opened, known_of_book
from peserta.operations.topic_table import topic_table
from peserta.operations.topics import create_topics, make_topics
from peserta.settings import Settings, read_settings
from sinks.clickhouse.loop import run_sink
from sinks.clickhouse.migrations import migrate, migrations
from sinks.clickhouse.reading import wait_until_caught_up
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.warehouse import Warehouse
from tests.support.sink_database import Database
from tests.support.sink_records import inside, ledger_record, ledger_value, line
from tests.support.sink_topics import Topics, made_topics

AT_ONCE = 4
CAUGHT_UP_LIMIT_S = 30
LEDGER = "coverage.ledger.v1"
BATCHES, RECORDS = 20, 50


@pytest.fixture
def settings(kafka_address: str, clickhouse_url: str, clickhouse_database: str, topic_prefix: str) -> SinkSettings:
    return SinkSettings(kafka_address, clickhouse_url, clickhouse_database, topic_prefix, gather_ms=0)


@pytest.fixture
async def written(settings: SinkSettings) -> AsyncIterator[Topics]:
    async with made_topics(settings.kafka_address, settings.topic_prefix) as made:
        yield made


async def test_topics_are_made_once_however_many_make_them(kafka_address: str, topic_prefix: str) -> None:
    made = await asyncio.gather(
        *(create_topics(kafka_address, prefix=topic_prefix, partitions=2) for _ in range(AT_ONCE))
    )
    assert set(made) == {topic_table(prefix=topic_prefix)}


async def test_migrations_by_several_sinks_leave_what_one_leaves(settings: SinkSettings) -> None:
    async with AsyncExitStack() as closing:
        several = [await closing.enter_async_context(await Warehouse.open(settings)) for _ in range(AT_ONCE)]
        applied = await asyncio.gather(*(migrate(warehouse.client) for warehouse in several))
        found = Database(several[0])
        names = [row["name"] for row in await found.rows("SELECT name FROM migrations FINAL ORDER BY name")]
        assert await migrate(several[0].client) == ()
    assert tuple(names) == tuple(migration.name for migration in migrations())
    assert set(names) == {name for one in applied for name in one}


async def test_two_sinks_that_carry_the_same_topics_give_every_row_once_to_readers(
    settings: SinkSettings, written: Topics
) -> None:
    """Only one sink should run. Somebody may start a second by mistake."""
    postings = [line("2025-09-01", None, inside("daily", "JKK"))]
    stop = asyncio.Event()
    sinks = [asyncio.create_task(run_sink(settings, stop=stop)) for _ in range(2)]
    for number in range(BATCHES):
        offsets = range(number * RECORDS, (number + 1) * RECORDS)
        await written.write(LEDGER, [ledger_value(ledger_record(offset, postings)) for offset in offsets])
    try:
        await wait_until_caught_up(settings, await written.ends(), CAUGHT_UP_LIMIT_S)
    finally:
        stop.set()
        await asyncio.gather(*sinks)
    async with await Warehouse.open(settings) as warehouse:
        count = await Database(warehouse).value("SELECT (count(), uniqExact(offset)) FROM ledger")
    assert tuple(count) == (BATCHES * RECORDS, BATCHES * RECORDS)


# ---- one after the other, with other settings


@pytest.fixture
def book(kafka_address: str, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a book of history with two partitions."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"PESERTA_{name.upper()}", raising=False)
    return read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, data_dir=tmp_path, clock="replay", partitions=2
    )


OTHERS = {
    "another clock": ({"clock": "wall"}, "book of history"),
    "another number of partitions": ({"partitions": 4}, "2 partitions, for good"),
    "another clock and a further topic": ({"clock": "wall", "inbound_topics": "more.facts"}, "book of history"),
}


@pytest.mark.parametrize(("update", "words"), OTHERS.values(), ids=OTHERS)
async def test_topics_are_not_made_for_a_book_that_was_opened_otherwise(
    book: Settings, update: dict[str, object], words: str
) -> None:
    await make_topics(book)
    other = read_settings(**{name: getattr(book, name) for name in book.model_fields_set} | update)
    with pytest.raises(Failed, match=words) as refused:
        await make_topics(other)
    assert isinstance(refused.value, Unfit)
    assert "message.timestamp.type" not in str(refused.value)
    assert await make_topics(book)


async def test_what_nobody_has_set_is_as_the_topics_have_it(book: Settings) -> None:
    unsaid = read_settings(kafka=book.kafka, topic_prefix=book.topic_prefix, data_dir=book.data_dir)
    assert await known_of_book(unsaid, {}) == {}
    await make_topics(book)
    known = await known_of_book(unsaid, {book.topic_prefix: 10, "another.": 20})
    assert known == {"clock": "replay", "partitions": 2, "grace_days": book.grace_days}
    assert as_opened(unsaid, known).partitions == 2


async def test_a_book_is_opened_with_one_number_of_days_of_grace_however_many_open_it(book: Settings) -> None:
    days = [10 + number for number in range(AT_ONCE)]
    others = [book.model_copy(update={"grace_days": number}) for number in days]
    outcomes = await asyncio.gather(*map(make_topics, others), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    assert len(refused) == AT_ONCE - 1
    assert all(isinstance(error, Unfit) and "PESERTA_GRACE_DAYS" in str(error) for error in refused)
    (opened,) = [other for other, outcome in zip(others, outcomes, strict=True) if outcome not in refused]
    assert (await read_generations(book)).current.grace_days == opened.grace_days
    with pytest.raises(Unfit, match=f"PESERTA_GRACE_DAYS={opened.grace_days}, and here it is 30"):
        await book_or_stop(book, None, asyncio.Event(), folds=True)
