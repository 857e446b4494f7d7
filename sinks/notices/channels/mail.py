"""E-mail: one message to all recipients, in plain text, that no machine should answer."""

import asyncio
import hashlib
import os
import ssl
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime
from typing import Final

import aiosmtplib

from schemas.dates import EPOCH
from schemas.notices import ALERT, REMINDER, Notice, alert_notice_id
from schemas.records import Instant
from schemas.secret_file import SecretFault, read_secret, ssl_context_of
from schemas.subscriptions import COMPLIANCE_TEAM, FIRING, Subscription
from sinks.notices.channels.channel import failed, message_of
from sinks.notices.channels.settings import ChannelSettings, MailSettings
from sinks.notices.retrying import Answer

REMEMBERED_MAX: Final = 1_000  # notices that some recipients have and others not yet
NO_SERVER: Final = "no mail server is set"
NOBODY: Final = "nobody to write to: the company has no contacts, or the subscription no addresses"
UNDISCLOSED: Final = "undisclosed-recipients:;"


@dataclass(frozen=True, slots=True)
class Begun:
    """A notice that some recipients have: who, and with which code the others are refused for good."""

    taken: frozenset[str] = frozenset()
    refused: Mapping[str, int] = field(default_factory=dict)


class Mail:
    """Sends by the operator's server. Each attempt has a connection of its own.

    Recipients whom the server put off get the message at a later attempt, and the others not again. What is known of
    them is lost with the process; then a repeat has the same Message-ID.
    """

    resend_after_s: int | None = None
    sends_at_once = 2  # many servers take few connections from one client

    def __init__(self, settings: ChannelSettings) -> None:
        self._settings = settings
        self._begun: OrderedDict[str, Begun] = OrderedDict()  # by notice id

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        mail = self._settings.mail
        if mail is None:
            return failed(NO_SERVER)
        everybody = list(dict.fromkeys(to))
        if not everybody:
            return failed(NOBODY)
        try:
            content = letter(mail, subscription, notice, everybody, now).as_bytes()
        except (MessageError, ValueError):
            return failed("an address or the subject cannot be written into a mail")
        try:
            password = None if mail.password_file is None else read_secret(mail.password_file)
            context = ssl_context_of(self._settings.ca_file)
        except SecretFault as fault:
            return failed(f"the mail server's password or CA: {_without_path(fault, mail, self._settings)}")
        before = self._begun.get(notice.notice_id, Begun())
        left = [one for one in everybody if one not in before.taken and one not in before.refused]
        refused: dict[str, int] = {}
        try:
            if left:
                async with asyncio.timeout(self._settings.attempt_s):
                    refused = await self._hand_over(mail, context, password, left, content)
        except TimeoutError:
            return failed(f"no answer of the mail server within {self._settings.attempt_s:g} s")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            return _failure(error)
        return self._answer(notice.notice_id, len(everybody), before, frozenset(left), refused)

    async def _hand_over(
        self, mail: MailSettings, context: ssl.SSLContext, password: str | None, to: list[str], content: bytes
    ) -> dict[str, int]:
        """Recipient -> the code with which the server refused it."""
        client = aiosmtplib.SMTP(
            hostname=mail.host,
            port=mail.used_port,
            use_tls=mail.tls == "tls",
            start_tls=mail.tls == "starttls",
            tls_context=None if mail.tls == "none" else context,
            timeout=self._settings.attempt_s,
            local_hostname=mail.domain,
            username=mail.user,
            password=password,
        )
        try:
            await client.connect()
            refused, _ = await client.sendmail(mail.sender, to, content)
        except aiosmtplib.SMTPRecipientsRefused as all_refused:
            return {one.recipient: one.code for one in all_refused.recipients}
        finally:
            client.close()
        return {recipient: response[0] for recipient, response in refused.items()}

    def _answer(
        self, notice_id: str, recipients: int, before: Begun, asked: frozenset[str], refused: Mapping[str, int]
    ) -> Answer:
        """What an attempt for `asked` brought, beside what earlier ones did."""
        taken = before.taken | (asked - refused.keys())
        for_good = {**before.refused, **{one: code for one, code in refused.items() if code >= 500}}
        put_off = refused.keys() - for_good.keys()
        words = f"taken for {len(taken)} of {recipients}"
        if codes := sorted({*for_good.values(), *refused.values()}):
            words += f"; refused with {', '.join(map(str, codes))}"
        if not put_off:
            self._begun.pop(notice_id, None)
            return Answer(bool(taken), words, is_final=not taken)
        self._begun[notice_id] = Begun(taken, for_good)
        self._begun.move_to_end(notice_id)
        while len(self._begun) > REMEMBERED_MAX:
            self._begun.popitem(last=False)
        return failed(f"{words}; {len(put_off)} can be tried again")

    async def close(self) -> None:
        """No connection outlives its attempt."""


def letter(
    mail: MailSettings, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant
) -> EmailMessage:
    """The message. Raises MessageError or ValueError for what cannot be in a header.

    The contacts of one company work together and see each other, so that one of them can answer for all. The addresses
    of any other list belong to people of different houses, and none of them is shown.
    """
    message, written = message_of(notice), EmailMessage(policy=WIRE)
    shown = len(to) == 1 or subscription.to == (COMPLIANCE_TEAM,)
    written["From"] = mail.sender
    written["To"] = ", ".join(to) if shown else UNDISCLOSED
    written["Subject"] = message.subject
    written["Date"] = format_datetime(EPOCH + timedelta(milliseconds=now))
    written["Message-ID"] = message_id(notice.notice_id, mail.domain)
    if begins := _begins(notice):
        written["References"] = message_id(begins, mail.domain)
    written["Auto-Submitted"] = "auto-generated"
    written["X-Auto-Response-Suppress"] = "All"
    written["List-Id"] = f"<{subscription.subscription_id}.peserta.{mail.domain}>"
    written["Content-Language"] = message.language
    written.set_content(message.text, charset="utf-8", cte="quoted-printable")
    return written


def message_id(notice_id: str, domain: str) -> str:
    """The same for each attempt of a notice, so that a repeat is recognised."""
    return f"<{hashlib.sha256(notice_id.encode()).hexdigest()[:40]}@{domain}>"


def _begins(notice: Notice) -> str | None:
    """The notice of the firing that this one belongs to: mail programs show an episode as one conversation."""
    is_later = notice.kind == REMINDER or (notice.kind == ALERT and notice.status != FIRING)
    if not is_later or notice.alert_id is None:
        return None
    return alert_notice_id(notice.subscription_id, notice.alert_id, FIRING)


def _without_path(fault: SecretFault, mail: MailSettings, settings: ChannelSettings) -> str:
    """The fault, which anybody may read, without the place of the file."""
    words = str(fault)
    for path in (mail.password_file, settings.ca_file):
        words = words if path is None else words.replace(str(path), "its file")
    return words


def _failure(error: Exception) -> Answer:
    """What went wrong, without the server's own words, which may repeat an address."""
    if isinstance(error, aiosmtplib.SMTPDataError):
        words = f"the mail server refused the message with {error.code}"
        return Answer(False, words, is_final=error.code >= 500)
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return failed(f"the mail server refused user or password with {error.code}")
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return failed(f"the mail server refused the sender with {error.code}")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return failed(f"the mail server answered {error.code}")
    if isinstance(error, aiosmtplib.SMTPNotSupported) or type(error) is aiosmtplib.SMTPException:  # no STARTTLS
        return failed("the mail server cannot do what the settings or the addresses ask for")
    cause = error.__cause__ or error
    if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        return failed("the mail server's TLS certificate is not trusted, or TLS failed")
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return failed("the mail server did not answer in time")
    code = error.errno if isinstance(error, OSError) else None
    code = code or (cause.errno if isinstance(cause, OSError) else None)
    return failed(f"no connection to the mail server: {os.strerror(code) if code and code > 0 else 'it was cut'}")
