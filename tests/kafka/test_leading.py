"""Several notifiers on a real broker: one leads at a time, and a hand-over repeats nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from sinks.notices.kafka.feed import KafkaFeed
from sinks.notices.kafka.leading import lead
from sinks.notices.kafka.store import KafkaStore
from sinks.notices.notifier import Notifier
from tests.kafka.test_notifier import Receiver
from tests.simulation.notices import DIRECT, NoMetrics, compose
from tests.support.alerts import alert
from tests.support.notice_topics import raise_alerts, subscribe

LIMIT_S: Final = 30.0
HAND_OVERS: Final = 4


@pytest.fixture
async def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    made = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=1, clock="replay", data_dir=tmp_path
    )
    await make_topics(made)
    await subscribe(made, DIRECT)
    return made


class Candidate:
    """A notifier that wants to lead."""

    def __init__(self, settings: Settings, receiver: Receiver, leads: "asyncio.Queue[Candidate]") -> None:
        self._settings, self._receiver, self._leads = settings, receiver, leads
        self._stop = asyncio.Event()
        self.stands_by = asyncio.Event()
        topics, group = settings.topics, f"{settings.topic_prefix}notifier"
        self._running = asyncio.create_task(
            lead(settings.kafka, group, topics.notices, self._work, self._stop, self.stands_by.set)
        )

    async def _work(self, ends: asyncio.Event) -> None:
        topics = self._settings.topics
        store = KafkaStore(self._settings.kafka, topics.notices, f"{self._settings.topic_prefix}notifier")
        feed = KafkaFeed(self._settings.kafka, topics)
        self._leads.put_nowait(self)
        try:
            await Notifier(store, feed, {"webhook": self._receiver}, compose, NoMetrics()).run(ends)
        finally:
            await feed.close()
            await store.close()

    async def end(self) -> None:
        self._stop.set()
        await self._running


@asynccontextmanager
async def candidates() -> AsyncIterator[list[Candidate]]:
    started: list[Candidate] = []
    try:
        yield started
    finally:
        await asyncio.gather(*(one.end() for one in started))


async def test_the_lead_passes_on_and_each_alert_is_told_once(settings: Settings) -> None:
    receiver, leads = Receiver(), asyncio.Queue[Candidate]()
    async with asyncio.timeout(LIMIT_S * HAND_OVERS), candidates() as members:
        members += [Candidate(settings, receiver, leads)]
        leader = await leads.get()
        for number in range(1, HAND_OVERS + 1):
            await raise_alerts(settings, alert("C1", number, offset=number))
            # A member that joins may be given the lead at once, in the middle of the work.
            members += [Candidate(settings, receiver, leads)]
            await receiver.wait_for(lambda got, number=number: len(got) == number)  # type: ignore[misc]
            members.remove(leader)
            await leader.end()
            while leader not in members or not leads.empty():
                leader = await leads.get()
    assert receiver.got == [f"direct/C1/P1/{number}/firing" for number in range(1, HAND_OVERS + 1)]


async def test_who_does_not_lead_stands_by(settings: Settings) -> None:
    receiver, leads = Receiver(), asyncio.Queue[Candidate]()
    async with asyncio.timeout(LIMIT_S), candidates() as members:
        members += [Candidate(settings, receiver, leads), Candidate(settings, receiver, leads)]
        await leads.get()
        waiting = [asyncio.create_task(one.stands_by.wait()) for one in members]
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for one in others:
            one.cancel()
    assert done
