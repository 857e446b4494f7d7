"""The source: committed records of assigned partitions, read in ranges from given positions.

It uses no consumer group: ClickHouse stores the positions.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError, KafkaError, OffsetOutOfRangeError, TopicAuthorizationFailedError  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, retry_if_result, wait_exponential_jitter

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.gathering import Gathering, gather
from schemas.kafka.refusal import FORBIDDEN, forbidden, forbidden_topics, turned_away
from sinks.clickhouse.marks import Partition
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.refusals import AccessRefused, PositionLost
from sinks.clickhouse.settings import SinkSettings

RECORDS_PER_ROUND_MAX = 20_000
# A ledger line has at least 8 bytes, so a batch has under a million rows and is one block (warehouse.py).
BYTES_PER_BATCH_MAX = 8_000_000
FETCH_BYTES_MAX = 2 << 20
FETCH_WAIT_MS = 250
READ_LIMIT_MS = 1_000
ENOUGH_BYTES = 1 << 20  # of a fetch that waits for more
RETRY_FIRST_S = 0.2
RETRY_MAX_S = 15.0
CLIENT_ID = "peserta-sink"

WHAT_TO_DO = (
    "The topic was truncated (retention) or recreated. Nothing was skipped. Fill a new database from a complete topic, "
    "or accept the hole by hand: sinks/clickhouse/README.md, 'When it refuses'."
)

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Source:
    """Reads the partitions of some topics. Call `open`, then `begin`, then `read` repeatedly."""

    def __init__(self, consumer: AIOKafkaConsumer, settings: SinkSettings) -> None:
        self._consumer = consumer
        self._settings = settings
        self._positions: dict[TopicPartition, int] = {}
        self._read_limit_ms = min(max(settings.gather_ms, FETCH_WAIT_MS), READ_LIMIT_MS)

    @classmethod
    async def open(cls, settings: SinkSettings) -> Self:
        """Connect, waiting for the broker as long as it takes."""
        _log.info("Waiting for Kafka at %s.", settings.kafka_address)
        what = f"connect to Kafka at {settings.kafka_address}"
        return cls(await _patiently(what, settings.kafka_address, lambda: _started(settings)), settings)

    async def partitions(self, topics: Sequence[str]) -> list[Partition]:
        """The partitions of the topics, waiting until all of them exist."""
        admin = AIOKafkaAdminClient(**client_options(self._settings.kafka_address), client_id=CLIENT_ID)
        brokers = self._settings.kafka_address
        what = f"find the topics at {brokers}"
        try:
            await _patiently(what, brokers, admin.start)
            described = await _patiently(what, brokers, lambda: admin.describe_topics(list(topics)), _missing)
        finally:
            await admin.close()
        return sorted((t["topic"], p["partition"]) for t in described for p in t["partitions"])

    async def first_offsets(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The first retained offset of each partition."""
        tps = [TopicPartition(*p) for p in partitions]
        # An assignment asks for the metadata of all topics at once; without one, aiokafka asks for one topic after the
        # other and waits a tenth of a second each time (consumer/fetcher.py _proc_offset_requests).
        self._hold(dict.fromkeys(tps, 0))
        self._consumer.pause(*tps)
        found = await self._consumer.beginning_offsets(tps)
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    def begin(self, positions: Mapping[Partition, int]) -> None:
        """Read these partitions from these positions."""
        self._positions = {TopicPartition(*partition): position for partition, position in positions.items()}
        self._hold(self._positions)

    def _hold(self, positions: Mapping[TopicPartition, int]) -> None:
        # No await in between: otherwise the consumer would fetch a position of its own.
        self._consumer.assign(list(positions))
        for tp, position in positions.items():
            self._consumer.seek(tp, position)

    async def read(self) -> list[Batch]:
        """The records that have arrived, at most one batch per partition. A batch has no records if only the position
        moved.

        Raises PositionLost if a position is outside the topic.
        """
        fetched = await self._fetch(RECORDS_PER_ROUND_MAX)
        batches = []
        for tp, first in self._positions.items():
            records = self._cut(tp, fetched.get(tp, []))
            position = await self._consumer.position(tp)
            if position > first:
                batches.append(Batch.of(Range(tp.topic, tp.partition, first, position), records))
                self._positions[tp] = position
        return batches

    def ends(self) -> dict[Partition, int]:
        """The end of each partition, as the broker last reported it. Partitions without a report are left out."""
        ends = {tp: self._consumer.highwater(tp) for tp in self._positions}
        return {(tp.topic, tp.partition): end for tp, end in ends.items() if end is not None}

    async def read_again(self, range_: Range) -> Batch:
        """The batch of exactly this range, whose end was a position before."""
        tp = TopicPartition(range_.topic, range_.partition)
        self._consumer.seek(tp, range_.first)
        records: list[Any] = []
        while await self._consumer.position(tp) < range_.next:
            fetched = await self._fetch(RECORDS_PER_ROUND_MAX, tp)
            records += [record for record in fetched.get(tp, []) if record.offset < range_.next]
        self._consumer.seek(tp, range_.next)
        self._positions[tp] = range_.next
        return Batch.of(range_, records)

    async def _fetch(self, records_max: int, *only: TopicPartition) -> dict[TopicPartition, list[Any]]:
        try:
            fetched: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
                *only, timeout_ms=self._read_limit_ms, max_records=records_max
            )
        except OffsetOutOfRangeError as error:
            (places,) = error.args
            where = ", ".join(f"{tp.topic}-{tp.partition} at {offset}" for tp, offset in places.items())
            raise PositionLost(f"Kafka has nothing at the sink's position: {where}. {WHAT_TO_DO}") from error
        except FORBIDDEN as error:
            raise AccessRefused(str(forbidden(error))) from error
        return fetched

    def _cut(self, tp: TopicPartition, records: list[Any]) -> list[Any]:
        """The records up to the byte limit; the others are fetched again."""
        size = 0
        for i, record in enumerate(records):
            size += len(record.key or b"") + len(record.value or b"")
            if size > BYTES_PER_BATCH_MAX and i:
                self._consumer.seek(tp, record.offset)
                return records[:i]
        return records

    async def close(self) -> None:
        await self._consumer.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _started(settings: SinkSettings) -> AIOKafkaConsumer:
    consumer = AIOKafkaConsumer(
        **client_options(settings.kafka_address),
        client_id=CLIENT_ID,
        group_id=None,
        isolation_level="read_committed",
        auto_offset_reset="none",
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
        fetch_max_wait_ms=FETCH_WAIT_MS,
    )
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    gather(consumer, Gathering(FETCH_WAIT_MS, settings.gather_ms, ENOUGH_BYTES, FETCH_WAIT_MS, first_waits=True))
    return consumer


def _missing(described: Any) -> str:
    """Which topics are missing, and what makes them; empty if none is. Raises AccessRefused for hidden ones."""
    if hidden := [topic["topic"] for topic in described if topic["error_code"] == TopicAuthorizationFailedError.errno]:
        raise AccessRefused(forbidden_topics(hidden))
    names = sorted(topic["topic"] for topic in described if topic["error_code"] != 0 or not topic["partitions"])
    return f"there is no {', '.join(names)}. `peserta topics create` makes what is missing" if names else ""


def _nothing(_: object) -> str:
    return ""


async def _patiently(
    what: str, brokers: Brokers, attempt: Callable[[], Awaitable[_T]], lack: Callable[[_T], str] = _nothing
) -> _T:
    """The attempt's result. The attempt is repeated while Kafka raises an error or `lack` says what the result lacks.
    Raises AccessRefused when these brokers turn the sink away."""

    async def once() -> _T:
        try:
            return await attempt()
        except KafkaConnectionError as error:
            if refusal := await turned_away(brokers):
                raise AccessRefused(str(refusal)) from error
            raise
        except FORBIDDEN as error:
            raise AccessRefused(str(forbidden(error))) from error

    tries = AsyncRetrying(
        retry=retry_if_exception_type(KafkaError) | retry_if_result(lambda result: bool(lack(result))),
        wait=wait_exponential_jitter(multiplier=RETRY_FIRST_S, max=RETRY_MAX_S, jitter=RETRY_FIRST_S),
        before_sleep=lambda state: _say(what, state, lack),
        reraise=True,
    )
    return await tries(once)


def _say(what: str, state: RetryCallState, lack: Callable[[Any], str]) -> None:
    outcome = state.outcome
    assert outcome is not None, "an attempt has ended"
    why = outcome.exception() or lack(outcome.result())
    _log.warning("Cannot %s yet (try %d): %s", what, state.attempt_number, why)
