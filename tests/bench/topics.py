"""Creates the topics of a benchmark and waits until every partition has a leader."""

from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

LEADERS_LIMIT_S = 30.0
LOOK_EVERY_S = 0.05


async def create(bootstrap: Brokers, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
    """Create topics from topic -> configuration. Raises tenacity.RetryError if a partition gets no leader."""
    admin = AIOKafkaAdminClient(**client_options(bootstrap))
    await admin.start()
    try:
        new = [NewTopic(name, partitions, 1, topic_configs=dict(config)) for name, config in topics.items()]
        await admin.create_topics(new)
        looks = AsyncRetrying(
            retry=retry_if_result(bool), wait=wait_fixed(LOOK_EVERY_S), stop=stop_after_delay(LEADERS_LIMIT_S)
        )
        await looks(_leaderless, admin, list(topics), partitions)
    finally:
        await admin.close()


async def _leaderless(admin: AIOKafkaAdminClient, names: list[str], partitions: int) -> list[str]:
    """The topics that have a partition without a leader."""
    described = await admin.describe_topics(names)
    ready = [
        topic["topic"]
        for topic in described
        if len(topic["partitions"]) == partitions and all(one["leader"] >= 0 for one in topic["partitions"])
    ]
    return sorted(set(names) - set(ready))
