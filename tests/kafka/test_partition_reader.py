"""One consumer reads many partitions of many topics up to known end offsets."""

from collections import Counter
from typing import Any, Final

import pytest
from aiokafka.conn import AIOKafkaConnection  # type: ignore[import-untyped]
from aiokafka.protocol.fetch import FetchRequest  # type: ignore[import-untyped]
from aiokafka.protocol.metadata import MetadataRequest  # type: ignore[import-untyped]

from peserta.operations.audit.reading import PartitionReader, partition_reader
from tests.support.lane_topics import create, produce

TOPICS: Final = ("journal", "ledger", "alerts")
PARTITIONS: Final = 2
RECORDS: Final = 3


@pytest.fixture
async def topics(kafka_address: str, topic_prefix: str) -> list[str]:
    """Topics with the records `0`, `1`, `2` in each partition; the keys name topic and partition."""
    names = [f"{topic_prefix}{name}" for name in TOPICS]
    await create(kafka_address, {name: {} for name in names}, PARTITIONS)
    for name in names:
        for partition in range(PARTITIONS):
            key = f"{name}-{partition}".encode()
            await produce(kafka_address, name, partition, [(key, str(n).encode()) for n in range(RECORDS)])
    return names


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects every request that this process sends to a broker."""
    sent: list[Any] = []
    send = AIOKafkaConnection.send

    def noting(self: Any, request: Any, *rest: Any, **options: Any) -> Any:
        sent.append(request)
        return send(self, request, *rest, **options)

    monkeypatch.setattr(AIOKafkaConnection, "send", noting)
    return sent


async def read(reader: PartitionReader, topic: str, partition: int, start: int = 0) -> list[tuple[bytes, bytes]]:
    return [(record.key, record.value) async for record in reader.records(topic, partition, start=start)]


async def test_each_partition_gives_its_own_records_in_whatever_order_they_are_asked_for(
    kafka_address: str, topics: list[str]
) -> None:
    first, second, third = topics
    async with partition_reader(kafka_address) as reader:
        for topic, partition, start in [
            (first, 0, 0), (first, 1, 2), (second, 1, 1), (first, 0, 1), (third, 0, 0), (second, 1, 0), (second, 0, 3)
        ]:  # fmt: skip
            expected = [(f"{topic}-{partition}".encode(), str(n).encode()) for n in range(start, RECORDS)]
            assert await reader.stretch(topic, partition) == (0, RECORDS)
            assert await read(reader, topic, partition, start) == expected


async def test_no_fetch_is_held_and_each_topic_is_looked_for_once(
    kafka_address: str, topics: list[str], asked: list[Any]
) -> None:
    """A long-polling fetch delays the next request, and a client that forgets a topic's leaders waits before it asks
    again. The two took nine tenths of an audit's time."""
    looked = []
    async with partition_reader(kafka_address) as reader:
        for _ in range(2):
            for topic in topics:
                for partition in range(PARTITIONS):
                    assert len(await read(reader, topic, partition)) == RECORDS
            looked.append(Counter(type(request) for request in asked)[MetadataRequest])
    assert {request._max_wait_ms for request in asked if isinstance(request, FetchRequest)} == {0}
    assert looked[0] == looked[1]
