"""What goes through a lane: raw records in, and the effects of a batch of them. Bytes, nothing decoded."""

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
    """The records of one partition in one fetch, and the stretch [start, next_offset) of the log that they stand for.

    The stretch also covers what a reader never sees: transaction markers, aborted records, offsets gone by compaction.
    """

    records: list[Record]
    start: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What one step causes, written in one transaction.

    `outputs`: topic -> records in order, each to the partition number of the source;
    `changed`: row -> value, None removes it.
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
    """A batch whose effect is durable: `records` were taken in, everything below `next_offset` is done.

    `end_offset` is where the source ended when last heard of. `written` records carry the effect, those of the state
    among them; 0: there was none, and so no transaction. `step_seconds` is the step's own time, `seconds` the time from
    the step's end to the commit.
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
        """Offsets still to do; 0 means caught up."""
        return max(0, self.end_offset - self.next_offset)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A partition whose state is complete: `rows` of it, `seconds` from the first step of the takeover until now."""

    partition: int
    rows: int
    seconds: float


TransactionalStep = Callable[[int, str, Sequence[Record], Rows], Effect]
AppendStep = Callable[[str, int, Sequence[Record]], Sequence[Append]]
BeforeStep = Callable[[Sequence[Record]], Awaitable[None]]
OnOpened = Callable[[int, Rows], None]
OnClosed = Callable[[int], None]
OnTaken = Callable[[], None]
OnCommitted = Callable[[Committed], None]
OnAssigned = Callable[[frozenset[int]], None]
OnRecovered = Callable[[Recovered], None]
