"""HTTP publishers against the real HTTP door: accepted and refused facts, repeated requests, and giving up."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Final

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.api.limits import Limits
from peserta.operations.fact_reading import FactFate, FactRecord, Reach
from peserta.operations.failure import Unavailable as DoorUnavailable
from peserta_client import (
    AsyncPublisher,
    Fact,
    FactsRefused,
    Place,
    Published,
    Publisher,
    PublishingFailed,
    Rejected,
    RetryPolicy,
    Unavailable,
    read_fact,
)
from peserta_client.publishing import BATCH_FACTS_MAX, WHOLE_FACTS_MAX, batches
from peserta_client.retrying import retry_after_s
from schemas.fact_json import line_of
from schemas.records import Coordinates
from tests.support.door_transport import BlockingDoor, LosingAnswers
from tests.support.facts import hire, noon
from tests.support.held_fact_log import HeldFactLog
from tests.support.http_door import HttpDoor
from tests.support.journals import deterministic

NOW: Final = datetime(2025, 9, 1, tzinfo=timezone.utc)  # noqa: UP017
GAVE_UP: Final = RetryPolicy(attempts=3)


def facts(number: int, company: str = "C1") -> list[Fact]:
    return [read_fact(line_of(hire(f"e{index}", "2025-09-01", company=company))) for index in range(number)]


class Clock:
    """Pauses that end at once. `then` runs in each pause."""

    def __init__(self, then: Callable[[float], object] = lambda _: None) -> None:
        self.pauses: list[float] = []
        self._then = then

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._then(seconds)


def publisher(door: HttpDoor, clock: Clock | None = None, *, key: str = "", lost: int = 0) -> AsyncPublisher:
    asgi = httpx2.ASGITransport(door.app, raise_app_exceptions=False)
    transport = LosingAnswers(asgi, [httpx2.ReadTimeout("late"), httpx2.ReadError("cut")][:lost])
    pause = (clock or Clock()).pause
    return AsyncPublisher("http://door", key or door.secret, transport=transport, pause=pause, retry=GAVE_UP)


def event_ids(door: HttpDoor) -> list[str]:
    return [fact.event_id for fact in door.log.sent]


async def test_facts_are_accepted_in_batches_and_in_order() -> None:
    door, sent = HttpDoor(), facts(2 * BATCH_FACTS_MAX + 1)
    async with publisher(door) as one:
        assert (await one.publish(iter(sent))).raise_for_refused() == Published(len(sent))
    assert (event_ids(door), door.log.calls) == ([fact.event_id for fact in sent], 3)


def test_a_publisher_that_blocks_does_the_same() -> None:
    door, sent = HttpDoor(HeldFactLog(busy=True)), facts(3)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        door.log.busy = False

    with Publisher("http://door", door.secret, transport=BlockingDoor(door.app), pause=pause) as one:
        assert one.publish(sent) == Published(3)
        assert one.publish([]) == Published()
    assert (event_ids(door), len(pauses)) == (["e0", "e1", "e2"], 1)


async def test_each_refused_fact_is_returned_with_its_reason() -> None:
    door = HttpDoor()
    secret = door.keys.add(companies=("C1",))
    door.pass_s(0)
    sent = [*facts(BATCH_FACTS_MAX + 2), *facts(1, company="C2"), *facts(1)]
    async with publisher(door, key=secret) as one:
        published = await one.publish(sent)
    assert published.accepted == len(sent) - 1
    assert [(one.fact, one.reason, one.field) for one in published.refused] == [(sent[-2], "not_allowed", "company_id")]
    with pytest.raises(FactsRefused, match=r"^1 facts were refused and 1003 accepted\. not_allowed: ") as caught:
        published.raise_for_refused()
    assert caught.value.published is published and "w1" not in str(caught.value)


@pytest.mark.parametrize("state", ["busy", "silent"])
async def test_facts_are_sent_again_until_kafka_has_acknowledged_them(state: str) -> None:
    door, sent = HttpDoor(), facts(10)
    setattr(door.log, state, True)
    clock = Clock(lambda _: setattr(door.log, state, False))
    async with publisher(door, clock) as one:
        assert await one.publish(sent) == Published(10)
    assert len(clock.pauses) == 1 and clock.pauses[0] >= {"busy": 1, "silent": 5}[state]
    assert list(dict.fromkeys(event_ids(door))) == [fact.event_id for fact in sent]


async def test_facts_whose_answer_was_lost_are_sent_again_with_the_same_ids() -> None:
    door, sent = HttpDoor(), facts(3)
    async with publisher(door, lost=2) as one:
        assert await one.publish(sent) == Published(3)
    assert event_ids(door) == ["e0", "e1", "e2"] * 3
    assert len(set(door.log.sent)) == 3


async def test_the_door_is_given_the_time_it_asks_for() -> None:
    door = HttpDoor(limits=Limits(requests_per_minute=1))
    clock = Clock(door.pass_s)
    async with publisher(door, clock) as one:
        assert await one.publish(facts(BATCH_FACTS_MAX + 1)) == Published(BATCH_FACTS_MAX + 1)
    assert len(clock.pauses) == 1 and clock.pauses[0] > 1


async def test_a_door_that_does_not_recover_is_given_up_and_what_was_accepted_is_known() -> None:
    door = HttpDoor(limits=Limits(requests_per_minute=1))
    clock = Clock()
    async with publisher(door, clock) as one:
        with pytest.raises(Unavailable, match=r"^The door answered 429, 3 times\.") as caught:
            await one.publish(facts(BATCH_FACTS_MAX + 1))
    assert (caught.value.published, len(clock.pauses)) == (Published(BATCH_FACTS_MAX), 2)


async def test_a_key_that_is_not_known_is_not_tried_again() -> None:
    door, clock = HttpDoor(), Clock()
    async with publisher(door, clock, key="psrt_wrong") as one:
        with pytest.raises(Rejected, match=r"^The door answered 401: A valid key is needed\. ") as caught:
            await one.publish(facts(1))
    assert (caught.value.status, clock.pauses) == (401, [])
    assert "wrong" not in f"{caught.value!r} {one!r}"


# ---------------------------------------------------------------- all or nothing, and the fate of a fact


async def test_with_all_or_nothing_one_refused_fact_holds_back_the_others() -> None:
    door = HttpDoor()
    secret = door.keys.add(companies=("C1",))
    door.pass_s(0)
    sent = [*facts(2), *facts(1, company="C2"), *facts(BATCH_FACTS_MAX)]
    async with publisher(door, key=secret) as one:
        refused = await one.publish(iter(sent), all_or_nothing=True)
        assert (event_ids(door), refused.accepted) == ([], 0)
        assert [(each.fact, each.reason) for each in refused.refused] == [(sent[2], "not_allowed")]
        assert await one.publish([*sent[:2], *sent[3:]], all_or_nothing=True) == Published(len(sent) - 1)
        assert await one.publish([], all_or_nothing=True) == Published()
    assert (len(event_ids(door)), door.log.calls) == (len(sent) - 1, 1)


async def test_all_or_nothing_facts_that_are_too_many_for_one_request_are_not_sent() -> None:
    door = HttpDoor()
    async with publisher(door) as one:
        with pytest.raises(ValueError, match="10000 facts"):
            await one.publish(facts(WHOLE_FACTS_MAX + 1), all_or_nothing=True)
    assert door.log.calls == 0


def test_a_blocking_publisher_knows_all_or_nothing_and_fates_too() -> None:
    door = HttpDoor()
    secret = door.keys.add(companies=("C1",))
    door.pass_s(0)
    with Publisher("http://door", secret, transport=BlockingDoor(door.app)) as one:
        assert one.publish([*facts(1), *facts(1, company="C2")], all_or_nothing=True).accepted == 0
        assert one.fate("C1", "e0").state == "unknown"
        with pytest.raises(Rejected, match="403"):
            one.fate("C2", "e0")
    assert (door.log.sent, door.fates.asked) == ([], [("C1", "e0")])


FATE: Final = FactFate(
    "applied",
    (
        FactRecord("applied", "hire", noon("2025-09-01"), Coordinates("f", 0, 1), Coordinates("j", 2, 3)),
        FactRecord("dead_letter:key_mismatch", None, noon("2025-09-02"), Coordinates("f", 0, 4), None),
    ),
    True,
    Reach(2, 7, 5, 9),
)


@pytest.mark.parametrize("company", ["C1", "a/b", "a b%2F?c#d", "..", "é"])
async def test_the_fate_of_a_fact_is_what_the_door_says(company: str) -> None:
    door = HttpDoor()
    door.fates.answer = FATE
    async with publisher(door) as one:
        if " " in company:
            with pytest.raises(Rejected, match="without white space"):
                await one.fate(company, "e0")
            return
        fate = await one.fate(company, "e0")
    assert door.fates.asked == [(company, "e0")]
    assert (fate.state, fate.is_settled, fate.more) == ("applied", True, True)
    assert (fate.partition, fate.read_to, fate.judged_to) == (2, 7, 5)
    first, second = fate.records
    assert (first.came_from, first.journal) == (Place("f", 0, 1), Place("j", 2, 3))
    assert first.recorded_at.timestamp() * 1000 == noon("2025-09-01")
    assert (second.state, second.type, second.journal) == ("dead_letter:key_mismatch", None, None)


async def test_a_fate_is_asked_for_again_until_the_door_answers() -> None:
    door = HttpDoor()
    door.fates.failure = DoorUnavailable("down")
    clock = Clock(lambda _: setattr(door.fates, "failure", None))
    async with publisher(door, clock) as one:
        fate = await one.fate("C1", "e0")
    assert (fate.state, fate.is_settled, fate.judged_to, len(clock.pauses)) == ("unknown", False, None, 1)


# ---------------------------------------------------------------- answers that are not the door's

ANSWERS: Final = {
    "a page": "<html>Sign in</html>",
    "an array": "[]",
    "fewer facts": '{"accepted":1,"refused":[]}',
    "a truth in place of a number": '{"accepted":true,"refused":[]}',
    "a line that was not sent": '{"accepted":1,"refused":[{"line":3,"reason":"a","field":null,"message":"b"}]}',
    "a line before the first": '{"accepted":1,"refused":[{"line":0,"reason":"a","field":null,"message":"b"}]}',
}


@pytest.mark.parametrize("text", ANSWERS.values(), ids=list(ANSWERS))
async def test_an_answer_of_something_else_accepts_nothing(text: str) -> None:
    async def application(scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": text.encode()})  # type: ignore[misc]

    transport = httpx2.ASGITransport(application)
    async with AsyncPublisher("http://door", "k", transport=transport) as one:
        with pytest.raises(PublishingFailed, match="does not say what became of every fact") as caught:
            await one.publish(facts(2))
        with pytest.raises(PublishingFailed, match="is not one of Peserta's door"):
            await one.fate("C1", "e0")
    assert caught.value.published == Published()


@pytest.mark.parametrize(
    "text", ["[]", '{"type":"about:blank"}', '{"type":"urn:peserta:problem:refused","refused":[]}']
)
async def test_a_422_that_refuses_no_fact_accepts_nothing_and_is_an_error(text: str) -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(422, text=text))
    async with AsyncPublisher("http://door", "k", transport=transport) as one:
        with pytest.raises(PublishingFailed) as caught:
            await one.publish(facts(2), all_or_nothing=True)
    assert caught.value.published == Published()


# ---------------------------------------------------------------- the policy, and batches


@deterministic
@given(st.integers(1, 5_000), st.floats(0, 1, exclude_max=True), st.none() | st.floats(0, 120))
def test_a_delay_has_limits_and_is_never_shorter_than_asked_for(
    attempt: int, chance: float, asked: float | None
) -> None:
    policy = RetryPolicy()
    delay = policy.delay_s(attempt, chance, asked)
    assert delay >= (asked or 0)
    assert policy.first_s / 2 <= delay <= max(policy.longest_s, (asked or 0) + policy.first_s)
    assert policy.delay_s(attempt, 0, None) == min(policy.longest_s, policy.first_s * 2.0 ** min(attempt - 1, 99))
    assert policy.delay_s(attempt, 0.9, None) < policy.delay_s(attempt, 0.1, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=9), usegmt=True), 9.0),
        (format_datetime(NOW - timedelta(seconds=9), usegmt=True), 0.0),
        ("soon", None),
        ("-1", None),
        ("٧", None),
        ("Mon, 01 Sep 2025 00:00:00 -0000", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_a_door_that_asks_for_too_long_is_given_up_at_once() -> None:
    answer = httpx2.Response(503, headers={"Retry-After": "3600"})
    with pytest.raises(Unavailable, match="again in 3600 s"):
        RetryPolicy().next_s(1, answer, 0.5, NOW)


def test_batches_have_all_facts_in_order_and_only_what_is_sent_is_taken() -> None:
    taken: list[Fact] = []

    def source() -> Iterator[Fact]:
        for fact in facts(7):
            taken.append(fact)
            yield fact

    made = batches(source(), 3)
    first, body = next(made)
    assert len(taken) == 4  # one fact that did not fit, and no more
    assert [json.loads(line)["event_id"] for line in body.splitlines()] == [fact.event_id for fact in first]
    assert [len(batch) for batch, _ in made] == [3, 1]


def test_only_facts_are_sent() -> None:
    with pytest.raises(TypeError):
        list(batches(["{}"]))  # type: ignore[list-item]
