"""A sample by the channel of a subscription, sent by this process (SEMANTICS 13). Nothing is written to a topic."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from peserta.notice_settings import PREFIX
from peserta.operations.failure import NotAsAsked, Rejected
from peserta.operations.notifying import secrets_of
from peserta.operations.reference_reading import current_companies
from peserta.operations.subscriptions import subscription_of
from peserta.settings import Settings
from schemas.notices import Message, Notice
from schemas.records import Instant
from schemas.subscriptions import COMPLIANCE_TEAM, WEBHOOK, Subscription
from sinks.notices.channels.channel import message_of
from sinks.notices.channels.chat import NO_NAME
from sinks.notices.channels.mail import NO_SERVER, NOBODY
from sinks.notices.channels.table import make_channels
from sinks.notices.channels.webhook import Webhook
from sinks.notices.guard import NOT_ALLOWED, NOT_PUBLIC
from sinks.notices.recipients import recipients
from sinks.notices.retrying import Answer
from sinks.notices.sample import sample
from sinks.notices.secrets import NoSecret
from sinks.notices.texts.composing import compose

_ALLOW: Final = f"If you trust it, allow its host: {PREFIX}NOTICE_ALLOWED_HOSTS"
_SAME_SECRET: Final = "Both ends need the same secret"
# What an answer says -> what to do. The first that fits counts.
ADVICE: Final = (
    (NOT_ALLOWED, _ALLOW),
    (NOT_PUBLIC, _ALLOW),
    (NO_NAME, "Name it as `secret` in the subscription, and apply that again"),
    (
        "secret ",
        f"A secret lies in a file of its name in the folder {PREFIX}NOTICE_SECRETS_DIR, which not everybody may read",
    ),
    (NO_SERVER, f"Set {PREFIX}MAIL_HOST and {PREFIX}MAIL_SENDER"),
    (NOBODY, "Give the company contacts with e-mail addresses: `peserta companies apply`"),
    ("the mail server refused user", f"Look at {PREFIX}MAIL_USER and {PREFIX}MAIL_PASSWORD_FILE"),
    ("the mail server refused the sender", f"Look at {PREFIX}MAIL_SENDER"),
    ("certificate is not trusted", f"Is its CA your own? Then name it: {PREFIX}NOTICE_CA_FILE"),
    ("the mail server's TLS", f"Is its CA your own? Then name it: {PREFIX}NOTICE_CA_FILE"),
    ("no connection to the mail server", f"Look at {PREFIX}MAIL_HOST, {PREFIX}MAIL_PORT and {PREFIX}MAIL_TLS"),
    ("answered 401", _SAME_SECRET),
    ("answered 403", _SAME_SECRET),
    ("answered 410", "After this answer the notifier sends it nothing until the subscription is applied again"),
)
OTHER_ADVICE: Final = "Look at the receiver, and try again"


@dataclass(frozen=True, slots=True)
class Sample:
    """A sample that is not sent yet: the subscription, the notice, and the addresses that it goes to."""

    subscription: Subscription
    notice: Notice
    to: tuple[str, ...]

    @property
    def message(self) -> Message:
        return message_of(self.notice)


async def make_sample(settings: Settings, subscription_id: str, company_id: str | None, now: Instant) -> Sample:
    """The sample for a subscription in force. `company_id` says whose contacts it goes to, for a subscription to the
    compliance team of each company, and only there.

    Raises Rejected if there is no such subscription or company, if the subscription has ended, or if whose contacts are
    meant is missing or of no use.
    """
    found = await subscription_of(settings, subscription_id)
    if found.ended_at is not None:
        raise Rejected(f"The subscription {subscription_id} has ended: nothing is sent to it. Apply it again first.")
    notice = sample(found, compose, now, company_id)
    if COMPLIANCE_TEAM not in found.to:
        if company_id is not None:
            raise Rejected(f"The subscription {subscription_id} has receivers of its own: leave the company out.")
        return Sample(found, notice, found.to)
    if company_id is None:
        raise Rejected(
            f"The subscription {subscription_id} goes to the contacts of each alert's own company: say with --company "
            "whose contacts get the sample."
        )
    companies = await current_companies(settings)
    if company_id not in companies:
        ways = "`peserta companies list` shows those there are"
        raise Rejected(f"There is no company {company_id} in the registry: {ways}.")
    return Sample(found, notice, recipients(found, notice, companies, now))


def webhook_request(settings: Settings, made: Sample, now: Instant) -> tuple[Mapping[str, str], bytes] | None:
    """Headers and body of a webhook as it would be sent at this time; None for another channel.

    Raises NotAsAsked if a secret is missing.
    """
    if made.subscription.channel != WEBHOOK:
        return None
    webhook = make_channels(settings.channel_settings(), secrets_of(settings), compose)[WEBHOOK]
    assert isinstance(webhook, Webhook)
    try:
        return webhook.request(made.subscription, made.notice, now)
    except NoSecret as missing:
        raise _not_taken(str(missing)) from None


async def send_sample(settings: Settings, made: Sample, now: Instant) -> Answer:
    """Make one attempt, with the settings and secrets of this process; return the answer of a receiver that took it.

    Raises NotAsAsked, with the receiver's answer and what to do, if it did not.
    """
    channels = make_channels(settings.channel_settings(), secrets_of(settings), compose)
    try:
        answer = await channels[made.subscription.channel].send(made.subscription, made.notice, made.to, now)
    finally:
        for channel in channels.values():
            await channel.close()
    if not answer.ok:
        raise _not_taken(answer.words)
    return answer


def _not_taken(words: str) -> NotAsAsked:
    advice = next((advice for part, advice in ADVICE if part in words), OTHER_ADVICE)
    return NotAsAsked(f"The sample was not taken: {words}. {advice}.")
