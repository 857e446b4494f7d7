"""The notifier in this process: which one leads, where notices are kept, and how they leave."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack

from peserta.operations.access_rights import NOTIFIER
from peserta.operations.failure import Interrupted, Unfit
from peserta.settings import Settings
from sinks.notices.channels.table import make_channels
from sinks.notices.faults import StoreLost, UnreadableNotice
from sinks.notices.kafka.feed import KafkaFeed
from sinks.notices.kafka.leading import lead
from sinks.notices.kafka.store import KafkaStore
from sinks.notices.notifier import Notifier
from sinks.notices.ports import Metrics
from sinks.notices.secrets import Secrets
from sinks.notices.texts.composing import compose


def secrets_of(settings: Settings) -> Secrets:
    """Where this process finds the secrets that subscriptions name."""
    return Secrets(settings.notice_secrets_dir, dict(os.environ))


async def notify(
    settings: Settings, stop: asyncio.Event, metrics: Metrics, on_standby: Callable[[], None] = lambda: None
) -> None:
    """Send notices whenever this notifier leads, until `stop` is set; `on_standby` is called while another one does.

    Raises Interrupted if Kafka does not answer or another notifier took over, and Unfit if a record among the notices
    cannot be read.
    """
    name, topics = settings.topic_prefix + NOTIFIER, settings.topics

    async def one_turn(over: asyncio.Event) -> None:
        async with AsyncExitStack() as closing:
            channels = make_channels(settings.channel_settings(), secrets_of(settings), compose)
            for channel in channels.values():
                closing.push_async_callback(channel.close)
            store, feed = KafkaStore(settings.kafka, topics.notices, name), KafkaFeed(settings.kafka, topics)
            closing.push_async_callback(store.close)
            closing.push_async_callback(feed.close)
            await Notifier(store, feed, channels, compose, metrics).run(over)

    try:
        await lead(settings.kafka, name, topics.notices, one_turn, stop, on_standby)
    except StoreLost as error:
        raise Interrupted(str(error)) from error
    except UnreadableNotice as error:
        raise Unfit(str(error)) from error
