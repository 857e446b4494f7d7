"""Producer and consumer with the methods of aiokafka that the service uses, on a broker in memory."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    ConcurrentTransactions,
    IllegalGenerationError,
    InvalidProducerEpoch,
    KafkaError,
    OffsetOutOfRangeError,
    ProducerFenced,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from tests.simulation.broker import Broker, Place
from tests.simulation.groups import Assignment
from tests.simulation.link import Link, Unanswered
from tests.support.partition_log import COMMITTED, Fetched, Identity, NewRecord

RETRY_S: Final = 0.02
SYNC_POLL_S: Final = 0.4
RECORD_OVERHEAD_BYTES: Final = 70
BATCH_BYTES: Final = 16_384
FETCH_RECORDS_MAX: Final = 500
SESSION_S: Final = 4.0
_T = TypeVar("_T")


class Metadata(NamedTuple):
    """The metadata of a record or batch that the broker has."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int  # 1: the broker's, 0: the sender's


class MemoryBatch:
    """The part of aiokafka's BatchBuilder that is used."""

    def __init__(self, bytes_max: int) -> None:
        self.records: list[tuple[bytes | None, bytes | None, int | None]] = []
        self._bytes_max, self._bytes = bytes_max, 0

    def append(self, *, timestamp: int | None, key: bytes | None, value: bytes | None, headers: Any = ()) -> Any:
        """None if the record does not fit any more; a first record always fits."""
        size = len(key or b"") + len(value or b"") + RECORD_OVERHEAD_BYTES
        if self.records and self._bytes + size > self._bytes_max:
            return None
        self._bytes += size
        self.records.append((key, value, timestamp))
        return len(self.records)

    def record_count(self) -> int:
        return len(self.records)

    def size(self) -> int:
        return self._bytes

    def close(self) -> None:
        """Nothing to do: no record follows."""


async def insist(link: Link, what: str, call: Callable[[], _T]) -> _T:
    """Repeat a request until its answer is not to retry."""
    while True:
        try:
            return await link.ask(what, call)
        except (Unanswered, ConcurrentTransactions):
            await asyncio.sleep(RETRY_S)


class MemoryProducer:
    """An idempotent or transactional producer. It sends a partition's batches one after the other; a retry has the same
    sequence number."""

    def __init__(
        self,
        broker: Broker,
        link: Link,
        *,
        transactional_id: str | None = None,
        transaction_timeout_ms: int = 60_000,
        max_batch_size: int = BATCH_BYTES,
        **_ignored: Any,
    ) -> None:
        self._broker, self._link = broker, link
        self._transactional_id, self._timeout_s = transactional_id, transaction_timeout_ms / 1000
        self._batch_bytes = max_batch_size
        self._identity = Identity(-1, -1)
        self._sequences: dict[Place, int] = {}
        self._last: dict[Place, asyncio.Task[None]] = {}
        self._added: dict[Place, asyncio.Task[None]] = {}

    async def start(self) -> None:
        name, timeout_s = self._transactional_id, self._timeout_s
        what = f"init-producer {name or ''}"
        self._identity = await insist(self._link, what, lambda: self._broker.init_producer(name, timeout_s))

    async def stop(self) -> None:
        await self._flush()

    def create_batch(self) -> MemoryBatch:
        return MemoryBatch(self._batch_bytes)

    async def send_batch(self, batch: MemoryBatch, topic: str, *, partition: int) -> "asyncio.Future[Metadata]":
        """The future's result is the place of the batch's first record."""
        place = topic, partition
        done: asyncio.Future[Metadata] = asyncio.get_running_loop().create_future()
        sequence = self._sequences.get(place, 0)
        self._sequences[place] = sequence + len(batch.records)
        sending = self._send(place, batch.records, sequence, done, self._last.get(place))
        self._last[place] = asyncio.ensure_future(sending)
        return done

    async def send(
        self, topic: str, value: bytes | None, key: bytes | None = None, partition: int = 0, timestamp_ms: Any = None
    ) -> "asyncio.Future[Metadata]":
        batch = self.create_batch()
        batch.append(timestamp=timestamp_ms, key=key, value=value)
        return await self.send_batch(batch, topic, partition=partition)

    async def send_and_wait(self, *args: Any, **options: Any) -> Metadata:
        return await (await self.send(*args, **options))

    async def _send(
        self,
        place: Place,
        lines: Sequence[Any],
        sequence: int,
        done: "asyncio.Future[Metadata]",
        before: Awaitable[None] | None,
    ) -> None:
        if before is not None:
            await before
        try:
            offset = await self._produce(place, lines, sequence)
        except KafkaError as error:
            if not done.done():
                done.set_exception(ProducerFenced() if isinstance(error, InvalidProducerEpoch) else error)
            return
        if not done.done():
            stamps = self._broker.stamps(place[0])
            done.set_result(Metadata(*place, offset, self._broker.log(place).timestamp(offset), int(stamps)))

    async def _produce(self, place: Place, lines: Sequence[Any], sequence: int) -> int:
        name, identity, broker = self._transactional_id, self._identity, self._broker
        if name is not None:
            if place not in self._added:
                adding = insist(self._link, f"add {place}", lambda: broker.add_partition(name, identity, place))
                self._added[place] = asyncio.ensure_future(adding)
            await self._added[place]
        now = broker.timing.now_ms()
        records = [NewRecord(key, value, now if at is None else at) for key, value, at in lines]
        what = f"produce {len(records)} to {place[0]}-{place[1]}"
        return await insist(self._link, what, lambda: broker.produce(place, records, identity, sequence, name))

    async def begin_transaction(self) -> None:
        self._added = {}

    async def commit_transaction(self) -> None:
        """Commit, as aiokafka does, even if a batch was rejected."""
        await self._end(True)

    async def abort_transaction(self) -> None:
        await self._end(False)

    async def _end(self, is_committed: bool) -> None:
        await self._flush()
        name, identity = self._transactional_id or "", self._identity
        if self._added:
            what = f"{'commit' if is_committed else 'abort'} {name}"
            await insist(self._link, what, lambda: self._broker.end(name, identity, is_committed))

    async def _flush(self) -> None:
        await asyncio.gather(*(task for task in self._last.values() if not task.done()))


class MemoryConsumer:
    """Reads assigned partitions from positions. `share(records_max)` chooses how many records a fetch gets."""

    def __init__(
        self, broker: Broker, link: Link, *, isolation_level: str = COMMITTED, share: Callable[[int], int] | None = None
    ) -> None:
        self._broker, self._link, self._isolation_level = broker, link, isolation_level
        self._share = share or (lambda records_max: records_max)
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._highwaters: dict[TopicPartition, int] = {}

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._positions, self._paused = dict.fromkeys(partitions, 0), set()

    def pause(self, *partitions: TopicPartition) -> None:
        self._paused |= set(partitions)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._positions[tp] = offset

    async def position(self, tp: TopicPartition) -> int:
        return self._positions[tp]

    def highwater(self, tp: TopicPartition) -> int | None:
        return self._highwaters.get(tp)

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Any]]:
        """The records that are there or arrive in time; without `partitions`, of all of them."""
        wanted = {tp: self._positions[tp] for tp in partitions or self._positions if tp not in self._paused}
        limit_s = asyncio.get_running_loop().time() + timeout_ms / 1000
        while True:
            fetched = await self._fetched(wanted, max_records or FETCH_RECORDS_MAX)
            if any(found.next_offset > wanted[tp] for tp, found in fetched.items()):
                break
            left_s = limit_s - asyncio.get_running_loop().time()
            if left_s <= 0:
                break
            await changed(self._broker, left_s)
        # A seek in the meantime wins.
        fetched = {tp: found for tp, found in fetched.items() if self._positions.get(tp) == wanted[tp]}
        self._positions.update({tp: found.next_offset for tp, found in fetched.items()})
        return {tp: found.records for tp, found in fetched.items() if found.records}

    async def _fetched(self, wanted: dict[TopicPartition, int], records_max: int) -> dict[TopicPartition, Fetched]:
        shares = {tp: self._share(records_max) for tp in wanted}

        def fetch() -> dict[TopicPartition, Fetched]:
            found, outside = {}, {}
            for tp, offset in wanted.items():
                log = self._broker.log(tp)
                self._highwaters[tp] = log.end
                try:
                    found[tp] = (
                        log.fetch(offset, self._isolation_level, shares[tp]) if shares[tp] else Fetched([], offset)
                    )
                except OffsetOutOfRangeError:
                    outside[tp] = offset
            if outside:
                raise OffsetOutOfRangeError(outside)
            return found

        return await insist(self._link, "fetch", fetch)

    async def beginning_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        asked = list(partitions)
        return await insist(self._link, "begins", lambda: {tp: self._broker.log(tp).begin for tp in asked})

    async def end_offsets(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends as a `read_committed` reader sees them."""
        asked, broker = list(partitions), self._broker

        def ends() -> dict[TopicPartition, int]:
            logs = {tp: broker.log(tp) for tp in asked}
            return {tp: log.stable_end if self._isolation_level == COMMITTED else log.end for tp, log in logs.items()}

        return await insist(self._link, "ends", ends)

    async def written_ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The ends as a `read_uncommitted` reader sees them."""
        asked, broker = list(partitions), self._broker
        return await insist(self._link, "written ends", lambda: {tp: broker.log(tp).end for tp in asked})

    async def stop(self) -> None:
        """Nothing to close."""


async def changed(broker: Broker, limit_s: float) -> None:
    """Wait until there may be more to read, or until the time is over."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not future.done():
            future.set_result(None)

    broker.listeners.append(tell)
    timer = loop.call_later(limit_s, tell)
    await future
    timer.cancel()


class Member:
    """A member of a consumer group; `generation` is the one that it believes is current."""

    _numbers = itertools.count()

    def __init__(self, broker: Broker, link: Link, group: str, partitions: int, session_s: float = SESSION_S) -> None:
        self._group, self._link = broker.group(group), link
        self._partitions, self._session_s = partitions, session_s
        self.name = f"member-{next(self._numbers)}"
        self.generation = -1

    async def join(self) -> Assignment:
        """Join until there is an assignment, as a new member if this one was removed."""
        group = self._group
        await insist(self._link, "join", lambda: group.join(self.name, self._partitions, self._session_s))
        while True:
            try:
                assignment = await insist(self._link, "sync", lambda: group.assignment(self.name))
            except RebalanceInProgressError:
                await asyncio.sleep(SYNC_POLL_S)
            except UnknownMemberIdError:
                self.name = f"member-{next(self._numbers)}"
                await insist(self._link, "join", lambda: group.join(self.name, self._partitions, self._session_s))
            else:
                self.generation = assignment.generation
                return assignment

    async def is_current(self) -> bool:
        """Send a heartbeat; returns whether the group needs no rebalance."""
        try:
            await insist(self._link, "heartbeat", lambda: self._group.heartbeat(self.name, self.generation))
        except (RebalanceInProgressError, IllegalGenerationError, UnknownMemberIdError):
            return False
        return True

    async def commit(self, offsets: dict[Place, int]) -> None:
        """Raises IllegalGenerationError or UnknownMemberIdError if the group has rebalanced without this member."""
        await insist(self._link, "commit offsets", lambda: self._group.commit(self.name, self.generation, offsets))

    async def committed(self, places: Iterable[Place]) -> dict[Place, int | None]:
        asked = list(places)
        return await insist(
            self._link, "committed offsets", lambda: {place: self._group.offsets.get(place) for place in asked}
        )

    async def leave(self) -> None:
        await insist(self._link, "leave", lambda: self._group.leave(self.name))
