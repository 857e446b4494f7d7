"""One contract for the fact log and its fake. Also tests the log on a broker that dies and restarts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from deploy.embedded.stack import Stack
from peserta.intake import fact_log
from peserta.intake.fact_log import Busy, FactLog, KafkaFactLog, NotAcknowledged
from peserta.operations.kafka_reading import read_to_end
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.codec import InboundCodec
from schemas.fact_json import FactLine
from schemas.records import Coordinates, Fact
from tests.support.facts import FACTS_TOPIC, hire, noon, termination
from tests.support.held_fact_log import HeldFactLog

AT: Final = noon("2025-09-01")


def lines(first: int, count: int, company: str = "C1") -> list[FactLine]:
    return [
        FactLine(hire(f"e{n}", "2025-09-01", worker=f"w{n}", company=company), AT) for n in range(first, first + count)
    ]


async def in_topics(settings: Settings, *topics: str) -> dict[Coordinates, Fact]:
    codec = InboundCodec()
    return {
        Coordinates(record.topic, record.partition, record.offset): codec.decode(record.value)[0]
        async for record in read_to_end(settings.kafka, topics)
    }


Log = tuple[FactLog, Callable[[], "asyncio.Future[dict[Coordinates, Fact]]"]]


@asynccontextmanager
async def held(_settings: Settings) -> AsyncIterator[Log]:
    log = HeldFactLog()

    async def there() -> dict[Coordinates, Fact]:
        return {Coordinates(FACTS_TOPIC, 0, at): fact for at, fact in enumerate(log.sent)}

    yield log, lambda: asyncio.ensure_future(there())


@asynccontextmanager
async def on_kafka(settings: Settings) -> AsyncIterator[Log]:
    await make_topics(settings)
    log = KafkaFactLog(settings)
    yield log, lambda: asyncio.ensure_future(in_topics(settings, settings.topics.facts))
    await log.stop()


@pytest.fixture
def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    return read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=1, clock="replay", data_dir=tmp_path
    )


@pytest.mark.parametrize("opened", [held, on_kafka], ids=["the fake", "Kafka"])
async def test_what_is_acknowledged_is_there_where_it_is_said_to_be_in_the_order_of_a_call(
    opened: Callable[[Settings], "asyncio.Future[Log]"], settings: Settings
) -> None:
    async with opened(settings) as (log, there):  # type: ignore[attr-defined]
        assert list(await log.append([])) == []
        calls: list[Sequence[FactLine]] = [lines(n * 100, 100) for n in range(5)]
        places = await asyncio.gather(*map(log.append, calls))
        found = await there()
        for sent, at in zip(calls, places, strict=True):
            assert [found[place] for place in at] == [fact for fact, _ in sent]
            offsets = [place.offset for place in at]
            assert offsets == sorted(offsets)
        assert len(found) == 500


async def test_more_than_may_be_under_way_is_busy_and_nothing_of_it_is_sent(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_log, "UNDER_WAY_MAX", 10)
    async with on_kafka(settings) as (log, there):
        with pytest.raises(Busy):
            await log.append(lines(0, 11))
        await log.append(lines(20, 10))
        assert {fact.event_id for fact in (await there()).values()} == {f"e{n}" for n in range(20, 30)}


async def test_each_type_goes_to_the_first_topic_that_may_carry_it(settings: Settings) -> None:
    topics = "a:termination,b:hire+termination"
    settings = read_settings(
        kafka=settings.kafka, topic_prefix=settings.topic_prefix, partitions=1, inbound_topics=topics, clock="replay",
        data_dir=settings.data_dir,
    )  # fmt: skip
    async with on_kafka(settings) as (log, _):
        await log.append([FactLine(termination("e1", "2025-09-01"), AT), FactLine(hire("e2", "2025-09-01"), AT)])
        found = await in_topics(settings, *settings.stream_settings().inbound_names)
    assert {(at.topic, fact.event_id) for at, fact in found.items()} == {
        (f"{settings.topic_prefix}a", "e1"),
        (f"{settings.topic_prefix}b", "e2"),
    }


async def test_a_producer_is_renewed_before_its_sequence_numbers_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fact_log, "RECORDS_PER_PRODUCER_MAX", 25)
    async with on_kafka(settings) as (log, there):
        for n in range(10):
            await log.append(lines(n * 10, 10))
        assert len(await there()) == 100


def test_a_broker_that_dies_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log reports no acknowledgement while the broker is down, and continues after its restart."""
    monkeypatch.setattr(fact_log, "ACKNOWLEDGED_LIMIT_S", 2.0)
    monkeypatch.setattr(fact_log, "STOP_LIMIT_S", 2.0)

    async def story(stack: Stack) -> tuple[set[str], set[str]]:
        settings = read_settings(kafka=stack.kafka_address, partitions=2, clock="replay", data_dir=tmp_path)
        await make_topics(settings)
        log = KafkaFactLog(settings)
        acknowledged = {fact.event_id for fact, _ in lines(0, 100)}
        await log.append(lines(0, 100))
        await asyncio.to_thread(stack.kafka.kill)
        with pytest.raises(NotAcknowledged, match="0 of 100 facts"):
            await log.append(lines(100, 100))
        await asyncio.to_thread(stack.kafka.start)
        while True:
            try:
                await log.append(lines(100, 100))
                break
            except NotAcknowledged:
                continue
        await log.stop()
        acknowledged |= {fact.event_id for fact, _ in lines(100, 100)}
        return acknowledged, {fact.event_id for fact in (await in_topics(settings, settings.topics.facts)).values()}

    with Stack(tmp_path / "stack", clickhouse=False) as stack:
        acknowledged, found = asyncio.run(story(stack))
    assert found == acknowledged
