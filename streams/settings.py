"""The settings of the two workers: one frozen object, made by the caller that starts them."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from schemas.kafka.access import Brokers
from schemas.topics import FACTS, TopicNames, of_generation
from schemas.vocabulary import KINDS
from streams.core.book import GRACE_DAYS_DEFAULT
from streams.schema_registry.access import RegistryAccess

PARTITIONS_DEFAULT: Final = 8
RECORDER_APP: Final = "peserta-recorder"
BOOKKEEPER_APP: Final = "peserta-bookkeeper"
STATE_NAME: Final = "book"

# A book's clock shows in the settings of its inbound topics: the broker stamps the records, or the publisher does.
TIMESTAMP_TYPE: Final = "message.timestamp.type"

IN_MEMORY: Final = "memory"
ON_DISK: Final = "disk"
STATE_CACHE_MB_DEFAULT: Final = 256
GATHER_MS_DEFAULT: Final = 200

WALL: Final = "wall"
REPLAY: Final = "replay"


@dataclass(frozen=True, slots=True)
class InboundTopic:
    """A topic of facts: its name without the prefix, and the record types that it may carry."""

    name: str = FACTS
    types: tuple[str, ...] = KINDS


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """`clock` is `wall` or `replay`. With `wall`, entries get the time of recording and business dates begin by
    themselves. With `replay`, entries get the record's timestamp and dates begin by command. `state` says where the
    book-keeper's state is: `memory`, or `disk` (below `data_dir`, with a cache in memory). The recorder also reads the
    ids of the schema registry `registry`, if there is one. `gather_ms`: how long a
    fact may wait on its way to its alert, in both workers together, for others to come with it; with 0 neither waits,
    and both ask the broker more often when nothing comes."""

    kafka: Brokers
    data_dir: Path
    topics: TopicNames = field(default_factory=TopicNames)
    partitions: int = PARTITIONS_DEFAULT
    inbound: tuple[InboundTopic, ...] = (InboundTopic(),)
    clock: str = WALL
    grace_days: int = GRACE_DAYS_DEFAULT
    state: str = IN_MEMORY
    state_cache_bytes: int = STATE_CACHE_MB_DEFAULT << 20
    registry: RegistryAccess | None = None
    gather_ms: int = GATHER_MS_DEFAULT

    @property
    def inbound_names(self) -> tuple[str, ...]:
        """Names of the topics of facts, with the prefix."""
        return tuple(self.topics.prefix + topic.name for topic in self.inbound)

    @property
    def recorder_topic_settings(self) -> dict[str, dict[str, str]]:
        """The topic settings that the recorder requires in a book with this clock."""
        if self.clock == REPLAY:
            return {name: {TIMESTAMP_TYPE: "CreateTime"} for name in self.inbound_names}
        return {name: {TIMESTAMP_TYPE: "LogAppendTime"} for name in (*self.inbound_names, self.topics.clock)}

    @property
    def clock_remedy(self) -> str:
        """What an operator is told whose topics lack `recorder_topic_settings`."""
        other = WALL if self.clock == REPLAY else REPLAY
        return (
            f"this book was opened with clock: {other}, for good, and this recorder was started with clock: "
            f"{self.clock}. Set PESERTA_CLOCK={other}, or open another book under another PESERTA_TOPIC_PREFIX"
        )

    @property
    def recorder_app(self) -> str:
        return self.topics.prefix + RECORDER_APP

    @property
    def bookkeeper_app(self) -> str:
        """The name from which the book-keeper's group, state and transactional ids are made; each generation has its
        own."""
        return of_generation(self.topics.prefix + BOOKKEEPER_APP, self.topics.generation)

    @property
    def changelog(self) -> str:
        """The changelog topic of the book-keeper's state."""
        return f"{self.bookkeeper_app}-{STATE_NAME}-changelog"
