"""The table of topics: contents, retention and the largest record batch.

All topics have the same number of partitions, so that one partition owns a company from end to end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from peserta.settings import Settings
from schemas.topics import (
    ALERTS,
    CLOCK,
    COMPANIES,
    DEAD_LETTERS,
    FACTS,
    GENERATIONS,
    HANDLING,
    JOURNAL,
    KEYS,
    LEDGER,
    NOTICE_ORDERS,
    NOTICES,
    POLICIES,
    SNAPSHOTS,
    SUBSCRIPTIONS,
    TOKEN_KEYS,
    of_generation,
)
from streams.settings import BOOKKEEPER_APP, REPLAY, STATE_NAME, TIMESTAMP_TYPE

DAY_MS = 24 * 60 * 60 * 1000
FOR_EVER_MS = -1
# The broker limits a batch as sent, not a record. A publisher's usual batch is within this limit.
INBOUND_BATCH_BYTES = 1024 * 1024 + 12
# A correction in a worker's long history posts some thousand lines in one record. A refused batch would stop the book.
OWN_BATCH_BYTES = 8 * 1024 * 1024
# Kafka compacts closed segments only. Topics that are read from the beginning at each start should stay near their live
# size.
COMPACTED_SEGMENT_BYTES = 64 * 1024 * 1024
DIRTY_RATIO = 0.2
# Kafka refuses records dated over an hour ahead. A book that replays a history up to a planned date has such records.
ANY_TIME_AHEAD_MS = 2**63 - 1


@dataclass(frozen=True)
class Topic:
    """One row of the table. `retention_ms` counts from a record's timestamp; a compacted topic does not use it."""

    name: str
    cleanup: Literal["delete", "compact"]
    retention_ms: int = FOR_EVER_MS
    batch_bytes: int = OWN_BATCH_BYTES
    timestamps: Literal["CreateTime", "LogAppendTime"] = "CreateTime"
    partitions: int | None = None  # None: the installation's number

    def settings(self, replication: int) -> dict[str, str]:
        """The topic's settings under Kafka's names."""
        settings: dict[str, object] = {
            "cleanup.policy": self.cleanup,
            "retention.ms": self.retention_ms,
            "max.message.bytes": self.batch_bytes,
            "min.insync.replicas": max(1, min(2, replication - 1)),
            # A replica that lacks acknowledged records must never become leader, whatever the cluster's default.
            "unclean.leader.election.enable": "false",
            TIMESTAMP_TYPE: self.timestamps,
            "message.timestamp.after.max.ms": ANY_TIME_AHEAD_MS,
        }
        if self.cleanup == "compact":
            settings |= {"segment.bytes": COMPACTED_SEGMENT_BYTES, "min.cleanable.dirty.ratio": DIRTY_RATIO}
        return {name: str(value) for name, value in settings.items()}


def topic_table(
    *, prefix: str = "", inbound: Sequence[str] = (FACTS,), history: bool = False, generation: int = 1
) -> tuple[Topic, ...]:
    """All topics. `inbound` names every topic that publishers write to, and `prefix` begins every name.

    The topics that the book-keeper writes carry the `generation` of the book in their names. `history` is for a book
    with `clock: replay`: Kafka counts retention from the records' own timestamps and would delete old facts before the
    recorder reads them, so nothing is deleted. In a book with `clock: wall` the broker stamps inbound records itself,
    so that a publisher's clock has no effect. Such a book also has a topic from which recorders learn the broker's
    time.
    """
    kept_ms = FOR_EVER_MS if history else 30 * DAY_MS
    letters_ms = FOR_EVER_MS if history else 90 * DAY_MS
    stamps: Literal["CreateTime", "LogAppendTime"] = "CreateTime" if history else "LogAppendTime"
    table = (
        *(Topic(name, "delete", kept_ms, INBOUND_BATCH_BYTES, stamps) for name in inbound),
        Topic(COMPANIES, "compact", FOR_EVER_MS, INBOUND_BATCH_BYTES, stamps),
        Topic(POLICIES, "compact", FOR_EVER_MS, INBOUND_BATCH_BYTES, stamps),
        Topic(JOURNAL, "delete"),
        Topic(DEAD_LETTERS, "delete", letters_ms),
        Topic(GENERATIONS, "compact", partitions=1),
        Topic(TOKEN_KEYS, "delete", partitions=1),
        Topic(KEYS, "compact", partitions=1),
        *(Topic(name, "compact", partitions=1) for name in (SUBSCRIPTIONS, NOTICES, NOTICE_ORDERS, HANDLING)),
        *([] if history else [Topic(CLOCK, "delete", DAY_MS, timestamps="LogAppendTime", partitions=1)]),
        *book_topics(generation, letters_ms),
    )
    return tuple(replace(row, name=prefix + row.name) for row in table)


def topics_of(settings: Settings) -> tuple[Topic, ...]:
    """The table of an installation, for the generation in its settings."""
    return topic_table(
        prefix=settings.topic_prefix,
        inbound=[topic.name for topic in settings.inbound_topics],
        history=settings.clock == REPLAY,
        generation=settings.generation,
    )


def book_topics(generation: int, letters_ms: int = FOR_EVER_MS) -> tuple[Topic, ...]:
    """The topics that the book-keeper writes in a generation, without the prefix.

    The first generation's dead letters go to the recorder's topic, which is not among these.
    """
    state = f"{of_generation(BOOKKEEPER_APP, generation)}-{STATE_NAME}-changelog"
    return (
        Topic(of_generation(LEDGER, generation), "delete"),
        Topic(of_generation(SNAPSHOTS, generation), "compact"),
        Topic(of_generation(ALERTS, generation), "delete"),
        *([Topic(of_generation(DEAD_LETTERS, generation), "delete", letters_ms)] if generation > 1 else ()),
        Topic(state, "compact"),
    )
