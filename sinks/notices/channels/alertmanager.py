"""Alertmanager: `POST /api/v2/alerts`. It groups, silences and routes; the notifier keeps it reminded."""

import json
from collections.abc import Sequence
from typing import Final

from schemas.dates import day, instant, instant_text, jakarta_midnight
from schemas.notices import ALERT, SAMPLE, AlertFacts, Message, Notice
from schemas.public_json import JsonObject
from schemas.records import Instant
from schemas.subscriptions import RESOLVED, Subscription
from sinks.notices.channels.channel import failed, message_of
from sinks.notices.channels.http import Http
from sinks.notices.channels.webhook import NO_URL
from sinks.notices.desk import Compose
from sinks.notices.retrying import MINUTE_MS, SECOND_MS, Answer
from sinks.notices.secrets import NoSecret, Secrets

PATH: Final = "/api/v2/alerts"
RESEND_AFTER_S: Final = 5 * 60  # so long is an alert missing after a restart of Alertmanager, which stores none
FIRING_FOR_MS: Final = 6 * 60 * MINUTE_MS  # so long the notifier may be down before Alertmanager ends its alerts
SAMPLE_FOR_MS: Final = 5 * MINUTE_MS
NAME: Final = "PesertaCoverage"
NAME_OF_SAMPLE: Final = "PesertaTest"
SEVERITY: Final = "warning"  # a label is part of an alert's identity, so it cannot depend on figures that change


class Alertmanager:
    """Alerts as Alertmanager knows them. The first secret, if there is one, is a bearer token."""

    resend_after_s: int | None = RESEND_AFTER_S
    sends_at_once = 1  # a firing that is repeated must not come after its resolved

    def __init__(self, http: Http, secrets: Secrets, compose: Compose) -> None:
        self._http = http
        self._secrets = secrets
        self._compose = compose

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        if len(to) != 1:
            return failed(NO_URL)
        headers = {"Content-Type": "application/json"}
        try:
            if subscription.secrets:
                headers["Authorization"] = f"Bearer {self._secrets.read(subscription.secrets[0])}"
        except NoSecret as missing:
            return failed(str(missing))
        body = json.dumps(self.alerts(notice, now), ensure_ascii=False, sort_keys=True).encode()
        url = to[0].rstrip("/")
        return await self._http.post(url if url.endswith(PATH) else url + PATH, body, headers, now)

    def alerts(self, notice: Notice, now: Instant) -> list[JsonObject]:
        """The notice's alerts; of a digest each has a text of its own."""
        message = message_of(notice)
        if len(message.alerts) == 1:
            return [_alert(message.alerts[0], message, now)]
        return [
            _alert(facts, self._compose(Message(message.language, ALERT, (facts,))), now) for facts in message.alerts
        ]

    async def close(self) -> None:
        await self._http.close()


def _alert(facts: AlertFacts, message: Message, now: Instant) -> JsonObject:
    alert = facts.alert
    starts_at = jakarta_midnight(day(alert["episode_start"]))
    return {
        "labels": {
            "alertname": NAME_OF_SAMPLE if message.kind == SAMPLE else NAME,
            "company_id": alert["company_id"],
            "policy_id": alert["policy_id"],
            "episode": str(alert["episode"]),
            "severity": SEVERITY,
        },
        "annotations": {"summary": message.subject, "text": message.text},
        "startsAt": instant_text(starts_at),
        # One that ends before it starts is refused.
        "endsAt": instant_text(max(_ends_at(alert, message.kind, now), starts_at + SECOND_MS)),
    }


def _ends_at(alert: JsonObject, kind: str, now: Instant) -> Instant:
    """When it ended; for a firing, when Alertmanager may end it unless it hears of it again."""
    if kind == SAMPLE:
        return now + SAMPLE_FOR_MS
    if alert["status"] != RESOLVED:
        return now + FIRING_FOR_MS
    return min(instant(alert["recorded_at"]), now)  # one that ends in the future is firing
