"""The notifier dies at each of its awaits, and every alert still has exactly one fate for each subscription."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from schemas.notices import DELIVERED, Notice, Position, Taken
from schemas.subscriptions import FIRING, Subscription
from sinks.notices.notifier import Notifier
from sinks.notices.ports import CommittedAlert
from sinks.notices.retrying import Answer
from tests.simulation.notices import DIRECT, World, live, repeats, story, wrong
from tests.support.alerts import alert, resolved


def subscriptions(*forms: dict[str, Any]) -> dict[str, Subscription]:
    names = [f"s{number}" for number, _ in enumerate(forms)]
    return {name: replace(DIRECT, subscription_id=name, **form) for name, form in zip(names, forms, strict=True)}


def one_receiver() -> World:
    return World(subscriptions({}), {1: story()}, story())


def slow_to_come_up() -> World:
    return World(subscriptions({}, {}), {1: story()}, story(), refuses={"s0": 3})


def with_digest_and_reminders() -> World:
    return World(
        subscriptions({"digest": 8 * 60}, {"remind_after_days": 1}, {"statuses": (FIRING,)}), {1: story()}, story()
    )


def of_two_generations() -> World:
    """The second generation is current after three alerts of the first. It has them all again, one more, and one that
    its own rules find in the past that was told already."""
    more = [*story(), resolved("C1", 2, offset=9)]
    return World(subscriptions({}), {1: story(), 2: [more[0], alert("C3", offset=2), *more[1:]]}, more, switch_after=3)


WORLDS = [one_receiver, slow_to_come_up, with_digest_and_reminders, of_two_generations]


@pytest.mark.parametrize("world", WORLDS, ids=lambda made: made.__name__)
def test_a_kill_at_any_await_loses_nothing_and_repeats_at_most_what_was_under_way(world: Callable[[], World]) -> None:
    whole = world()
    awaits = asyncio.run(live(whole, None))
    assert wrong(whole) == []
    for dies_at in range(1, awaits + 1):
        killed = world()
        asyncio.run(live(killed, dies_at))
        asyncio.run(live(killed, None))
        assert wrong(killed) == [], f"killed at await {dies_at} of {awaits}"


@hypothesis_settings(max_examples=60)
@given(world=st.sampled_from(WORLDS), deaths=st.lists(st.integers(1, 60), max_size=6))
def test_many_kills(world: Callable[[], World], deaths: list[int]) -> None:
    killed = world()
    for dies_at in deaths:
        asyncio.run(live(killed, dies_at))
    asyncio.run(live(killed, None))
    assert wrong(killed) == []


def test_without_a_kill_nothing_is_repeated() -> None:
    for world in (one_receiver(), of_two_generations()):
        asyncio.run(live(world, None))
        assert (wrong(world), repeats(world)) == ([], 0)


# ---------------------------------------------------------------- broken variants


class OutcomeBeforeSending(Notifier):
    """Stores that a notice was delivered, and then sends it."""

    async def _attempt(self, subscription: Subscription, notice: Notice) -> None:
        await self._store.commit([notice.ended(DELIVERED, "200 OK", self._now())], None)
        await super()._attempt(subscription, notice)


class PositionWithoutNotices(Notifier):
    """Stores how far alerts were taken before it stores their notices."""

    async def _round(self, alerts: Sequence[CommittedAlert] | None) -> None:
        if alerts:
            taken = Taken(alerts[-1].offset + 1, alerts[-1].alert.journal_offset)
            await self._store.commit([], Position(self._position.generation, {0: taken}))
        await super()._round(alerts)


class OrderIgnored(Notifier):
    """Sends a resolved while its firing is still being tried."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._outbox._waits = lambda notice: False  # type: ignore[method-assign]
        self._desk._end = lambda notice, subscription, now: []  # type: ignore[method-assign]


class SwitchForgets(Notifier):
    """Takes all alerts of a new generation, also those of the past."""

    def _take_alerts(self, alerts: Sequence[CommittedAlert], *given: Any) -> Position | None:
        past = {number: replace(taken, skip_through=-1) for number, taken in self._position.partitions.items()}
        self._position = replace(self._position, partitions=past)
        return super()._take_alerts(alerts, *given)


class MessageMadeAnew(Notifier):
    """Sends what the text would be now, not what it was at the first attempt."""

    async def _send(self, subscription: Subscription, notice: Notice) -> Answer:
        assert notice.message is not None
        text = f"{notice.message.text}, attempt {notice.attempts + 1}"
        return await super()._send(subscription, replace(notice, message=replace(notice.message, text=text)))


@pytest.mark.parametrize(
    ("broken", "world"),
    [
        (OutcomeBeforeSending, one_receiver),
        (PositionWithoutNotices, one_receiver),
        (OrderIgnored, slow_to_come_up),
        (SwitchForgets, of_two_generations),
        (MessageMadeAnew, slow_to_come_up),
    ],
)
def test_a_broken_variant_is_found(broken: type[Notifier], world: Callable[[], World]) -> None:
    found: list[str] = []
    for dies_at in range(1, asyncio.run(live(world(), None)) + 1):
        killed = world()
        asyncio.run(live(killed, dies_at, broken))
        asyncio.run(live(killed, None, broken))
        found += wrong(killed)
        if found:
            return
    raise AssertionError(f"{broken.__name__} went unseen")
