"""Gathering: how long each fetch waits, and that aiokafka sends the next fetch with that wait."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.consumer.fetcher import Fetcher  # type: ignore[import-untyped]
from aiokafka.consumer.subscription_state import SubscriptionState  # type: ignore[import-untyped]

from schemas.kafka.client import client_options
from schemas.kafka.gathering import Gathering, Spacing, Wait, gather

LANE = Gathering(500, 80, 4_096)
SINK = Gathering(250, 1_000, 1 << 20, 250, first_waits=True)
NOT = Gathering(70, 0, 4_096)
PATIENT = Gathering(500, 60_000, 4_096)  # what a busy machine takes between two fetches is little beside it

# gathering, whether records come close together, whether some are untaken -> the wait
WAITS: dict[str, tuple[Gathering, bool, bool, Wait]] = {
    "not close: the next record is read at once": (LANE, False, False, Wait(1, 500)),
    "close: more are waited for": (LANE, True, False, Wait(4_096, 80)),
    "some are untaken: soon back for their partitions": (LANE, True, True, Wait(1, 100)),
    "the first record waits too": (SINK, False, False, Wait(1 << 20, 1_000)),
    "and so do the others": (SINK, True, False, Wait(1 << 20, 1_000)),
    "unless some are untaken": (SINK, False, True, Wait(1, 250)),
    "without gathering, not close": (NOT, False, False, Wait(1, 70)),
    "without gathering, close": (NOT, True, False, Wait(1, 70)),
    "without gathering, some are untaken": (NOT, False, True, Wait(1, 70)),
}


@pytest.mark.parametrize(("gathering", "close", "untaken", "wait"), WAITS.values(), ids=WAITS)
def test_how_long_a_fetch_waits(gathering: Gathering, close: bool, untaken: bool, wait: Wait) -> None:
    assert gathering.next(close=close, untaken=untaken) == wait


# Milliseconds at which a fetch returned, from how many partitions it brought records -> whether they come close
SPACINGS: dict[str, list[tuple[int, int, bool]]] = {
    "the first is alone": [(0, 1, False)],
    "the next comes soon": [(0, 1, False), (79, 1, True)],
    "the next comes late": [(0, 1, False), (81, 1, False), (162, 1, False)],
    "several at once": [(0, 2, True)],
    "each wait for more brings some": [(0, 1, False), (10, 1, True), (91, 1, True), (300, 1, True)],
    "a wait for more brings none": [(0, 1, False), (10, 1, True), (90, 0, False), (91, 1, False)],
    "nothing comes": [(0, 0, False), (500, 0, False)],
    "nothing in between": [(0, 1, False), (50, 0, False), (79, 1, True)],
}


@pytest.mark.parametrize("returned", SPACINGS.values(), ids=SPACINGS)
def test_whether_records_come_close_together(returned: list[tuple[int, int, bool]]) -> None:
    spacing = Spacing(LANE.gather_ms)
    for at_ms, partitions, close in returned:
        spacing.saw(partitions, 1_000 + at_ms / 1_000)
        assert spacing.close == close, at_ms


READ, NOT_READ = [TopicPartition("read", 0), TopicPartition("read", 1)], TopicPartition("changelog", 0)


async def test_each_fetch_is_sent_with_the_wait_that_follows_from_the_one_before() -> None:
    consumer = AIOKafkaConsumer(**client_options("127.0.0.1:9"), fetch_max_wait_ms=7)
    fetcher = consumer._fetcher = Fetcher(consumer._client, SubscriptionState(), fetch_max_wait_ms=7)
    seen: list[Wait] = []
    fetcher._get_actions_per_node = lambda _: seen.append(Wait(fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms))

    async def fetch(*partitions: TopicPartition) -> bool:
        fetcher._records.update(dict.fromkeys(partitions))
        return bool(partitions)

    fetcher._proc_fetch_request = fetch
    gather(consumer, PATIENT, is_read=lambda tp: tp in READ)
    returned: list[tuple[list[TopicPartition], bool]] = [  # with records of these partitions, taken before the next
        ([], True),
        ([READ[0]], True),
        ([READ[0]], True),
        ([READ[0]], False),
        ([], False),
        ([NOT_READ], True),
        ([READ[0], NOT_READ], True),
    ]
    for partitions, taken in returned:
        await fetcher._proc_fetch_request(*partitions)
        if taken:
            fetcher._records = dict.fromkeys(tp for tp in fetcher._records if tp == NOT_READ)
        fetcher._get_actions_per_node(None)
    assert seen == [
        Wait(1, 500),
        Wait(1, 500),
        Wait(4_096, 60_000),
        Wait(1, 100),
        Wait(1, 100),
        Wait(1, 500),
        Wait(4_096, 60_000),
    ]
    fetcher._records = {}
    await fetcher.close()
    await consumer.stop()
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
