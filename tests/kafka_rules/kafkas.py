"""The two Kafkas behind one door: a broker of the session, and the simulation's."""

import asyncio
import time
import uuid
from collections.abc import Iterable
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from tests.simulation.broker import Broker, Timing
from tests.simulation.clients import Member, MemoryConsumer, MemoryProducer
from tests.simulation.link import Direct
from tests.support.lane_topics import create

PARTITIONS = 2
SESSION_MS = 6_000
HEARTBEAT_MS = 200
LOOK_MS = 50


class Kafka(Protocol):
    """Producers and consumers have aiokafka's methods."""

    async def topic(self) -> str:
        """A new topic of PARTITIONS partitions."""

    async def producer(self, transactional_id: str | None = None) -> Any:
        """A started producer, idempotent or transactional."""

    async def consumer(self, isolation: str = "read_committed") -> Any:
        """A started consumer without group or automatic reset."""

    def set_sequence(self, producer: Any, tp: TopicPartition, sequence: int) -> None:
        """What the producer believes to be its next sequence number in a partition."""

    async def delete_before(self, tp: TopicPartition, offset: int) -> None:
        """Retention."""

    async def commit(self, group: str, tp: TopicPartition, offset: int) -> None:
        """A group's offset, kept by somebody who is no member."""

    async def committed(self, group: str, tp: TopicPartition) -> int | None: ...

    async def member(self, group: str, topic: str) -> Any:
        """A member of the group that has its work: `numbers()`, `commit(tp, offset)`, `fall_behind()`, `leave()`."""

    async def close(self) -> None: ...


class MemoryKafka:
    """The simulation's broker and clients, without chance."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._broker = Broker(Timing(loop.call_later, lambda: 0.0, lambda: time.time_ns() // 1_000_000))
        self._link = Direct()

    async def topic(self) -> str:
        name = uuid.uuid4().hex
        self._broker.create_topic(name, PARTITIONS)
        return name

    async def producer(self, transactional_id: str | None = None) -> MemoryProducer:
        producer = MemoryProducer(self._broker, self._link, transactional_id=transactional_id)
        await producer.start()
        return producer

    async def consumer(self, isolation: str = "read_committed") -> MemoryConsumer:
        return MemoryConsumer(self._broker, self._link, isolation_level=isolation)

    def set_sequence(self, producer: MemoryProducer, tp: TopicPartition, sequence: int) -> None:
        producer._sequences[tp] = sequence

    async def delete_before(self, tp: TopicPartition, offset: int) -> None:
        self._broker.log(tp).delete_before(offset)

    async def commit(self, group: str, tp: TopicPartition, offset: int) -> None:
        self._broker.group(group).commit(None, -1, {tp: offset})

    async def committed(self, group: str, tp: TopicPartition) -> int | None:
        return self._broker.group(group).offsets.get(tp)

    async def member(self, group: str, _topic: str) -> "MemoryMember":
        member = MemoryMember(Member(self._broker, self._link, group, PARTITIONS, SESSION_MS / 1000))
        await member.join()
        return member

    async def close(self) -> None:
        """Nothing is open."""


class MemoryMember:
    """A member of a group in memory."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._numbers: frozenset[int] = frozenset()

    async def join(self) -> None:
        self._numbers = (await self._member.join()).numbers

    async def numbers(self) -> set[int]:
        """The partitions of its present work, after a heartbeat."""
        if not await self._member.is_current():
            await self.join()
        return set(self._numbers)

    async def commit(self, tp: TopicPartition, offset: int) -> None:
        await self._member.commit({(tp.topic, tp.partition): offset})

    def fall_behind(self) -> None:
        self._member.generation -= 1

    async def leave(self) -> None:
        await self._member.leave()


class RealKafka:
    """aiokafka on a real broker."""

    def __init__(self, address: Brokers, prefix: str) -> None:
        self._address, self._prefix = address, prefix
        self._opened: list[Any] = []

    async def topic(self) -> str:
        name = f"{self._prefix}{uuid.uuid4().hex}"
        await create(self._address, {name: {}}, PARTITIONS)
        return name

    async def producer(self, transactional_id: str | None = None) -> Any:
        kind = {"transactional_id": f"{self._prefix}{transactional_id}"} if transactional_id else {}
        return await self._open(
            AIOKafkaProducer(**client_options(self._address), acks="all", enable_idempotence=True, **kind)
        )

    async def consumer(self, isolation: str = "read_committed") -> Any:
        return await self._open(self._consumer(isolation_level=isolation))

    def _consumer(self, **options: Any) -> Any:
        return AIOKafkaConsumer(
            **client_options(self._address), auto_offset_reset="none", enable_auto_commit=False, **options
        )

    async def _open(self, client: Any) -> Any:
        self._opened.append(client)
        await client.start()
        return client

    def set_sequence(self, producer: Any, tp: TopicPartition, sequence: int) -> None:
        producer._txn_manager._sequence_numbers[tp] = sequence

    async def delete_before(self, tp: TopicPartition, offset: int) -> None:
        admin = AIOKafkaAdminClient(**client_options(self._address))
        await admin.start()
        try:
            await admin.delete_records({tp: RecordsToDelete(before_offset=offset)})
        finally:
            await admin.close()

    async def commit(self, group: str, tp: TopicPartition, offset: int) -> None:
        consumer = await self._alone(group, [tp])
        await consumer.commit({tp: offset})

    async def committed(self, group: str, tp: TopicPartition) -> int | None:
        found: int | None = await (await self._alone(group, [tp])).committed(tp)
        return found

    async def _alone(self, group: str, tps: Iterable[TopicPartition]) -> Any:
        consumer = await self._open(self._consumer(group_id=self._prefix + group))
        consumer.assign(list(tps))
        return consumer

    async def member(self, group: str, topic: str) -> "RealMember":
        consumer = self._consumer(
            group_id=self._prefix + group, session_timeout_ms=SESSION_MS, heartbeat_interval_ms=HEARTBEAT_MS
        )
        consumer.subscribe([topic])
        await self._open(consumer)
        return RealMember(consumer)

    async def close(self) -> None:
        for client in reversed(self._opened):
            await client.stop()


class RealMember:
    """A member of a group at a broker."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    async def numbers(self) -> set[int]:
        """The partitions of its present work, after a look."""
        await self._consumer.getmany(timeout_ms=LOOK_MS)
        return {tp.partition for tp in self._consumer.assignment()}

    async def commit(self, tp: TopicPartition, offset: int) -> None:
        await self._consumer.commit({tp: offset})

    def fall_behind(self) -> None:
        self._consumer._coordinator.generation -= 1

    async def leave(self) -> None:
        await self._consumer.stop()
