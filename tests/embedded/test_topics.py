"""Creating and checking topics on a real broker."""

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.topic_table import topic_table
from peserta.operations.topics import TopicError, create_topics
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options


async def settings(address: Brokers, topic: str) -> dict[str, str]:
    """A topic's settings on the broker."""
    admin = AIOKafkaAdminClient(**client_options(address))
    await admin.start()
    try:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()


async def partitions(address: Brokers, prefix: str) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**client_options(address))
    await admin.start()
    try:
        described = await admin.describe_topics()
        return {one["topic"]: len(one["partitions"]) for one in described if one["topic"].startswith(prefix)}
    finally:
        await admin.close()


async def test_all_topics_are_made_as_the_table_says_and_again_changes_nothing(
    kafka_address: str, topic_prefix: str
) -> None:
    table = await create_topics(kafka_address, prefix=topic_prefix, partitions=3)
    assert table == topic_table(prefix=topic_prefix)
    for _ in range(2):
        assert await partitions(kafka_address, topic_prefix) == {topic.name: topic.partitions or 3 for topic in table}
        for topic in table:
            found = await settings(kafka_address, topic.name)
            expected = topic.settings(1)
            assert {name: found[name] for name in expected} == expected
        await create_topics(kafka_address, prefix=topic_prefix, partitions=3)


async def test_a_further_inbound_topic_is_added_to_those_that_are_there(kafka_address: str, topic_prefix: str) -> None:
    await create_topics(kafka_address, prefix=topic_prefix, partitions=1)
    inbound = ["workforce.facts.v1", "workforce.enrollments.v1"]
    await create_topics(kafka_address, prefix=topic_prefix, partitions=1, inbound=inbound)
    assert f"{topic_prefix}workforce.enrollments.v1" in await partitions(kafka_address, topic_prefix)


async def test_another_number_of_partitions_is_an_error_that_names_the_topic(
    kafka_address: str, topic_prefix: str
) -> None:
    await create_topics(kafka_address, prefix=topic_prefix, partitions=2)
    with pytest.raises(TopicError, match=f"{topic_prefix}workforce.facts.v1 has 2 partitions and not 4"):
        await create_topics(kafka_address, prefix=topic_prefix, partitions=4)


async def test_a_refusal_by_the_broker_is_an_error_with_its_reason(kafka_address: str, topic_prefix: str) -> None:
    with pytest.raises(TopicError, match="InvalidReplicationFactor"):
        await create_topics(kafka_address, prefix=topic_prefix, partitions=1, replication=3)


async def test_the_broker_makes_no_topic_by_itself(kafka_address: str, topic_prefix: str) -> None:
    unknown = f"{topic_prefix}misspelt"
    async with AIOKafkaProducer(**client_options(kafka_address), request_timeout_ms=500) as producer:
        with pytest.raises(KafkaError):
            await producer.send_and_wait(unknown, b"lost")
    assert await partitions(kafka_address, topic_prefix) == {}
