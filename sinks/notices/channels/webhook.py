"""Webhooks: a signed POST to one URL."""

from collections.abc import Mapping, Sequence
from typing import Final

from schemas.notices import Notice
from schemas.records import Instant
from schemas.subscriptions import Subscription
from sinks.notices.channels import cloud_event, standard_webhooks
from sinks.notices.channels.channel import failed
from sinks.notices.channels.http import Http
from sinks.notices.retrying import Answer
from sinks.notices.secrets import NoSecret, Secrets

NO_URL: Final = "the subscription names no single URL"


class Webhook:
    """CloudEvents 1.0 in the body, Standard Webhooks in the headers, one signature for each secret."""

    resend_after_s: int | None = None
    sends_at_once = 8

    def __init__(self, http: Http, secrets: Secrets) -> None:
        self._http = http
        self._secrets = secrets

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        if len(to) != 1:
            return failed(NO_URL)
        try:
            headers, body = self.request(subscription, notice, now)
        except NoSecret as missing:
            return failed(str(missing))
        return await self._http.post(to[0], body, headers, now)

    def request(self, subscription: Subscription, notice: Notice, now: Instant) -> tuple[Mapping[str, str], bytes]:
        """Headers and body of an attempt at this time. Raises NoSecret, for a secret that is no key too."""
        keys = []
        for name in subscription.secrets:
            try:
                keys.append(standard_webhooks.key_of(self._secrets.read(name)))
            except standard_webhooks.WrongKey as wrong:
                raise NoSecret(f"secret {name} {wrong}") from None
        body = cloud_event.body(notice)
        signed = standard_webhooks.headers(notice.notice_id, body, keys, now)
        return {"Content-Type": cloud_event.CONTENT_TYPE, **signed}, body

    async def close(self) -> None:
        await self._http.close()
