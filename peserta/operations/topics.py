"""The topics: one table of what each keeps, for how long and how much a record batch may weigh; and their creation.

Brokers must not make topics by themselves (`auto.create.topics.enable=false`): a topic with limits that nobody chose
loses a journal. All topics have the same number of partitions, so that one partition owns a company from end to end.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError, for_code  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from schemas.topics import (
    ALERTS,
    CLOCK,
    COMPANIES,
    DEAD_LETTERS,
    FACTS,
    GENERATIONS,
    JOURNAL,
    LEDGER,
    POLICIES,
    SNAPSHOTS,
    of_generation,
)
from streams.settings import BOOKKEEPER_APP, STATE_NAME, TIMESTAMP_TYPE

PARTITIONS = 8
CREATE_LIMIT_S = 30.0
RETRY_S = 0.1

DAY_MS = 24 * 60 * 60 * 1000
FOR_EVER_MS = -1
# A limit on a batch as it is sent, not on a record: a publisher's usual batch fits.
INBOUND_BATCH_BYTES = 1024 * 1024 + 12
# A correction in a worker's full history posts some thousand lines in one record; a refused batch would stop the book.
OWN_BATCH_BYTES = 8 * 1024 * 1024
# Only closed segments are compacted; what is read from its beginning at each start should stay near its live size.
COMPACTED_SEGMENT_BYTES = 64 * 1024 * 1024
DIRTY_RATIO = 0.2
# Kafka refuses records dated over an hour ahead; a book that replays a history up to a planned date has such.
ANY_TIME_AHEAD_MS = 2**63 - 1

ALREADY_EXISTS = 36


class TopicError(RuntimeError):
    """The topics are not as this installation needs them; the text says which, and what to do."""


class NotThereYetError(Exception):
    """A topic that was just made is not yet known, or a partition of it has no leader."""


@dataclass(frozen=True)
class Topic:
    """One row of the table: `retention_ms` counts from a record's timestamp, and is not used when compacted."""

    name: str
    cleanup: Literal["delete", "compact"]
    retention_ms: int = FOR_EVER_MS
    batch_bytes: int = OWN_BATCH_BYTES
    timestamps: Literal["CreateTime", "LogAppendTime"] = "CreateTime"
    partitions: int | None = None  # None: as many as the installation has

    def settings(self, replication: int) -> dict[str, str]:
        """The topic's settings under Kafka's names."""
        settings: dict[str, object] = {
            "cleanup.policy": self.cleanup,
            "retention.ms": self.retention_ms,
            "max.message.bytes": self.batch_bytes,
            "min.insync.replicas": max(1, min(2, replication - 1)),
            # A replica that lacks acknowledged records must never lead, whatever the cluster's default.
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
    """All topics. `inbound` names every topic that publishers write to; `prefix` stands before every name; what the
    book-keeper writes is named after the `generation` of the book.

    `history` is for a book with `clock: replay`: Kafka counts retention from the records' own timestamps, so that
    old facts would be deleted before the recorder reads them; nothing is deleted then. In a book with `clock: wall`
    the broker stamps inbound records itself, so that a publisher's clock decides nothing; and there is a topic in which
    recorders ask what time the broker has.
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
        *([] if history else [Topic(CLOCK, "delete", DAY_MS, timestamps="LogAppendTime", partitions=1)]),
        *book_topics(generation, letters_ms),
    )
    return tuple(replace(row, name=prefix + row.name) for row in table)


def book_topics(generation: int, letters_ms: int = FOR_EVER_MS) -> tuple[Topic, ...]:
    """What the book-keeper writes in a generation, without the prefix. The first one's dead letters are in the
    recorder's topic: they are not among these."""
    state = f"{of_generation(BOOKKEEPER_APP, generation)}-{STATE_NAME}-changelog"
    return (
        Topic(of_generation(LEDGER, generation), "delete"),
        Topic(of_generation(SNAPSHOTS, generation), "compact"),
        Topic(of_generation(ALERTS, generation), "delete"),
        *([Topic(of_generation(DEAD_LETTERS, generation), "delete", letters_ms)] if generation > 1 else ()),
        Topic(state, "compact"),
    )


async def create_topics(
    address: str,
    *,
    prefix: str = "",
    partitions: int = PARTITIONS,
    replication: int = 1,
    inbound: Sequence[str] = (FACTS,),
    history: bool = False,
    generation: int = 1,
    timeout_s: float = CREATE_LIMIT_S,
    client: Mapping[str, object] | None = None,
) -> tuple[Topic, ...]:
    """Make what is missing of the table at the brokers `address`; return the table when all of it is there.

    Doing it again changes nothing: settings of topics that exist are left as they are. `client` holds further options
    of the admin client (SASL, TLS). Raises TopicError for another number of partitions or a refusal by the brokers.
    """
    table = topic_table(prefix=prefix, inbound=inbound, history=history, generation=generation)
    admin = AIOKafkaAdminClient(bootstrap_servers=address, **(client or {}))
    try:
        await admin.start()
        known = await _leaders(admin)
        await _create(admin, [row for row in table if row.name not in known], partitions, replication)
        await _wait_until_there(admin, table, partitions, timeout_s)
    except KafkaError as error:
        raise TopicError(f"The topics could not be made at {address}: {error!r}") from error
    finally:
        await admin.close()
    return table


async def _create(admin: AIOKafkaAdminClient, missing: Sequence[Topic], partitions: int, replication: int) -> None:
    asked = [
        NewTopic(row.name, row.partitions or partitions, replication, topic_configs=row.settings(replication))
        for row in missing
    ]
    if not asked:
        return
    response = await admin.create_topics(asked)
    for name, code, *why in response.topic_errors:
        if code not in (0, ALREADY_EXISTS):  # Another process made it meanwhile: the check that follows is enough.
            reason = f"{for_code(code).__name__} {' '.join(map(str, why)).rstrip('.')}"
            raise TopicError(f"Kafka refuses to make the topic {name}: {reason}.")


async def _leaders(admin: AIOKafkaAdminClient) -> dict[str, list[int]]:
    """For each topic that there is, the leader of each of its partitions; -1 where there is none."""
    described = await admin.describe_topics()
    return {one["topic"]: [part["leader"] for part in one["partitions"]] for one in described}


async def _wait_until_there(
    admin: AIOKafkaAdminClient, table: Iterable[Topic], partitions: int, timeout_s: float
) -> None:
    waiting = AsyncRetrying(
        retry=retry_if_exception_type(NotThereYetError),
        wait=wait_fixed(RETRY_S),
        stop=stop_after_delay(timeout_s),
        reraise=True,
    )
    try:
        await waiting(_verify, admin, table, partitions)
    except NotThereYetError as error:
        raise TopicError(f"{error} after {timeout_s} s. See the brokers' logs.") from error


async def _verify(admin: AIOKafkaAdminClient, table: Iterable[Topic], partitions: int) -> None:
    known = await _leaders(admin)
    for row in table:
        leaders = known.get(row.name, [])
        wanted = row.partitions or partitions
        if leaders and len(leaders) != wanted:
            raise TopicError(
                f"The topic {row.name} has {len(leaders)} partitions and not {wanted}: all topics of a book need "
                f"the same number, and it stays. Ask for {len(leaders)} partitions, or take another prefix or cluster."
            )
        if not leaders or min(leaders) < 0:
            raise NotThereYetError(f"The topic {row.name} is not there with all its leaders")
