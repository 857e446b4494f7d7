"""The notifier on a real broker: a new generation of the book, a predecessor that is fenced, a stop under way.

The receivers are in memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest

from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.generation import CURRENT_KEY, Generation
from schemas.notices import DELIVERED, Message, Notice, Position, Taken
from schemas.records import Instant
from schemas.subscriptions import Subscription
from sinks.notices.faults import StoreLost
from sinks.notices.kafka.feed import KafkaFeed
from sinks.notices.kafka.store import KafkaStore
from sinks.notices.notifier import Notifier, wall_ms
from sinks.notices.retrying import Answer
from tests.simulation.notices import DIRECT, NoMetrics, compose
from tests.support.alerts import alert, resolved
from tests.support.notice_topics import raise_alerts, stored, subscribe, write

LIMIT_S: Final = 15.0
PARTITIONS: Final = 2


@dataclass
class Receiver:
    """Writes down what it gets; `holds` keeps it from answering."""

    got: list[str] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    holds: asyncio.Event | None = None

    resend_after_s: int | None = None
    sends_at_once: int = 8

    async def close(self) -> None: ...

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        async with self.changed:
            self.got.append(notice.notice_id)
            self.changed.notify_all()
        if self.holds is not None:
            await self.holds.wait()
        return Answer(True, "200 OK")

    async def wait_for(self, condition: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(LIMIT_S), self.changed:
            await self.changed.wait_for(lambda: condition(self.got))


@pytest.fixture
async def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    made = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=PARTITIONS, clock="replay", data_dir=tmp_path
    )
    await make_topics(made)
    await subscribe(made, DIRECT)
    return made


@asynccontextmanager
async def notifier(settings: Settings, receiver: Receiver) -> AsyncIterator[asyncio.Event]:
    """A notifier that runs until the end of the block; gives its stop."""
    stop = asyncio.Event()

    async def work(ends: asyncio.Event) -> None:
        store = KafkaStore(settings.kafka, settings.topics.notices, f"{settings.topic_prefix}notifier")
        feed = KafkaFeed(settings.kafka, settings.topics)
        try:
            await Notifier(store, feed, {"webhook": receiver}, compose, NoMetrics()).run(ends)
        finally:
            await feed.close()
            await store.close()

    running = asyncio.create_task(work(stop))
    try:
        yield stop
    finally:
        stop.set()
        await running


async def test_a_new_generation_sends_nothing_again_and_what_comes_after(settings: Settings) -> None:
    receiver = Receiver()
    await make_topics(settings.of_generation(2))
    async with notifier(settings, receiver):
        await raise_alerts(settings, alert("C1", offset=1))
        await receiver.wait_for(lambda got: len(got) == 1)
        await raise_alerts(settings, resolved("C1", offset=5))
        await receiver.wait_for(lambda got: len(got) == 2)
        # The new fold finds the same, one alert more in the past, and goes on.
        await raise_alerts(
            settings, alert("C1", offset=1), alert("C9", offset=2), resolved("C1", offset=5), generation=2
        )
        await raise_alerts(settings, alert("C1", 2, offset=7), generation=2)
        await write(settings, settings.topics.generations, [(CURRENT_KEY, Generation(2, wall_ms()).encode())])
        await receiver.wait_for(lambda got: len(got) == 3)
    assert receiver.got == ["direct/C1/P1/1/firing", "direct/C1/P1/1/resolved", "direct/C1/P1/2/firing"]
    _, position = await stored(settings)
    assert position is not None
    assert (position.generation, position.partitions[0]) == (2, Taken(4, 7, 5))


async def test_alerts_from_before_a_subscription_are_not_told(settings: Settings) -> None:
    receiver = Receiver()
    await raise_alerts(settings, alert("C1", offset=1))
    await subscribe(settings, replace(DIRECT, subscription_id="late", in_force_from=wall_ms() + 1))
    async with notifier(settings, receiver):
        await receiver.wait_for(lambda got: len(got) == 1)
        await raise_alerts(settings, resolved("C1", offset=3), alert("C1", 2, offset=4))
        await receiver.wait_for(lambda got: len(got) == 5)
    assert [one for one in receiver.got if one.startswith("late/")] == ["late/C1/P1/1/resolved", "late/C1/P1/2/firing"]


async def test_a_subscription_that_cannot_be_read_sends_nothing_and_is_named_in_the_log(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()
    await subscribe(settings, replace(DIRECT, subscription_id="other"))
    await write(settings, settings.topics.subscriptions, [(b"direct", b'{"secret words"')])
    async with notifier(settings, receiver):
        await raise_alerts(settings, alert("C1", offset=1))
        await receiver.wait_for(lambda got: len(got) == 1)
    assert receiver.got == ["other/C1/P1/1/firing"]
    (said,) = [one.getMessage() for one in caplog.records if one.name == "sinks.notices.kafka.tables"]
    assert f"{settings.topics.subscriptions}, partition 0, offset 2 cannot be read" in said
    assert "secret words" not in said


async def test_a_notifier_that_only_seems_to_lead_stores_nothing(settings: Settings) -> None:
    """It was suspended while another one took over."""
    zombie = KafkaStore(settings.kafka, settings.topics.notices, f"{settings.topic_prefix}notifier")
    await zombie.begin()
    receiver = Receiver()
    async with notifier(settings, receiver):
        await raise_alerts(settings, alert("C1", offset=1))
        await receiver.wait_for(lambda got: len(got) == 1)
        with pytest.raises(StoreLost, match="another notifier leads"):
            await zombie.commit([Notice("direct/x", "direct", "alert", DELIVERED, 1, 0)], None)
    await zombie.close()
    assert "direct/x" not in (await stored(settings))[0]


async def test_what_is_under_way_when_the_notifier_is_stopped_is_stored(settings: Settings) -> None:
    receiver = Receiver(holds=asyncio.Event())
    async with notifier(settings, receiver) as stop:
        await raise_alerts(settings, alert("C1", offset=1))
        await receiver.wait_for(lambda got: len(got) == 1)
        stop.set()
        assert receiver.holds is not None
        receiver.holds.set()
    notices, _ = await stored(settings)
    assert notices["direct/C1/P1/1/firing"].state == DELIVERED


async def test_a_long_text_and_many_notices_are_stored_and_read(settings: Settings) -> None:
    store = KafkaStore(settings.kafka, settings.topics.notices, f"{settings.topic_prefix}notifier")
    await store.begin()
    long = Notice(
        "direct/long", "direct", "alert", DELIVERED, 1, 0, message=Message("id", "digest", (), text="x" * 3_000_000)
    )
    many = [replace(long, notice_id=f"direct/{n}", seq=n, message=None) for n in range(2_000)]
    await store.commit([long, *many], Position(1, {0: Taken(5, 6)}))
    await store.close()
    notices, position = await stored(settings)
    assert notices == {one.notice_id: one for one in [long, *many]}
    assert position == Position(1, {0: Taken(5, 6)})


async def test_a_channel_says_how_many_attempts_may_be_under_way(settings: Settings) -> None:
    receiver = Receiver(holds=asyncio.Event(), sends_at_once=2)
    async with notifier(settings, receiver):
        await raise_alerts(settings, *(alert(f"C{number}", offset=number) for number in range(1, 6)))
        await receiver.wait_for(lambda got: len(got) == 2)
        await raise_alerts(settings, alert("C9", offset=9))
        assert len(receiver.got) == 2
        assert receiver.holds is not None
        receiver.holds.set()
        await receiver.wait_for(lambda got: len(got) == 6)
