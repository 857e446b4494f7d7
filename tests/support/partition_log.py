"""One partition of a log, by Kafka's rules: offsets, transactions and their markers, repeats of an idempotent producer.

The contract is Kafka's; `tests/kafka_rules` holds this log and a real broker against the same cases.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Final, NamedTuple

from aiokafka.errors import (  # type: ignore[import-untyped]
    InvalidProducerEpoch,
    OffsetOutOfRangeError,
    OutOfOrderSequenceNumber,
)

BATCHES_KNOWN: Final = 5  # of each producer: repeats of older ones are out of order
COMMITTED: Final = "read_committed"
UNCOMMITTED: Final = "read_uncommitted"


class Identity(NamedTuple):
    """A producer: the higher epoch of an id fences the lower."""

    producer_id: int
    epoch: int


class NewRecord(NamedTuple):
    """A record as it is sent."""

    key: bytes | None
    value: bytes | None
    timestamp: int


@dataclass(slots=True)
class Transaction:
    """`is_committed` None: open."""

    first_offset: int
    is_committed: bool | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as a consumer gives it, or a transaction's marker."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    transaction: Transaction | None = None
    is_marker: bool = False

    def is_visible(self, isolation: str) -> bool:
        """Whether a reader sees it; a committed reader never asks for what is still open."""
        if self.is_marker:
            return False
        return self.transaction is None or isolation == UNCOMMITTED or bool(self.transaction.is_committed)


@dataclass(slots=True)
class Remembered:
    """What a partition remembers of one producer."""

    epoch: int
    next_sequence: int = 0
    batches: deque[tuple[int, int, int]] = field(default_factory=lambda: deque(maxlen=BATCHES_KNOWN))


class Fetched(NamedTuple):
    """Records seen, and where the reader stands behind them."""

    records: list[Stored]
    next_offset: int


class PartitionLog:
    """Everything in here happens at once."""

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.begin = 0
        self.stored: list[Stored] = []  # with gaps where compaction, or a test, has removed records
        self._producers: dict[int, Remembered] = {}
        self._open: dict[int, Transaction] = {}

    @property
    def end(self) -> int:
        """Behind the last record."""
        return self.stored[-1].offset + 1 if self.stored else self.begin

    @property
    def stable_end(self) -> int:
        """Behind the last record that a committed reader may know of: the first open transaction holds up the rest."""
        return min((open_.first_offset for open_ in self._open.values()), default=self.end)

    def timestamp(self, offset: int) -> int:
        """Of the record at this offset."""
        return self.stored[self._at(offset)].timestamp

    def _at(self, offset: int) -> int:
        """The place in `stored` of the first record at this offset or behind it."""
        return bisect_left(self.stored, offset, key=attrgetter("offset"))

    def copy(self) -> "PartitionLog":
        """Another log with the same records, which knows no producer."""
        other = PartitionLog(self.topic, self.partition)
        other.begin, other.stored = self.begin, list(self.stored)
        return other

    def append(
        self, records: Sequence[NewRecord], identity: Identity | None = None, sequence: int = 0, *, open_: bool = False
    ) -> int:
        """Append in order; the offset of the first. `open_`: as part of the producer's transaction.

        A repeat of one of the producer's last batches gives its offset again. Raises InvalidProducerEpoch or
        OutOfOrderSequenceNumber.
        """
        if identity is not None:
            known = self._known(identity)
            for first, count, offset in known.batches:
                if (first, count) == (sequence, len(records)):
                    return offset
            if sequence != known.next_sequence:
                raise OutOfOrderSequenceNumber(f"{sequence}, expected {known.next_sequence}")
            known.next_sequence += len(records)
            known.batches.append((sequence, len(records), self.end))
        offset = self.end
        transaction = None
        if open_ and identity is not None:
            transaction = self._open.setdefault(identity.producer_id, Transaction(offset))
        for key, value, timestamp in records:
            self.stored.append(Stored(self.topic, self.partition, self.end, key, value, timestamp, transaction))
        return offset

    def _known(self, identity: Identity) -> Remembered:
        known = self._producers.get(identity.producer_id)
        if known is None or known.epoch < identity.epoch:
            known = self._producers[identity.producer_id] = Remembered(identity.epoch)
        if identity.epoch < known.epoch:
            raise InvalidProducerEpoch(f"{identity.epoch}, known {known.epoch}")
        return known

    def mark(self, identity: Identity, is_committed: bool, at_ms: int) -> None:
        """End the producer's transaction: a marker, which takes an offset; older epochs are fenced from here on."""
        self._known(identity)
        transaction = self._open.pop(identity.producer_id, Transaction(self.end))
        transaction.is_committed = is_committed
        self.stored.append(Stored(self.topic, self.partition, self.end, None, None, at_ms, transaction, is_marker=True))

    def fetch(self, offset: int, isolation: str, records_max: int) -> Fetched:
        """From this offset on, what the reader may see. Raises OffsetOutOfRangeError."""
        if not self.begin <= offset <= self.end:
            raise OffsetOutOfRangeError(offset)
        limit = self.end if isolation == UNCOMMITTED else self.stable_end
        records: list[Stored] = []
        for stored in self.stored[self._at(offset) : self._at(limit)]:
            if stored.is_visible(isolation):
                if len(records) == records_max:
                    return Fetched(records, records[-1].offset + 1)
                records.append(stored)
        return Fetched(records, max(offset, limit))

    def delete_before(self, offset: int) -> None:
        """As retention does."""
        self.begin = max(self.begin, min(offset, self.end))
