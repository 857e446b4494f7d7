"""Each rule is asked of both."""

from collections.abc import AsyncIterator

import pytest

from tests.kafka_rules.kafkas import Kafka, MemoryKafka, RealKafka


@pytest.fixture(params=["memory", "broker"])
async def kafka(request: pytest.FixtureRequest) -> AsyncIterator[Kafka]:
    if request.param == "memory":
        yield MemoryKafka()
        return
    address, prefix = request.getfixturevalue("kafka_address"), request.getfixturevalue("topic_prefix")
    real = RealKafka(address, prefix)
    try:
        yield real
    finally:
        await real.close()
