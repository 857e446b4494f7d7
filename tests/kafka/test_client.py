"""The client on a real Kafka: facts that the service reads, and alerts of committed transactions only."""

from contextlib import aclosing
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from deploy.embedded.ports import free_ports
from peserta.operations.kafka_reading import read_to_end
from peserta.operations.topics import make_topics
from peserta.settings import read_settings
from peserta_client import Published, Unavailable, read_fact
from peserta_client.kafka import KafkaPublisher, follow_alerts
from schemas.codec import InboundCodec, OutputCodec
from schemas.fact_json import line_of
from schemas.kafka.client import client_options
from tests.support.facts import hire, termination
from tests.support.sink_records import alert


async def test_facts_go_to_the_service_and_alerts_come_from_it(
    kafka_address: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = read_settings(kafka=kafka_address, topic_prefix=topic_prefix, partitions=1, data_dir=tmp_path)
    await make_topics(settings)
    sent = [hire("e1", "2025-09-01", company="C2"), termination("e2", "2025-09-02"), hire("e3", "2025-09-03")]
    async with KafkaPublisher(kafka_address, topic=settings.topics.facts) as publisher:
        assert await publisher.publish([read_fact(line_of(fact)) for fact in sent]) == Published(3)
    found = [record async for record in read_to_end(kafka_address, [settings.topics.facts])]
    assert [InboundCodec().decode(record.value) for record in found] == [(fact, True) for fact in sent]
    assert [record.key for record in found] == [b"C2", b"C1", b"C1"]

    producer = AIOKafkaProducer(**client_options(kafka_address), transactional_id=f"{topic_prefix}alerts")
    await producer.start()
    for episode, committed in ((1, False), (2, True), (3, False), (4, True)):
        await producer.begin_transaction()
        await producer.send_and_wait(settings.topics.alerts, OutputCodec().encode_alert(alert(episode=episode)))
        await (producer.commit_transaction() if committed else producer.abort_transaction())
    await producer.stop()

    topic, group = settings.topics.alerts, f"{topic_prefix}group"
    async with aclosing(follow_alerts(kafka_address, topic=topic, group_id=group)) as alerts:
        assert [(await anext(alerts)).episode for _ in range(2)] == [2, 4]
    async with aclosing(follow_alerts(kafka_address, topic=topic, group_id=group)) as alerts:
        assert (await anext(alerts)).episode == 4  # an alert is committed when the next one is asked for
    async with aclosing(follow_alerts(kafka_address, topic=topic)) as alerts:
        assert (await anext(alerts)).episode == 2


async def test_a_kafka_that_cannot_be_reached_is_unavailable() -> None:
    fact = read_fact(line_of(hire("e1", "2025-09-01")))
    async with KafkaPublisher(f"127.0.0.1:{free_ports(1)[0]}") as publisher:
        for _ in range(2):
            with pytest.raises(
                Unavailable, match=r"^Kafka does not take the facts \(KafkaConnectionError\)\."
            ) as caught:
                await publisher.publish([fact])
            assert caught.value.published == Published()
