"""Topics of a benchmark: made, and waited for until every partition has its leader; waited for until all of what was
committed can be read."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

LEADERS_LIMIT_S = 30.0
SETTLED_LIMIT_S = 30.0
LOOK_EVERY_S = 0.05


async def create(bootstrap: str, topics: Mapping[str, Mapping[str, str]], partitions: int) -> None:
    """Topic -> configuration; tenacity.RetryError when the leaders do not come."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
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
    """The topics that are not ready."""
    described = await admin.describe_topics(names)
    ready = [
        topic["topic"]
        for topic in described
        if len(topic["partitions"]) == partitions and all(one["leader"] >= 0 for one in topic["partitions"])
    ]
    return sorted(set(names) - set(ready))


async def wait_until_settled(bootstrap: str, topics: Sequence[str]) -> None:
    """Until no transaction is open: a commit is acknowledged a moment before its records can be read."""
    looks = AsyncRetrying(
        retry=retry_if_result(lambda settled: not settled),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_after_delay(SETTLED_LIMIT_S),
    )
    await looks(_are_settled, bootstrap, topics)


async def _are_settled(bootstrap: str, topics: Sequence[str]) -> bool:
    committed, written = [await _ends(bootstrap, topics, level) for level in ("read_committed", "read_uncommitted")]
    return committed == written


async def _ends(bootstrap: str, topics: Sequence[str], isolation_level: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, isolation_level=isolation_level)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        return ends
    finally:
        await consumer.stop()
