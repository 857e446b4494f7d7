"""What goes through a lane: raw records, and the effect of a batch of them. All are bytes; nothing is decoded."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

KeyValue = tuple[bytes | None, bytes | None]
Rows = MutableMapping[bytes, bytes]


class Record(Protocol):
    """A raw record as aiokafka's consumer gives it; `timestamp` in milliseconds."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(slots=True)
class Batch:
    """The records of one partition in one fetch, and the offsets [start, next_offset) that they cover.

    These also cover what a reader never sees: transaction markers, aborted records and compacted records.
    """

    records: list[Record]
    start: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Effect:
    """The result of one step, written in one transaction.

    `outputs`: topic -> records in order, each sent to the partition number of the source.
    `changed`: row -> value; None removes the row.
    """

    outputs: Mapping[str, Sequence[KeyValue]] = field(default_factory=dict)
    changed: Mapping[bytes, bytes | None] = field(default_factory=dict)


class Append(NamedTuple):
    """One record for an appending lane to append."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch whose effect is durable: `records` is how many it had; every offset below `next_offset` is done.

    `end_offset` is the source's end as the broker last reported it. `written` is the number of records written,
    including those of the state; 0 means that there was no effect and no transaction. `step_seconds` is the duration of
    the step, `seconds` the time from the end of the step to the commit.
    """

    topic: str
    partition: int
    next_offset: int
    end_offset: int
    records: int
    written: int
    step_seconds: float
    seconds: float

    @property
    def lag(self) -> int:
        """Offsets still to be processed; 0 means caught up."""
        return max(0, self.end_offset - self.next_offset)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A partition whose state is complete: its number of rows, and the seconds since the takeover began."""

    partition: int
    rows: int
    seconds: float


TransactionalStep = Callable[[int, str, Sequence[Record], Rows], Effect]
AppendStep = Callable[[str, int, Sequence[Record]], Sequence[Append]]
BeforeStart = Callable[[], Awaitable[None]]
BeforeStep = Callable[[Sequence[Record]], Awaitable[None]]
OnOpened = Callable[[int, Rows], None]
OnClosed = Callable[[int], None]
OnTaken = Callable[[], None]
OnCommitted = Callable[[Committed], None]
OnAssigned = Callable[[frozenset[int]], None]
OnRecovered = Callable[[Recovered], None]
