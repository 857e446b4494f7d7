"""A broker in memory: topics and the transaction coordinator. Each method is a request that takes effect at once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from aiokafka.errors import (  # type: ignore[import-untyped]
    ConcurrentTransactions,
    InvalidTxnState,
    MessageSizeTooLargeError,
    ProducerFenced,
    UnknownTopicOrPartitionError,
)

from tests.simulation.groups import Group
from tests.support.installation_in_memory import TopicsInMemory
from tests.support.partition_log import Identity, NewRecord, PartitionLog

RECORD_BYTES_MAX: Final = 1_000_000
Place = tuple[str, int]


class Stage(Enum):
    """The stage of a transaction."""

    NONE = auto()
    OPEN = auto()
    COMPLETING = auto()  # decided, but some of its partitions have no marker yet
    COMPLETED = auto()


class Timing(NamedTuple):
    """`later(delay_s, call)` schedules a call; `marker_s` returns how long a marker takes; `now_ms` is the clock."""

    later: Callable[[float, Callable[[], None]], Any]
    marker_s: Callable[[], float]
    now_ms: Callable[[], int]


@dataclass
class Coordinated:
    """The coordinator's state of a transactional id."""

    identity: Identity
    timeout_s: float
    stage: Stage = Stage.NONE
    is_committed: bool = False
    places: set[Place] = field(default_factory=set)
    number: int = 0  # of its transactions


class Broker(TopicsInMemory):
    """`listeners` are called whenever a reader may see more."""

    def __init__(self, timing: Timing) -> None:
        super().__init__()
        self.timing = timing
        self.groups: dict[str, Group] = {}
        self._stamped: set[str] = set()
        self.listeners: list[Callable[[], None]] = []
        self._coordinated: dict[str, Coordinated] = {}
        self._ids = 0

    def create_topic(self, topic: str, partitions: int, *, stamps: bool = False) -> None:
        """`stamps`: the topic has message.timestamp.type=LogAppendTime."""
        super().create_topic(topic, partitions)
        if stamps:
            self._stamped.add(topic)

    def log(self, place: Place) -> PartitionLog:
        if place not in self.logs:
            raise UnknownTopicOrPartitionError(str(place))
        return self.logs[place]

    def stamps(self, topic: str) -> bool:
        """Whether it has message.timestamp.type=LogAppendTime."""
        return topic in self._stamped

    def group(self, name: str) -> Group:
        return self.groups.setdefault(name, Group(self.timing.later))

    # ------------------------------------------------------------------------------------------------- producers

    def init_producer(self, transactional_id: str | None, timeout_s: float) -> Identity:
        """A new identity. Under a known transactional id it fences its predecessor, whose open transaction is aborted
        first. Raises ConcurrentTransactions until that is done.
        """
        if transactional_id is None:
            self._ids += 1
            return Identity(self._ids, 0)
        known = self._coordinated.get(transactional_id)
        if known is None:
            self._ids += 1
            known = self._coordinated[transactional_id] = Coordinated(Identity(self._ids, -1), timeout_s)
        if known.stage is Stage.OPEN:
            self._abort(known)
        if known.stage is Stage.COMPLETING:
            raise ConcurrentTransactions
        known.identity = known.identity._replace(epoch=known.identity.epoch + 1)
        known.timeout_s, known.stage = timeout_s, Stage.NONE
        return known.identity

    def add_partition(self, transactional_id: str, identity: Identity, place: Place) -> None:
        """Add a partition to the transaction; the first one begins it."""
        known = self._current(transactional_id, identity)
        if known.stage is Stage.COMPLETING:
            raise ConcurrentTransactions
        self.log(place)
        if known.stage is not Stage.OPEN:
            known.stage, known.places, known.number = Stage.OPEN, set(), known.number + 1
            number = known.number
            self.timing.later(known.timeout_s, lambda: self._expire(known, number))
        known.places.add(place)

    def produce(
        self,
        place: Place,
        records: Sequence[NewRecord],
        identity: Identity | None,
        sequence: int,
        transactional_id: str | None = None,
    ) -> int:
        """Append a batch; returns the offset of its first record."""
        if any(len(record.key or b"") + len(record.value or b"") > RECORD_BYTES_MAX for record in records):
            raise MessageSizeTooLargeError
        log = self.log(place)
        if transactional_id is not None and identity is not None:
            known = self._current(transactional_id, identity)
            if known.stage is not Stage.OPEN or place not in known.places:
                raise InvalidTxnState
        if self.stamps(place[0]):
            now_ms = self.timing.now_ms()
            records = [record._replace(timestamp=now_ms) for record in records]
        offset = log.append(records, identity, sequence, open_=transactional_id is not None)
        self._tell()
        return offset

    def end(self, transactional_id: str, identity: Identity, is_committed: bool) -> None:
        """Commit or abort the transaction; its markers are written after the answer. A repeat changes nothing."""
        known = self._current(transactional_id, identity)
        if known.stage in (Stage.COMPLETING, Stage.COMPLETED) and known.is_committed is is_committed:
            return
        if known.stage is not Stage.OPEN:
            raise InvalidTxnState
        self._complete(known, is_committed)

    def _current(self, transactional_id: str, identity: Identity) -> Coordinated:
        known = self._coordinated[transactional_id]
        if known.identity != identity:
            raise ProducerFenced
        return known

    def _expire(self, known: Coordinated, number: int) -> None:
        if known.stage is Stage.OPEN and known.number == number:
            self._abort(known)

    def _abort(self, known: Coordinated) -> None:
        """Abort by the coordinator, under a new epoch, so that the producer that began it is fenced."""
        known.identity = known.identity._replace(epoch=known.identity.epoch + 1)
        self._complete(known, False)

    def _complete(self, known: Coordinated, is_committed: bool) -> None:
        known.stage, known.is_committed = Stage.COMPLETING, is_committed
        for place in sorted(known.places):
            self.timing.later(self.timing.marker_s(), self._marking(known, place, known.identity))

    def _marking(self, known: Coordinated, place: Place, identity: Identity) -> Callable[[], None]:
        def mark() -> None:
            self.logs[place].mark(identity, known.is_committed, self.timing.now_ms())
            known.places.discard(place)
            if not known.places:
                known.stage = Stage.COMPLETED
            self._tell()

        return mark

    def _tell(self) -> None:
        listeners, self.listeners = self.listeners, []
        for listener in listeners:
            listener()
