"""Offsets of a consumer group, taken back as when they are lost."""

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from peserta.settings import Settings
from schemas.kafka.client import client_options


async def forget_progress(settings: Settings, group: str, topic: str) -> None:
    """Put a group back to the beginning of a topic; nobody of the group may run."""
    consumer = AIOKafkaConsumer(**client_options(settings.kafka), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()
