"""Subscriptions, handling and orders by hand on a real broker."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from peserta.operations.failure import NotAsAsked, Rejected, Unavailable
from peserta.operations.handling import handle, handling_if_any, read_handling
from peserta.operations.notices import Wanted, order, read_notices, wait_until_taken
from peserta.operations.record_writing import write_records
from peserta.operations.subscriptions import (
    apply_subscriptions,
    current_subscriptions,
    end_subscription,
    plan_subscriptions,
)
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.codec import OutputCodec
from schemas.handling import ACKNOWLEDGED, ASSIGNED, NOTE
from schemas.notices import ALERT, GIVE_UP, GIVEN_UP, PENDING, POSITION_KEY, RETRY, Notice, Position
from schemas.records import Alert, Scope
from schemas.subscriptions import RESOLVED, Subscription
from tests.support.alerts import alert
from tests.support.told import peserta, surroundings

FIRED = alert("C1")
HR = Subscription("hr", "email", ("hr@pt.example",), 20_000)


@pytest.fixture
def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    found = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=1, data_dir=tmp_path, clock="replay"
    )
    asyncio.run(make_topics(found))
    return found


def write_alerts(settings: Settings, *alerts: Alert) -> None:
    records = [(each.company_id, OutputCodec().encode_alert(each)) for each in alerts]
    asyncio.run(write_records(settings, settings.topics.alerts, records))


def test_a_subscription_is_applied_changed_and_ended(settings: Settings) -> None:
    async def apply(wanted: Subscription, now: int) -> tuple[str, ...]:
        plan = await plan_subscriptions(settings, [wanted], now)
        await apply_subscriptions(settings, plan)
        return (*(one.kind for one in plan.applied), *plan.doubts)

    in_batam = replace(HR, scope=Scope(regencies=("Batam",)), policy_ids=("floor",))
    assert asyncio.run(apply(HR, 10)) == ("new",)
    assert asyncio.run(apply(HR, 20)) == ("unchanged",)
    assert asyncio.run(apply(in_batam, 30)) == (
        "changed",
        "hr: policy_ids: there is no policy floor",
        "hr: no company is registered yet, so its scope cannot be checked",
    )
    asyncio.run(end_subscription(settings, "hr", 40))
    assert asyncio.run(current_subscriptions(settings)) == {
        "hr": replace(in_batam, applied_at=30, in_force_from=10, ended_at=40)
    }
    with pytest.raises(Rejected, match="has ended already"):
        asyncio.run(end_subscription(settings, "hr", 50))
    with pytest.raises(Rejected, match="There is no subscription nobody"):
        asyncio.run(end_subscription(settings, "nobody", 50))
    many = [replace(HR, subscription_id=f"s{number}") for number in range(201)]
    with pytest.raises(Rejected, match="201 subscriptions in force, and 200 is the most"):
        asyncio.run(plan_subscriptions(settings, many, 60))


def test_a_webhook_to_a_host_that_the_operator_allows_is_applied(settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "hooks.yaml"
    file.write_text(
        "- subscription_id: hook\n  channel: webhook\n  to: http://hooks.internal:8080/in\n"
        "  effective_from: 2025-01-01\n",
        encoding="utf-8",
    )
    environment = surroundings() | settings.environment()
    said = peserta(environment, "subscriptions", "apply", str(file), code=2)
    assert "PESERTA_NOTICE_ALLOWED_HOSTS" in said
    peserta(environment | {"PESERTA_NOTICE_ALLOWED_HOSTS": "hooks.internal:8080"}, "subscriptions", "apply", str(file))
    assert [*asyncio.run(current_subscriptions(settings))] == ["hook"]


def test_what_several_people_do_at_once_all_stays(settings: Settings) -> None:
    write_alerts(settings, FIRED)

    async def note(number: int) -> None:
        await handle(
            settings, FIRED.alert_id, NOTE, handling_id=f"h{number}", by=f"p{number}", at=number, text=f"t{number}"
        )

    async def all_at_once() -> None:
        await asyncio.gather(*(note(number) for number in range(6)))
        await handle(settings, FIRED.alert_id, ACKNOWLEDGED, handling_id="a", by="Sri", at=9)
        await handle(settings, FIRED.alert_id, ASSIGNED, handling_id="b", by="Sri", at=10, to="Budi")

    asyncio.run(all_at_once())
    found = asyncio.run(read_handling(settings))[FIRED.alert_id]
    assert (found.acknowledged_by, found.acknowledged_at, found.assigned_to) == ("Sri", 9, "Budi")
    assert {note.text for note in found.notes} == {f"t{number}" for number in range(6)}


def test_handling_ends_with_the_episode_and_takes_no_numbers_of_people(settings: Settings) -> None:
    write_alerts(settings, FIRED, alert("C2"), alert("C2", status=RESOLVED, offset=1))

    def said(alert_id: str, text: str, by: str = "Sri") -> str:
        with pytest.raises((NotAsAsked, Rejected)) as raised:
            asyncio.run(handle(settings, alert_id, NOTE, handling_id="h", by=by, at=1, text=text))
        return str(raised.value)

    assert "There is no alert C9/P1/1" in said("C9/P1/1", "x")
    assert "is resolved: handling ends with the episode" in said("C2/P1/1", "x")
    assert "text must have 1 to 2000" in said(FIRED.alert_id, "x" * 2_001)
    assert "by must be a name" in said(FIRED.alert_id, "x", by="x" * 65)
    for number in ("3201234567890123", "3201 2345 6789 0123", "12345678901"):
        words = said(FIRED.alert_id, f"she is {number}.")
        assert "the number of a person" in words
        assert number not in words
    assert asyncio.run(read_handling(settings)) == {}


def test_an_order_is_taken_or_it_is_said_that_it_was_not(settings: Settings) -> None:
    waiting = Notice("hr/C1/P1/1/firing", "hr", ALERT, PENDING, 2, 0, "C1/P1/1", "C1", "firing")
    ended = replace(waiting, notice_id="hr/C2/P1/1/firing", company_id="C2", state=GIVEN_UP, seq=1)
    records = [(one.notice_id, one.encode()) for one in (waiting, ended)]
    records.append((POSITION_KEY.decode(), Position().encode()))
    asyncio.run(write_records(settings, settings.topics.notices, records))

    async def taken() -> Notice | None:
        asked = await order(settings, waiting.notice_id, GIVE_UP, by="Sri", at=5)
        assert await wait_until_taken(settings, asked, 0) is None
        after = replace(waiting, state=GIVEN_UP, ordered_at=5)
        await write_records(settings, settings.topics.notices, [(after.notice_id, after.encode())])
        return await wait_until_taken(settings, asked, 0)

    found = asyncio.run(taken())
    assert found is not None
    assert found.state == GIVEN_UP
    assert [one.notice_id for one in asyncio.run(read_notices(settings))] == [ended.notice_id, waiting.notice_id]
    assert asyncio.run(read_notices(settings, Wanted(company_id="C2", state=GIVEN_UP))) == [ended]
    assert asyncio.run(read_notices(settings, Wanted(subscription_id="other"))) == []
    assert asyncio.run(order(settings, waiting.notice_id, RETRY, by="Sri", at=5)).at == 6
    for notice_id, words in ((ended.notice_id, "nothing is left to do"), ("x", "There is no notice x")):
        with pytest.raises(NotAsAsked, match=words):
            asyncio.run(order(settings, notice_id, GIVE_UP, by="Sri", at=7))


def test_a_book_without_these_topics_says_how_they_are_made(kafka_address: str, topic_prefix: str) -> None:
    settings = read_settings(kafka=kafka_address, topic_prefix=topic_prefix)
    assert asyncio.run(handling_if_any(settings)) == {}
    readings: list[Coroutine[Any, Any, Any]] = [
        current_subscriptions(settings), read_handling(settings), read_notices(settings)
    ]  # fmt: skip
    for reading in readings:
        with pytest.raises(Unavailable, match="`peserta topics create` makes it"):
            asyncio.run(reading)
