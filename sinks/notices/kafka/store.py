"""Notices in their topic: written in transactions by one producer, whose start fences its predecessor."""

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.refusal import forbidden
from schemas.notices import POSITION_KEY, Notice, Position
from sinks.notices.faults import StoreLost, UnreadableNotice

COMMIT_LIMIT_S: Final = 30.0
START_LIMIT_S: Final = 30.0
TRANSACTION_TIMEOUT_MS: Final = 30_000
RECORD_BYTES_MAX: Final = 8 << 20  # as the topic takes it: a long digest is one record
POLL_MS: Final = 200
LOOK_S: Final = 0.05
# After 2**31 records to a partition, aiokafka's sequence numbers are no longer Kafka's.
RECORDS_PER_PRODUCER_MAX: Final = 2_000_000_000


class KafkaStore:
    """See Store. Call `close` at the end."""

    def __init__(self, brokers: Brokers, topic: str, transactional_id: str) -> None:
        self._brokers, self._topic, self._transactional_id = brokers, topic, transactional_id
        self._producer: AIOKafkaProducer | None = None
        self._written = 0

    async def begin(self) -> tuple[list[Notice], Position | None]:
        """See Store. Raises StoreLost, or UnreadableNotice."""
        await self._start()
        notices: dict[str, Notice] = {}
        position: Position | None = None
        for offset, key, value in await self._records():
            try:
                if key == POSITION_KEY:
                    position = Position.decode(value)
                else:
                    notices[key.decode()] = Notice.decode(value)
            except (ValueError, RecursionError) as error:
                raise UnreadableNotice(
                    f"{self._topic}, offset {offset}, is no notice that this release can read: a newer release, or "
                    "somebody else, wrote it. Install the newest release that ran here."
                ) from error
        return list(notices.values()), position

    async def _start(self) -> None:
        producer = AIOKafkaProducer(
            **client_options(self._brokers),
            acks="all",
            linger_ms=0,
            max_request_size=RECORD_BYTES_MAX,
            transactional_id=self._transactional_id,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await producer.start()
        except (KafkaError, TimeoutError) as error:
            await producer.stop()
            raise _lost(error) from error
        self._producer, self._written = producer, 0

    async def _records(self) -> list[tuple[int, bytes, bytes]]:
        """Every committed record, up to the end. A commit of the predecessor may be readable only a moment later."""
        found: list[tuple[int, bytes, bytes]] = []
        tp = TopicPartition(self._topic, 0)
        consumer, ends = self._consumer("read_committed"), self._consumer("read_uncommitted")
        try:
            await consumer.start()
            await ends.start()
            consumer.assign([tp])
            ends.assign([tp])
            await consumer.seek_to_beginning(tp)
            end = (await ends.end_offsets([tp]))[tp]
            while await consumer.position(tp) < end:
                fetched: dict[Any, list[Any]] = await consumer.getmany(tp, timeout_ms=POLL_MS)
                for record in fetched.get(tp, ()):
                    if record.value is not None:
                        found.append((record.offset, record.key or b"", record.value))
        except KafkaError as error:
            raise _lost(error) from error
        finally:
            await consumer.stop()
            await ends.stop()
        return found

    def _consumer(self, isolation: str) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **client_options(self._brokers), group_id=None, isolation_level=isolation, enable_auto_commit=False
        )

    async def commit(self, notices: Iterable[Notice], position: Position | None) -> None:
        """See Store."""
        records = [(one.notice_id.encode(), one.encode()) for one in notices]
        if position is not None:
            records.append((POSITION_KEY, position.encode()))
        try:
            async with asyncio.timeout(COMMIT_LIMIT_S):
                await self._write(records)
        except (KafkaError, TimeoutError) as error:
            raise _lost(error) from error

    async def _write(self, records: list[tuple[bytes, bytes]]) -> None:
        if self._written + len(records) > RECORDS_PER_PRODUCER_MAX:
            await self.close()
            await self._start()
        self._written += len(records)
        producer = self._producer
        assert producer is not None, "begin comes first"
        await producer.begin_transaction()
        sent = [await producer.send(self._topic, value, key=key, partition=0) for key, value in records]
        # aiokafka would commit even if the broker rejected one of these.
        await asyncio.gather(*sent)
        await producer.commit_transaction()

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()


def _lost(error: BaseException) -> StoreLost:
    reason = forbidden(error) or f"{type(error).__name__}: another notifier leads, or Kafka does not answer"
    return StoreLost(f"Notices cannot be stored: {reason}.")
