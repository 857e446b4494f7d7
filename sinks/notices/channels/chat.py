"""Chat: any of the services that Apprise knows. Its URL holds tokens, so it is a secret, and is never shown.

Whoever can write the secret's file decides where it leads: the guard of webhooks does not stand before it.
"""

import asyncio
import importlib.util
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from schemas.notices import Message, Notice
from schemas.records import Instant
from schemas.subscriptions import SUBSCRIPTIONS_MAX, Subscription
from sinks.notices.channels.channel import failed, message_of
from sinks.notices.channels.settings import ChannelSettings
from sinks.notices.retrying import Answer
from sinks.notices.secrets import NoSecret, Secrets

TALKATIVE: Final = ("apprise", "requests", "urllib3")  # their log lines hold URLs
NO_NAME: Final = "the subscription names no secret with the URL of the chat service"
NOT_INSTALLED: Final = "chat needs Apprise: pip install 'peserta[notices]'"


class Chat:
    """Calls Apprise in threads, because it blocks. A thread that hangs holds up its own subscription only."""

    resend_after_s: int | None = None
    sends_at_once = 1  # a thread each

    def __init__(self, settings: ChannelSettings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._threads = ThreadPoolExecutor(SUBSCRIPTIONS_MAX, "chat")
        self._running: dict[str, asyncio.Future[bool | None]] = {}  # subscription -> its last attempt

    async def send(self, subscription: Subscription, notice: Notice, to: Sequence[str], now: Instant) -> Answer:
        if not subscription.secrets:
            return failed(NO_NAME)
        if importlib.util.find_spec("apprise") is None:
            return failed(NOT_INSTALLED)
        name = subscription.secrets[0]
        try:
            url = self._secrets.read(name)
        except NoSecret as missing:
            return failed(str(missing))
        before = self._running.get(subscription.subscription_id)
        if before is not None and not before.done():
            return failed("the attempt before has not ended yet")
        running = asyncio.get_running_loop().run_in_executor(self._threads, notify, url, message_of(notice))
        self._running[subscription.subscription_id] = running
        try:
            async with asyncio.timeout(self._settings.attempt_s):
                taken = await asyncio.shield(running)
        except TimeoutError:
            return failed(f"no answer of the chat service within {self._settings.attempt_s:g} s")
        if taken is None:
            return failed(f"secret {name} holds no URL that Apprise knows")
        return Answer(True, "taken by the chat service") if taken else failed("the chat service did not take it")

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def notify(url: str, message: Message) -> bool | None:
    """Whether the service took the message; None for a URL that Apprise does not know. Blocks."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    import apprise  # takes over a second, and is not always installed

    service = apprise.Apprise()
    if not service.add(url):
        return None
    return bool(service.notify(title=message.subject, body=message.text, body_format=apprise.NotifyFormat.TEXT))
