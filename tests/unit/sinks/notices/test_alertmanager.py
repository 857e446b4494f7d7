"""Alerts as Alertmanager takes them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from schemas.dates import DAY_MS, instant
from schemas.notices import SAMPLE, Message, Notice
from schemas.subscriptions import RESOLVED, Subscription
from sinks.notices.channels.alertmanager import FIRING_FOR_MS, RESEND_AFTER_S, Alertmanager
from sinks.notices.channels.http import Http
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.retrying import Answer
from sinks.notices.secrets import Secrets
from tests.support.alerts import ON, alert, resolved
from tests.support.notices import AT, digest_of, notice_of
from tests.support.receivers import answering, receiving

ROUTED: Final = Subscription("am", "alertmanager", ("http://alertmanager.internal:9093",), effective_from=0)


def composed(message: Message) -> Message:
    company = message.alerts[0].alert["company_id"]
    return replace(message, subject=f"Tentang {company}", text=f"{company}.\n")


def alerts(notice: Notice, now: int = AT) -> list[dict[str, Any]]:
    channel = Alertmanager(Http(ChannelSettings()), Secrets(), composed)
    return channel.alerts(notice, now)


@given(st.integers(ON, ON + 400), st.integers(0, 400), st.integers(-500 * DAY_MS, 500 * DAY_MS))
def test_a_resolved_ends_what_its_firing_began(start: int, days: int, later: int) -> None:
    now = (ON + 1) * DAY_MS + max(0, later)
    told = alert(on=start, at=start * DAY_MS)
    [begun] = alerts(notice_of(told), now)
    end = replace(told, status=RESOLVED, business_date=start + days, recorded_at=max(0, start * DAY_MS + later))
    [ended] = alerts(notice_of(end), now)
    assert ended["labels"] == begun["labels"]
    assert ended["startsAt"] == begun["startsAt"]
    assert instant(begun["startsAt"]) < instant(begun["endsAt"])
    assert instant(ended["startsAt"]) < instant(ended["endsAt"]) <= max(now, instant(ended["startsAt"]) + 1_000)


def test_an_alert_has_names_figures_and_words() -> None:
    [told] = alerts(notice_of(alert(at=AT)))
    assert told == {
        "labels": {
            "alertname": "PesertaCoverage",
            "company_id": "C1",
            "policy_id": "P1",
            "episode": "1",
            "severity": "warning",
        },
        "annotations": {"summary": "Kurang tujuh orang", "text": "Tujuh orang.\n"},
        "startsAt": "2026-02-15T17:00:00.000Z",
        "endsAt": "2026-02-17T09:46:40.000Z",
    }
    assert instant(told["endsAt"]) == AT + FIRING_FOR_MS > AT + 4 * RESEND_AFTER_S * 1_000


def test_a_sample_is_another_alert_that_ends_soon() -> None:
    notice = notice_of(alert(at=AT))
    assert notice.message is not None
    [told] = alerts(replace(notice, kind=SAMPLE, message=replace(notice.message, kind=SAMPLE)))
    assert told["labels"]["alertname"] == "PesertaTest"
    assert instant(told["endsAt"]) < AT + FIRING_FOR_MS


def test_each_alert_of_a_digest_has_its_own_words() -> None:
    found = alerts(digest_of(alert("C1", at=AT), resolved("C2", at=AT)))
    assert [one["annotations"]["text"] for one in found] == ["C1.\n", "C2.\n"]


async def test_alerts_are_posted_with_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("word")
    (tmp_path / "token").chmod(0o600)
    async with receiving(answering(200)) as receiver:
        allowed = ChannelSettings(allowed_hosts=frozenset((receiver.host,)))
        channel = Alertmanager(Http(allowed), Secrets(tmp_path), composed)
        base = f"http://{receiver.host}/prefix"
        for url in (base, f"{base}/", f"{base}/api/v2/alerts"):
            subscription = replace(ROUTED, secrets=("token",))
            assert await channel.send(subscription, notice_of(), [url], AT) == Answer(True, "answered 200")
        missing = await channel.send(replace(ROUTED, secrets=("none",)), notice_of(), [base], AT)
        await channel.close()
    assert {path for path, _, _ in receiver.requests} == {"/prefix/api/v2/alerts"}
    assert {headers["Authorization"] for _, headers, _ in receiver.requests} == {"Bearer word"}
    assert json.loads(receiver.requests[0][2]) == alerts(notice_of())
    assert missing.words == "secret none: its file cannot be read: No such file or directory"
