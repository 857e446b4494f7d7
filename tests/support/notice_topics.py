"""What the notifier reads and writes, on a real broker: subscriptions, alerts as the book commits them, notices."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.kafka.client import client_options
from schemas.notices import Notice, Position
from schemas.records import Alert
from schemas.subscriptions import Subscription
from sinks.notices.kafka.store import KafkaStore


async def subscribe(settings: Settings, subscription: Subscription) -> None:
    await write(
        settings, settings.topics.subscriptions, [(subscription.subscription_id.encode(), subscription.encode())]
    )


async def write(settings: Settings, topic: str, records: Iterable[tuple[bytes, bytes]], partition: int = 0) -> None:
    producer = AIOKafkaProducer(**client_options(settings.kafka), acks="all")
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=key, partition=partition) for key, value in records]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def raise_alerts(settings: Settings, *alerts: Alert, generation: int = 1, partition: int = 0) -> None:
    """What the book-keeper commits: for each alert the ledger's line of its entry, and the alert."""
    topics, codec = replace(settings.topics, generation=generation), OutputCodec()
    lines = [
        codec.encode_ledger((partition, one.journal_offset, 0), one.company_id, "e", "applied", ()) for one in alerts
    ]
    await write(settings, topics.ledger, [(b"", line) for line in lines], partition)
    await write(
        settings, topics.alerts, [(one.company_id.encode(), codec.encode_alert(one)) for one in alerts], partition
    )


async def stored(settings: Settings) -> tuple[dict[str, Notice], Position | None]:
    store = KafkaStore(settings.kafka, settings.topics.notices, f"{settings.topic_prefix}look")
    try:
        notices, position = await store.begin()
    finally:
        await store.close()
    return {one.notice_id: one for one in notices}, position
