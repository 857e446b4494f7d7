"""The notifier as a process on a real broker, with real receivers: killed, slow beside quick, by mail."""

import asyncio
import email
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from peserta.operations.service import NOTIFIER
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.notices import DELIVERED, PENDING, SUPERSEDED, Notice
from schemas.records import Alert
from schemas.subscriptions import RESOLVED, Subscription
from tests.support.alerts import alert, resolved
from tests.support.installation import RestartingService
from tests.support.mail_server import mail_server
from tests.support.notice_topics import raise_alerts, stored, subscribe, write
from tests.support.receivers import Receiver, hanging, receiving
from tests.support.waiting import wait_until

COMPANIES: Final = 120
STANDING: Final = {f"C{number}" for number in range(0, COMPANIES, 2)}  # their alerts do not end
BEFORE_KILL: Final = 40
MANY: Final = 1_000
MAILED: Final = 20
LARGE_GAP: Final = 9
LIMIT_S: Final = 120.0
AT: Final = 1_760_000_000_000


@dataclass
class Hearing:
    """What a receiver heard, in order, and every content that came under one id."""

    enough: int
    heard: list[str] = field(default_factory=list)
    contents: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict(set))
    has_enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: web.Request) -> web.Response:
        notice_id = request.headers["webhook-id"]
        self.heard.append(notice_id)
        self.contents[notice_id].add(await request.read())
        if len(self.heard) >= self.enough:
            self.has_enough.set()
        return web.Response()


@pytest.fixture
async def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    made = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=2, clock="replay", data_dir=tmp_path
    )
    await make_topics(made)
    return made


def to(receiver: Receiver, subscription_id: str) -> Subscription:
    return Subscription(subscription_id, "webhook", (receiver.url,), effective_from=0)


def allowing(settings: Settings, *receivers: Receiver) -> Settings:
    return settings.model_copy(update={"notice_allowed_hosts": tuple(one.host for one in receivers)})


def story() -> list[Alert]:
    """An alert for each company; it ends unless it is one of those that stand."""
    alerts = []
    for number in range(COMPANIES):
        alerts.append(alert(f"C{number}", offset=2 * number, at=AT))
        if f"C{number}" not in STANDING:
            alerts.append(resolved(f"C{number}", offset=2 * number + 1, at=AT))
    return alerts


def ids(subscription_id: str, alerts: Sequence[Alert]) -> set[str]:
    return {f"{subscription_id}/{one.alert_id}/{one.status}" for one in alerts}


async def ended(settings: Settings, subscription_id: str, count: int) -> dict[str, Notice]:
    """The notices of this subscription, once so many have ended."""
    found: dict[str, Notice] = {}

    def look() -> bool:
        notices, _ = asyncio.run(stored(settings))
        found.update((name, one) for name, one in notices.items() if one.subscription_id == subscription_id)
        return sum(one.has_ended for one in found.values()) >= count

    await asyncio.to_thread(wait_until, look, LIMIT_S)
    return found


def leads(service: RestartingService, role: str) -> bool:
    """Whether this notifier sends."""
    return "leads: sends notices" in service.processes[role].log_tail(1)


async def test_after_a_kill_every_alert_has_one_fate_and_each_notice_one_content(
    settings: Settings, tmp_path: Path
) -> None:
    hearing, alerts = Hearing(BEFORE_KILL), story()
    async with receiving(hearing) as receiver:
        settings = allowing(settings, receiver)
        await subscribe(settings, to(receiver, "hook"))
        with RestartingService(settings, tmp_path / "logs") as service:
            service.start(NOTIFIER)
            await asyncio.to_thread(wait_until, lambda: leads(service, NOTIFIER))
            await raise_alerts(settings, *alerts)
            async with asyncio.timeout(LIMIT_S):
                await hearing.has_enough.wait()
            service.kill(NOTIFIER)
            await asyncio.to_thread(service.processes[NOTIFIER].wait, LIMIT_S)
            service.check()
            notices = await ended(settings, "hook", len(alerts))
    assert set(notices) == ids("hook", alerts)
    delivered = {name for name, one in notices.items() if one.state == DELIVERED}
    # Of an episode that was over before its beginning could be told, the end alone is told.
    assert {one.state for name, one in notices.items() if name not in delivered} <= {SUPERSEDED}
    assert delivered <= set(hearing.heard)
    assert delivered >= ids("hook", [one for one in alerts if one.status == RESOLVED or one.company_id in STANDING])
    assert [name for name, contents in hearing.contents.items() if len(contents) > 1] == []
    assert [one for one in alerts if one.status == RESOLVED and not _in_order(hearing.heard, one)] == []


def _in_order(heard: Sequence[str], end: Alert) -> bool:
    """Whether the first word of the end came after the last one of the firing."""
    firing, over = f"hook/{end.alert_id}/firing", f"hook/{end.alert_id}/resolved"
    return firing not in heard[heard.index(over) :]


async def test_a_receiver_that_hangs_holds_up_nobody_else(settings: Settings, tmp_path: Path) -> None:
    hearing = Hearing(MANY)
    alerts = [alert(f"C{n}", offset=n, at=AT, gap_people=LARGE_GAP if n < MAILED else 1) for n in range(MANY)]
    async with receiving(hearing) as quick, receiving(hanging) as slow, mail_server() as mail:
        settings = allowing(settings, quick, slow).model_copy(
            update={
                "mail_host": "127.0.0.1",
                "mail_port": mail.port,
                "mail_tls": "none",
                "mail_sender": "peserta@example.org",
            }
        )
        await subscribe(settings, to(quick, "quick"))
        await subscribe(settings, to(slow, "slow"))
        people = Subscription("people", "email", ("one@example.org", "two@example.org"), effective_from=0)
        await subscribe(settings, replace(people, language="en", min_gap_people=LARGE_GAP))
        with RestartingService(settings, tmp_path / "logs") as service:
            service.start(NOTIFIER)
            await raise_alerts(settings, *alerts)
            async with asyncio.timeout(LIMIT_S):
                await hearing.has_enough.wait()
            told = await ended(settings, "quick", MANY)
            mailed = await ended(settings, "people", MAILED)
            notices, _ = await stored(settings)
    assert {one.state for one in told.values()} == {DELIVERED}
    assert sorted(hearing.heard) == sorted(ids("quick", alerts))
    waiting = [one for one in notices.values() if one.subscription_id == "slow"]
    assert [one.state for one in waiting] == [PENDING] * MANY
    assert {one.state for one in mailed.values()} == {DELIVERED}
    assert len(mail.taken) == MAILED
    recipients, content = mail.taken[0]
    assert recipients == ["one@example.org", "two@example.org"]
    assert email.message_from_bytes(content)["To"] == "undisclosed-recipients:;"


async def test_a_stopped_notifier_ends_with_0_and_one_that_cannot_read_its_notices_with_78(
    settings: Settings, tmp_path: Path
) -> None:
    with RestartingService(settings, tmp_path / "logs") as service:
        service.start(NOTIFIER)
        await asyncio.to_thread(wait_until, lambda: bool(service.processes[NOTIFIER].log_tail(1)))
        service.processes[NOTIFIER].send_signal(service.processes[NOTIFIER].stop_signal)
        assert await asyncio.to_thread(service.processes[NOTIFIER].wait, LIMIT_S) == 0
        await write(settings, settings.topics.notices, [(b"direct/x", b"{}")])
        service.start(NOTIFIER)
        assert await asyncio.to_thread(service.processes[NOTIFIER].wait, LIMIT_S) == 78
        said = service.processes[NOTIFIER].log_tail(2)
    assert f"{settings.topics.notices}, offset 0, is no notice that this release can read" in said
