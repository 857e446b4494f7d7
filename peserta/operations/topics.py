"""Create the missing topics of the topic table, with its settings.

Brokers must not create topics by themselves (`auto.create.topics.enable=false`): a topic with default retention loses a
journal.
"""

from collections.abc import Iterable, Sequence

from aiokafka.admin import AIOKafkaAdminClient, NewTopic  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError, for_code  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from peserta.operations.failure import Unavailable
from peserta.operations.lost_topics import go_on_behind, seen_of_lost
from peserta.operations.opened import check_opened, opened_with
from peserta.operations.opening import open_book
from peserta.operations.topic_table import Topic, topic_table
from peserta.settings import Settings
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.topics import FACTS
from streams.settings import REPLAY

PARTITIONS = 8
CREATE_LIMIT_S = 30.0
RETRY_S = 0.1

ALREADY_EXISTS = 36


class TopicError(RuntimeError):
    """The topics do not fit this installation. The message says which, and what to do."""


class NotThereYetError(Exception):
    """A topic that was just created is not known yet, or one of its partitions has no leader."""


async def make_topics(settings: Settings) -> tuple[Topic, ...]:
    """Create this generation's missing topics and return its whole table.

    Creating the topics of a new book opens it: its days of grace are recorded. Raises Failed if the topics do not fit,
    if the brokers refuse, or if a topic is missing that must not be created again.
    """
    book = await opened_with(settings)
    check_opened(settings, book)
    seen = await seen_of_lost(settings)
    try:
        made = await create_topics(
            settings.kafka,
            prefix=settings.topic_prefix,
            partitions=settings.partitions,
            replication=settings.replication,
            inbound=[topic.name for topic in settings.inbound_topics],
            history=settings.clock == REPLAY,
            generation=settings.generation,
        )
    except TopicError as error:
        raise Unavailable(str(error)) from error
    await go_on_behind(settings, seen)
    if not book:
        await open_book(settings)
    return made


async def create_topics(
    address: Brokers,
    *,
    prefix: str = "",
    partitions: int = PARTITIONS,
    replication: int = 1,
    inbound: Sequence[str] = (FACTS,),
    history: bool = False,
    generation: int = 1,
    timeout_s: float = CREATE_LIMIT_S,
) -> tuple[Topic, ...]:
    """Create the missing topics of the table at the brokers `address`; return the table once every topic exists.

    Repeating the call changes nothing: existing topics keep their settings. Raises TopicError if a topic has another
    number of partitions or if the brokers refuse.
    """
    table = topic_table(prefix=prefix, inbound=inbound, history=history, generation=generation)
    admin = AIOKafkaAdminClient(**client_options(address))
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
        if code not in (0, ALREADY_EXISTS):  # Another process has created it; the check that follows is enough.
            reason = f"{for_code(code).__name__} {' '.join(map(str, why)).rstrip('.')}"
            raise TopicError(f"Kafka refuses to make the topic {name}: {reason}.")


async def _leaders(admin: AIOKafkaAdminClient) -> dict[str, list[int]]:
    """Topic -> the leader of each of its partitions; -1 for a partition without a leader."""
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
