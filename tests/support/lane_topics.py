"""Topics of a test on a real broker: creating, filling, and reading them with `read_committed`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

Line = tuple[bytes | None, bytes | None]
IDLE_READS = 3
READ_MS = 300


async def create(address: Brokers, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
    """Create topics, given as topic -> configuration."""
    admin = AIOKafkaAdminClient(**client_options(address))
    await admin.start()
    try:
        await admin.create_topics(
            [NewTopic(name, partitions, 1, topic_configs=dict(config)) for name, config in topics.items()]
        )
    finally:
        await admin.close()


async def produce(address: Brokers, topic: str, partition: int, lines: Iterable[Line], **options: Any) -> None:
    """Append the lines in order."""
    producer = AIOKafkaProducer(**client_options(address), acks="all", enable_idempotence=True, **options)
    await producer.start()
    try:
        sent = [await producer.send(topic, value, key=key, partition=partition) for key, value in lines]
        for delivery in sent:
            await delivery
    finally:
        await producer.stop()


async def read(
    address: Brokers, topic: str, partitions: Sequence[int], *, isolation: str = "read_committed"
) -> dict[int, list[Any]]:
    """All records of each partition up to its current end."""
    consumer = AIOKafkaConsumer(
        **client_options(address), isolation_level=isolation, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        targets = [TopicPartition(topic, number) for number in partitions]
        consumer.assign(targets)
        await consumer.seek_to_beginning(*targets)
        ends = await consumer.end_offsets(targets)
        found: dict[int, list[Any]] = {number: [] for number in partitions}
        while any([await consumer.position(target) < ends[target] for target in targets]):
            for target, records in (await consumer.getmany(*targets, timeout_ms=READ_MS)).items():
                found[target.partition].extend(records)
        return found
    finally:
        await consumer.stop()


async def committed_offsets(
    address: Brokers, group: str, topic: str, partitions: Sequence[int]
) -> dict[int, int | None]:
    """The group's offsets; None for a partition without one."""
    admin = AIOKafkaAdminClient(**client_options(address))
    await admin.start()
    try:
        offsets = await admin.list_consumer_group_offsets(group)
        found = {target.partition: value.offset for target, value in offsets.items() if target.topic == topic}
        return {number: offset if (offset := found.get(number, -1)) >= 0 else None for number in partitions}
    finally:
        await admin.close()
