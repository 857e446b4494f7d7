"""`--drop-old` deletes only what the sink and the book-keeper made, and only while no rebuild runs."""

import re

import pytest

from peserta.operations.clickhouse_writing import writing
from peserta.operations.failure import Failed, Unavailable
from peserta.operations.generations import GenerationRecords, read_generations
from peserta.operations.rebuild.announcement import Announcement, unsaid
from peserta.operations.rebuild.groups import admin_of
from peserta.operations.rebuild.removal import check_deleted, check_unchanged, others_than_current
from peserta.settings import read_settings
from schemas.generation import Generation
from sinks.clickhouse.migrations import migrations, tables_ever_made

AWAY = read_settings(kafka="127.0.0.1:1", clickhouse_url="http://127.0.0.1:1", partitions=2)


def test_the_tables_that_may_go_are_those_that_the_statements_make() -> None:
    made = {name for file in migrations() for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", file.text)}
    assert set(tables_ever_made()) == made | {"migrations"}
    assert {"sink_progress", "journal_facts", "ledger_lines"} < made
    assert made.isdisjoint({"journal", "ledger", "coverage_daily"}), "views are not among them"


OTHERS = {
    "nothing was ever rebuilt": (GenerationRecords(Generation(1), Generation(1)), []),
    "the first is left behind": (GenerationRecords(Generation(2), Generation(2)), [1]),
    "an unfinished one goes too": (GenerationRecords(Generation(2), Generation(4)), [1, 3, 4]),
}


@pytest.mark.parametrize(("said", "numbers"), OTHERS.values(), ids=OTHERS)
def test_every_number_that_was_taken_goes_but_the_standing_one(said: GenerationRecords, numbers: list[int]) -> None:
    assert others_than_current(said) == numbers


MEANWHILE = {
    "it switches": GenerationRecords(Generation(2, 9), Generation(2, 5)),
    "one is begun": GenerationRecords(Generation(1), Generation(3, 9)),
    "an unfinished one goes on": GenerationRecords(Generation(1), Generation(2, 9)),
}


@pytest.mark.parametrize("now", MEANWHILE.values(), ids=MEANWHILE)
def test_nothing_is_deleted_when_a_rebuild_does_something_meanwhile(now: GenerationRecords) -> None:
    before = GenerationRecords(Generation(1), Generation(2, 5))
    check_unchanged(before, GenerationRecords(Generation(1), Generation(2, 5)))
    with pytest.raises(Failed, match="nothing was deleted"):
        check_unchanged(before, now)


def test_a_topic_that_kafka_does_not_delete_is_named() -> None:
    check_deleted([("a", 0), ("b", 3)])
    with pytest.raises(Failed, match=r"topics: c \(TopicAuthorizationFailedError\)") as refused:
        check_deleted([("a", 0), ("c", 29)])
    assert isinstance(refused.value, Unavailable)


async def test_a_clickhouse_or_a_kafka_that_is_away_is_said_in_a_sentence() -> None:
    with pytest.raises(Failed, match="ClickHouse does not answer") as away:
        async with writing(AWAY):
            pass
    assert isinstance(away.value, Unavailable)
    for asking in (Announcement.open(AWAY), read_generations(AWAY), admin_of(AWAY.kafka).__aenter__()):
        with pytest.raises(Failed, match="No Kafka broker answers") as away:
            await asking
        assert isinstance(away.value, Unavailable)


def test_what_was_not_said_was_not_switched() -> None:
    failed = unsaid("coverage.generations.v1", Generation(2), TimeoutError())
    assert "does not name generation 2: nothing was switched" in str(failed)
    assert isinstance(failed, Unavailable)
