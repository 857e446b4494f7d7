"""Waiting until all commits are visible."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

SETTLED_LIMIT_S = 120.0
LOOK_EVERY_S = 0.05


async def wait_until_settled(bootstrap: Brokers, topics: Sequence[str]) -> None:
    """Wait until no transaction is open: a commit is acknowledged shortly before its records can be read."""
    looks = AsyncRetrying(
        retry=retry_if_result(lambda settled: not settled),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_after_delay(SETTLED_LIMIT_S),
    )
    await looks(_are_settled, bootstrap, topics)


async def _are_settled(bootstrap: Brokers, topics: Sequence[str]) -> bool:
    committed, written = [await _ends(bootstrap, topics, level) for level in ("read_committed", "read_uncommitted")]
    return committed == written


async def _ends(bootstrap: Brokers, topics: Sequence[str], isolation_level: str) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(*topics, **client_options(bootstrap), isolation_level=isolation_level)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(consumer.assignment())
        return ends
    finally:
        await consumer.stop()
