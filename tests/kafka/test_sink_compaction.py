"""The sink reads topics from which Kafka's own cleaner has removed records: offsets with holes, deleted keys."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from deploy.embedded.stack import Stack
from schemas.handling import ACKNOWLEDGED, NOTE, Handling
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.notices import DELIVERED, POSITION_KEY, Notice, Position
from sinks.clickhouse.marks import AFTER, BEFORE, TABLE
from sinks.clickhouse.settings import SinkSettings
from tests.chaos.broker_orders import set_topic
from tests.support.alerts import alert
from tests.support.notices import AT, notice_of
from tests.support.sink_runs import carry, database, die
from tests.support.sink_topics import Keyed, Topics, made_topics

NOTICES: Final = "peserta.notices.v1"
HANDLING: Final = "peserta.alert-handling.v1"
# The cleaner looks often, and every transaction begins a segment.
EAGER: Final = {"log.cleaner.backoff.ms": "100", "log.roll.ms": "1"}
# Tombstones go with the next cleaning. Kafka's own default keeps them for a day.
WITHOUT_TOMBSTONES: Final = {"cleanup.policy": "compact", "delete.retention.ms": "0", "min.cleanable.dirty.ratio": "0"}
CLEANED_LIMIT_S: Final = 60
LOOK_EVERY_S: Final = 0.2


@pytest.fixture(scope="module")
def eager() -> Iterator[Brokers]:
    """A broker that compacts at once."""
    with Stack(clickhouse=False, kafka_properties=EAGER) as running:
        yield running.kafka_address


@pytest.fixture
def settings(eager: Brokers, topic_prefix: str, clickhouse_url: str, clickhouse_database: str) -> SinkSettings:
    return SinkSettings(eager, clickhouse_url, clickhouse_database, topic_prefix, gather_ms=0)


@pytest.fixture
async def written(settings: SinkSettings) -> AsyncIterator[Topics]:
    async with made_topics(settings.kafka_address, settings.topic_prefix) as made:
        yield made


def told(company_id: str, attempts: int = 0, answer: str = "") -> Keyed:
    notice = replace(notice_of(alert(company_id)), attempts=attempts)
    ended = notice.ended(DELIVERED, answer, AT + attempts) if answer else notice
    return notice.notice_id.encode(), ended.encode()


def done(number: int, text: str | None = None) -> Keyed:
    action = Handling(f"h{number}", "C1/P1/1", "C1", NOTE if text else ACKNOWLEDGED, "Sri", AT + number, text=text)
    return action.handling_id.encode(), action.encode()


def deleted(record: Keyed) -> Keyed:
    return record[0], None


async def visible(settings: SinkSettings, topic: str) -> list[Keyed]:
    """The records that Kafka still gives to a committed reader."""
    tp = TopicPartition(settings.topic_prefix + topic, 0)
    reading = {"isolation_level": "read_committed", "enable_auto_commit": False}
    async with AIOKafkaConsumer(**client_options(settings.kafka_address), **reading) as consumer:
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        end = (await consumer.end_offsets([tp]))[tp]
        found: list[Keyed] = []
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(tp, timeout_ms=200)).values():
                found += [(record.key, record.value) for record in records]
    return found


async def compacted(settings: SinkSettings, written: Topics, topic: str, filler: Keyed, *gone: Keyed) -> None:
    """Write the filler until Kafka has removed all of these records: the cleaner only cleans what is not the last."""

    async def left() -> set[Keyed]:
        await written.write_keyed(topic, [filler])
        return {*gone} & {*await visible(settings, topic)}

    looks = AsyncRetrying(
        retry=retry_if_result(bool), wait=wait_fixed(LOOK_EVERY_S), stop=stop_after_delay(CLEANED_LIMIT_S)
    )
    await looks(left)


POSITION: Final[Keyed] = (POSITION_KEY, Position().encode())
WAITS, HAD = told("C1"), told("C1", 2, "200 OK")
DOOMED, OTHER = told("C2"), told("C3")


async def told_and_done(written: Topics) -> None:
    """What is there before the cleaner comes."""
    await written.write_keyed(NOTICES, [POSITION, WAITS, DOOMED])
    await written.write_keyed(NOTICES, [told("C1", 1), OTHER])
    await written.write_keyed(HANDLING, [done(1), done(2, "a slip of the pen")])
    await written.write_keyed(HANDLING, [done(3, "called HR")])


async def change(settings: SinkSettings, written: Topics) -> None:
    """Records that take the place of earlier ones, and the cleaner's work on those."""
    await written.write_keyed(NOTICES, [HAD, deleted(DOOMED)])
    await written.write_keyed(HANDLING, [deleted(done(2))])
    await compacted(settings, written, NOTICES, POSITION, WAITS, told("C1", 1), DOOMED)
    await compacted(settings, written, HANDLING, done(4), done(2, "a slip of the pen"))


async def shown(settings: SinkSettings) -> tuple[list[tuple[str, str]], list[str]]:
    """Notices with their last answer, and actions."""
    async with database(settings) as found:
        notices = await found.rows("SELECT company_id, last_answer FROM notices ORDER BY 1")
        actions = await found.rows("SELECT handling_id FROM alert_handling ORDER BY 1")
    return [(row["company_id"], row["last_answer"]) for row in notices], [row["handling_id"] for row in actions]


LIVING: Final = ([("C1", "200 OK"), ("C3", "")], ["h1", "h3", "h4"])


async def test_a_sink_goes_on_over_holes_and_forgets_what_was_deleted(settings: SinkSettings, written: Topics) -> None:
    await told_and_done(written)
    await carry(settings, written)
    assert await shown(settings) == ([("C1", ""), ("C2", ""), ("C3", "")], ["h1", "h2", "h3"])
    await change(settings, written)

    await carry(settings, written)

    assert await shown(settings) == LIVING
    async with database(settings) as found:
        await found.merge()
        words = await found.rows("SELECT * FROM handling_records")
    assert await shown(settings) == LIVING
    assert "slip of the pen" not in repr(words), "what was deleted is nowhere in ClickHouse after a merge"


KILLS: Final = [
    pytest.param(TABLE, BEFORE, "after", id="before the rows"),
    pytest.param("notice_records", "", "after", id="after the notices"),
    pytest.param("handling_records", "", "after", id="after the handling"),
    pytest.param(TABLE, AFTER, "before", id="after the rows"),
]


@pytest.mark.parametrize(("table", "stage", "when"), KILLS)
async def test_a_begun_range_that_was_compacted_meanwhile_is_finished(
    settings: SinkSettings, written: Topics, table: str, stage: str, when: str
) -> None:
    await told_and_done(written)
    await die(settings, table, stage, when)
    await change(settings, written)

    await carry(settings, written)

    assert await shown(settings) == LIVING


async def test_a_new_database_has_what_compaction_left(settings: SinkSettings, written: Topics) -> None:
    """Also when the tombstones are gone."""
    for topic in (NOTICES, HANDLING):
        name = settings.topic_prefix + topic
        await asyncio.to_thread(set_topic, settings.kafka_address, name, WITHOUT_TOMBSTONES)
    await told_and_done(written)
    await change(settings, written)
    await compacted(settings, written, NOTICES, POSITION, deleted(DOOMED))
    await compacted(settings, written, HANDLING, done(4), deleted(done(2)))
    last = [Notice.decode(value) for key, value in await visible(settings, NOTICES) if value and key != POSITION_KEY]
    assert {notice.company_id for notice in last} == {"C1", "C3"}

    await carry(settings, written)

    assert await shown(settings) == LIVING
