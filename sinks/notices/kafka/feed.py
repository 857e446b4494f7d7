"""Alerts as the book commits them, from one generation of the book to the next."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.codec import OutputCodec
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.refusal import forbidden
from schemas.notices import Order, Position, Taken
from schemas.records import Alert
from schemas.topics import TopicNames
from schemas.wire import WireError
from sinks.notices.desk import Reference
from sinks.notices.faults import StoreLost, UnreadableNotice
from sinks.notices.kafka.tables import Tables
from sinks.notices.ports import CommittedAlert

WAIT_MS: Final = 500
ALERTS_PER_ROUND_MAX: Final = 200
LOOK_LIMIT_MS: Final = 2_000
STEPS_BACK: Final = (1, 2, 4, 16, 256, 4_096)  # behind the last record may be markers of transactions


class _Past(NamedTuple):
    """What must still be read of an old generation: `told` are the last entries that it did, `ends` those of its
    alerts."""

    told: Mapping[int, int]
    ends: Mapping[TopicPartition, int]


class KafkaFeed:
    """See Feed. Call `close` at the end."""

    def __init__(self, brokers: Brokers, topics: TopicNames) -> None:
        self._brokers, self._topics = brokers, topics
        self._codec = OutputCodec()
        self._tables = Tables(brokers, topics)
        self._consumer: AIOKafkaConsumer | None = None
        self._past: _Past | None = None

    def _reader(self, topic: str, isolation: str = "read_committed") -> AIOKafkaConsumer:
        """A reader of all partitions of a topic, not started."""
        return AIOKafkaConsumer(
            topic,
            **client_options(self._brokers),
            group_id=None,
            isolation_level=isolation,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    @property
    def reference(self) -> Reference:
        return self._tables.reference

    async def begin(self, position: Position | None) -> Position:
        """See Feed. Raises StoreLost if Kafka does not answer."""
        try:
            await self._tables.start()
            await self._tables.refresh()
            found = position or Position(self._tables.generation)
            await self._turn_to(found)
        except KafkaError as error:
            raise _lost(error) from error
        return found

    async def _turn_to(self, position: Position) -> None:
        """Read the alerts of this generation from this position."""
        await self._stop_reading()
        consumer = self._reader(replace(self._topics, generation=position.generation).alerts)
        await consumer.start()
        self._consumer = consumer
        for tp in consumer.assignment():
            consumer.seek(tp, position.partitions.get(tp.partition, Taken()).next_alert)

    async def _stop_reading(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def alerts(self) -> Sequence[CommittedAlert]:
        """See Feed."""
        try:
            assert self._consumer is not None, "begin comes first"
            fetched: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
                timeout_ms=WAIT_MS, max_records=ALERTS_PER_ROUND_MAX
            )
        except KafkaError as error:
            raise _lost(error) from error
        return [
            CommittedAlert(tp.partition, record.offset, record.timestamp, self._alert(record))
            for tp, records in fetched.items()
            for record in records
        ]

    def _alert(self, record: Any) -> Alert:
        try:
            return self._codec.decode_alert(record.value)
        except WireError as error:
            raise UnreadableNotice(
                f"{record.topic}, partition {record.partition}, offset {record.offset}, is no alert that this release "
                f"can read: {error}. Install the release of the book-keeper that wrote it."
            ) from error

    async def refresh(self) -> Sequence[Order]:
        """See Feed."""
        try:
            return await self._tables.refresh()
        except KafkaError as error:
            raise _lost(error) from error

    async def switch(self, position: Position) -> Position | None:
        """See Feed.

        What the old generation did with an entry of the journal, it did in one transaction: its line of the ledger and
        its alerts. So once the old alerts were read to the end that they had after the ledger's last line was seen, the
        alerts of every entry up to that line were taken; those of later entries come from the new generation.
        """
        if self._tables.generation == position.generation:
            return None
        try:
            return await self._switched(position)
        except KafkaError as error:
            raise _lost(error) from error

    async def _switched(self, position: Position) -> Position | None:
        assert self._consumer is not None, "begin comes first"
        if self._past is None:
            old = replace(self._topics, generation=position.generation)
            told = await self._last_entries(old.ledger)
            self._past = _Past(told, await self._ends_of(old.alerts))
        told = self._past.told
        for tp, end in self._past.ends.items():
            if await self._consumer.position(tp) < end:
                return None
        self._past = None
        partitions = {
            number: self._continued(position.partitions.get(number, Taken()), told.get(number, -1))
            for number in {*told, *position.partitions}
        }
        found = Position(self._tables.generation, partitions)
        await self._turn_to(found)
        return found

    @staticmethod
    def _continued(taken: Taken, told: int) -> Taken:
        through = max(taken.journal_offset, taken.skip_through, told)
        return Taken(0, taken.journal_offset, through)

    async def _last_entries(self, ledger: str) -> Mapping[int, int]:
        """Partition -> the journal offset of the ledger's last line; partitions without one are left out."""
        found: dict[int, int] = {}
        reader = self._reader(ledger)
        await reader.start()
        try:
            for tp in sorted(reader.assignment()):
                record = await _last_record(reader, tp)
                if record is not None:
                    found[tp.partition] = self._codec.decode_ledger(record.value).offset
        finally:
            await reader.stop()
        return found

    async def _ends_of(self, topic: str) -> Mapping[TopicPartition, int]:
        """The ends of a topic, those of commits included that cannot be read yet."""
        reader = self._reader(topic, "read_uncommitted")
        await reader.start()
        try:
            ends: Mapping[TopicPartition, int] = await reader.end_offsets(reader.assignment())
            return ends
        finally:
            await reader.stop()

    async def close(self) -> None:
        await self._stop_reading()
        await self._tables.stop()


async def _last_record(reader: AIOKafkaConsumer, tp: TopicPartition) -> Any:
    """The last committed record of a partition; None if it has none."""
    end = (await reader.end_offsets([tp]))[tp]
    begin = (await reader.beginning_offsets([tp]))[tp]
    for back in STEPS_BACK:
        reader.seek(tp, max(begin, end - back))
        last = None
        while await reader.position(tp) < end:
            fetched = await reader.getmany(tp, timeout_ms=LOOK_LIMIT_MS)
            for record in fetched.get(tp, ()):
                last = record
        if last is not None or end - back <= begin:
            return last
    return None


def _lost(error: KafkaError) -> StoreLost:
    reason = forbidden(error) or f"{type(error).__name__}: Kafka does not answer as it should"
    return StoreLost(f"Alerts cannot be read: {reason}.")
