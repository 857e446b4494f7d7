"""A book on the wall clock: dates begin by themselves, entries have the time of recording, and the recorder asks the
broker for its time."""

import asyncio
from pathlib import Path

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.operations.journal_files import Exported, entries_of
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.dates import day_text, jakarta_day
from schemas.records import Coordinates, Entry, FactEntry, Tick
from streams.broker_clock import BrokerClock
from streams.clock import now_ms
from streams.lane.stop import Refused
from streams.settings import TIMESTAMP_TYPE
from streams.wall_clock import ClocksApart, WallClock
from tests.support.installation import PARTITIONS, RestartingService
from tests.support.lane_topics import create

ARRIVAL_LIMIT_S = 120
ARRIVAL_LIMIT_S = 60
DECADES_MS = 26 * 365 * 86_400_000


async def journal(settings: Settings) -> list[tuple[Coordinates, Entry]]:
    return [found async for found in entries_of(settings.kafka, settings.topics.journal, Exported())]


def wait_for_entries(settings: Settings, count: int) -> list[tuple[Coordinates, Entry]]:
    @retry(retry=retry_if_result(lambda n: n < count), wait=wait_fixed(0.2), stop=stop_after_delay(ARRIVAL_LIMIT_S))
    def look() -> int:
        return len(asyncio.run(journal(settings)))

    look()
    return asyncio.run(journal(settings))


def test_the_date_begins_once_in_every_partition_and_facts_are_stamped(
    kafka_address: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=PARTITIONS, data_dir=tmp_path, clock="wall"
    )
    asyncio.run(make_topics(settings))
    before = now_ms()
    today = jakarta_day(before)
    line = (
        '{"type":"hire","event_id":"e1","company_id":"C1","worker_id":"w1","source":"hris","employment_type":"daily",'
        f'"effective_on":"{day_text(today)}","occurred_at":"2025-01-01T00:00:00Z"}}'
    )
    with RestartingService(settings, tmp_path / "logs") as service:
        service.start("recorder")
        publisher = Publisher(settings.kafka, settings.topics.facts, Door(now=now_ms, replay=False))
        asyncio.run(publisher.publish([(1, line.encode())], lambda number, what: None))
        entries = wait_for_entries(settings, PARTITIONS + 1)

        service.processes["recorder"].stop()
        again = RestartingService(settings.model_copy(update={"clock": "replay"}), tmp_path / "other-logs")
        with again:
            again.start("recorder")
            refused = again.processes["recorder"].wait(ARRIVAL_LIMIT_S)
            reason = again.processes["recorder"].log_tail()

    assert refused == 78
    assert "opened with clock: wall, for good, and this recorder was started with clock: replay" in reason
    assert "Set PESERTA_CLOCK=wall" in reason
    ticks = [(at.partition, entry.on) for at, entry in entries if isinstance(entry, Tick)]
    facts = [entry for _, entry in entries if isinstance(entry, FactEntry)]
    assert {partition for partition, _ in ticks} == set(range(PARTITIONS))
    assert {on for _, on in ticks} <= {today, today + 1}
    assert [before <= fact.recorded_at <= now_ms() for fact in facts] == [True]


async def test_the_broker_says_what_time_it_has(kafka_address: str, topic_prefix: str) -> None:
    topic = topic_prefix + "clock"
    await create(kafka_address, {topic: {TIMESTAMP_TYPE: "LogAppendTime"}}, 1)
    broker_clock = BrokerClock(kafka_address, topic)
    try:
        before = now_ms()
        assert before <= await broker_clock.time() <= now_ms()
        assert before <= await WallClock(now_ms, broker_clock.time).hold() <= now_ms()
        with pytest.raises(ClocksApart, match="hours apart"):
            await WallClock(lambda: now_ms() + DECADES_MS, broker_clock.time).hold()
    finally:
        await broker_clock.stop()


async def test_a_topic_that_the_sender_stamps_says_nothing_of_the_brokers_clock(
    kafka_address: str, topic_prefix: str
) -> None:
    topic = topic_prefix + "clock"
    await create(kafka_address, {topic: {TIMESTAMP_TYPE: "CreateTime"}}, 1)
    broker_clock = BrokerClock(kafka_address, topic)
    try:
        with pytest.raises(Refused, match=TIMESTAMP_TYPE):
            await broker_clock.time()
    finally:
        await broker_clock.stop()
