"""The ends of topics, and the records that a reader gets, while transactions are open."""

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]

from peserta.operations.kafka_reading import (
    end_offsets,
    last_stable_offsets,
    read_to_end,
    wait_until_readable,
    wait_until_worked,
)
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from tests.support.lane_topics import create, produce

WORKED_S = 0.5  # the test gives a wait that must not succeed this long
LIMIT_S = 120.0


@pytest.fixture
async def topic(kafka_address: str, topic_prefix: str) -> str:
    """A topic with one committed record."""
    name = f"{topic_prefix}book"
    await create(kafka_address, {name: {}}, 1)
    await produce(kafka_address, name, 0, [(b"k", b"before")])
    return name


@pytest.fixture
async def producer(kafka_address: str, topic: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer with an open transaction that has one record."""
    async with AIOKafkaProducer(**client_options(kafka_address), transactional_id=f"{topic}-writer") as writer:
        await writer.begin_transaction()
        await writer.send_and_wait(topic, b"of the transaction", partition=0)
        yield writer


async def values(kafka: Brokers, topic: str) -> list[bytes]:
    return [record.value async for record in read_to_end(kafka, [topic])]


async def commit(kafka: Brokers, group: str, topic: str, offset: int) -> None:
    async with AIOKafkaConsumer(**client_options(kafka), group_id=group, enable_auto_commit=False) as consumer:
        consumer.assign([tp := TopicPartition(topic, 0)])
        await consumer.commit({tp: offset})


async def test_an_open_transaction_is_before_the_end_and_not_read(
    kafka_address: str, topic: str, producer: AIOKafkaProducer
) -> None:
    assert await last_stable_offsets(kafka_address, [topic]) == {(topic, 0): 1}
    assert await end_offsets(kafka_address, [topic]) == {(topic, 0): 2}
    assert await values(kafka_address, topic) == [b"before"]
    await producer.commit_transaction()
    await wait_until_readable(kafka_address, topic, 0, 1)
    assert await last_stable_offsets(kafka_address, [topic]) == await end_offsets(kafka_address, [topic])
    assert await values(kafka_address, topic) == [b"before", b"of the transaction"]


async def test_a_group_has_not_done_what_is_in_an_open_transaction(
    kafka_address: str, topic: str, producer: AIOKafkaProducer
) -> None:
    group = f"{topic}-group"
    await commit(kafka_address, group, topic, 1)  # the last stable offset
    with pytest.raises(TimeoutError, match="1 records to do"):
        await wait_until_worked(kafka_address, group, [topic], WORKED_S)
    await producer.commit_transaction()
    await wait_until_readable(kafka_address, topic, 0, 1)
    ends = await end_offsets(kafka_address, [topic])
    await commit(kafka_address, group, topic, ends[topic, 0])
    await wait_until_worked(kafka_address, group, [topic], LIMIT_S)
