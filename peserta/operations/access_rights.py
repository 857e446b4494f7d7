"""What each role may do in Kafka: one table, built from the installation's names, as Kafka's access lists (ACLs).

An administrator of the cluster creates and deletes topics, begins dates, manages companies, policies and keys, and
rebuilds. No role here has these rights.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]
from aiokafka.errors import for_code  # type: ignore[import-untyped]
from aiokafka.protocol.admin import CreateAclsRequest  # type: ignore[import-untyped]

from peserta.operations.failure import Unfit
from peserta.operations.kafka_reading import kafka_errors
from peserta.settings import Settings
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from streams.settings import WALL

PRINCIPAL_KIND: Final = "User:"
ANY_HOST: Final = "*"
ALLOW: Final = 3
# How the consumer groups of analysts must begin, after the installation's prefix.
READERS_GROUPS: Final = "reader-"
# The notifiers' group, and how their transactional ids begin, after the installation's prefix.
NOTIFIER: Final = "peserta-notifier"


class Resource(IntEnum):
    """Kinds of resources, with Kafka's numbers."""

    TOPIC = 2
    GROUP = 3
    TRANSACTIONAL_ID = 5


class Pattern(IntEnum):
    """How a right names its resources, with Kafka's numbers."""

    LITERAL = 3
    PREFIXED = 4


class Operation(IntEnum):
    """Operations, with Kafka's numbers. The right to read or to write a resource includes the right to describe it."""

    READ = 3
    WRITE = 4
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10


@dataclass(frozen=True, slots=True)
class Right:
    """One ACL entry: an operation on the resources with this name, or with names that begin with it."""

    resource: Resource
    name: str
    operation: Operation
    pattern: Pattern = Pattern.LITERAL

    def command(self, brokers: str, principal: str) -> str:
        """The command line of Kafka's own tool that grants the right."""
        return (
            f"kafka-acls.sh --bootstrap-server {brokers} --command-config admin.properties --add "
            f"--allow-principal {principal} --operation {_capitals(self.operation)} "
            f"--{self.resource.name.lower().replace('_', '-')} {self.name} "
            f"--resource-pattern-type {self.pattern.name.lower()}"
        )


def _capitals(operation: Operation) -> str:
    return "".join(word.capitalize() for word in operation.name.split("_"))


def _topics(operation: Operation, *names: str) -> list[Right]:
    return [Right(Resource.TOPIC, name, operation) for name in dict.fromkeys(names)]


def _publisher(settings: Settings) -> list[Right]:
    return _topics(Operation.WRITE, *settings.stream_settings().inbound_names)


def _importer(settings: Settings) -> list[Right]:
    """For importing sheets and rosters: send facts, write and read token marks, and read the fate of each fact."""
    streams, topics = settings.stream_settings(), settings.topics
    read = (topics.token_keys, topics.journal, topics.dead_letters, topics.ledger, topics.generations)
    return [
        *_publisher(settings),
        *_topics(Operation.WRITE, topics.token_keys),
        *_topics(Operation.READ, *read),
        Right(Resource.GROUP, streams.recorder_app, Operation.DESCRIBE),  # to see how far the recorder is
    ]


def _http_door(settings: Settings) -> list[Right]:
    topics = settings.topics
    read = (topics.keys, topics.journal, topics.dead_letters, topics.generations, topics.alerts, topics.handling)
    return [
        *_publisher(settings),
        *_topics(Operation.DESCRIBE_CONFIGS, *settings.stream_settings().inbound_names),  # to see the book's clock
        *_topics(Operation.READ, *read),
        *_topics(Operation.WRITE, topics.handling),
    ]


def _recorder(settings: Settings) -> list[Right]:
    streams, topics = settings.stream_settings(), settings.topics
    clock = [topics.clock] if settings.clock == WALL else []
    return [
        *_topics(Operation.READ, *streams.inbound_names, topics.companies, topics.policies),
        *_topics(Operation.WRITE, topics.journal, topics.dead_letters, *clock),
        *_topics(Operation.DESCRIBE_CONFIGS, *streams.inbound_names, *clock),
        Right(Resource.GROUP, streams.recorder_app, Operation.READ),
    ]


def _bookkeeper(settings: Settings) -> list[Right]:
    streams, topics = settings.stream_settings(), settings.topics
    return [
        *_topics(Operation.READ, topics.journal, topics.generations, streams.changelog),
        *_topics(
            Operation.WRITE, streams.changelog, topics.ledger, topics.book_letters, topics.alerts, topics.snapshots
        ),
        Right(Resource.GROUP, streams.bookkeeper_app, Operation.READ),
        Right(Resource.TRANSACTIONAL_ID, f"{streams.bookkeeper_app}-", Operation.WRITE, Pattern.PREFIXED),
    ]


def _sink(settings: Settings) -> list[Right]:
    topics = settings.topics
    return _topics(Operation.READ, *_outputs(settings), topics.notices, topics.handling, topics.generations)


def _reader(settings: Settings) -> list[Right]:
    streams, topics = settings.stream_settings(), settings.topics
    return [
        *_topics(Operation.READ, *_outputs(settings), topics.generations, topics.companies, topics.policies),
        *_topics(Operation.READ, topics.handling),  # shown beside alerts
        *(
            Right(Resource.GROUP, app, Operation.DESCRIBE) for app in (streams.recorder_app, streams.bookkeeper_app)
        ),  # to see how far the workers are
        Right(Resource.GROUP, settings.topic_prefix + READERS_GROUPS, Operation.READ, Pattern.PREFIXED),
    ]


def _notifier(settings: Settings) -> list[Right]:
    """For the worker that tells people of alerts: it alone writes notices."""
    topics = settings.topics
    read = (topics.alerts, topics.ledger, topics.generations, topics.companies, topics.policies)
    return [
        *_topics(Operation.READ, *read, topics.subscriptions, topics.notice_orders, topics.handling, topics.notices),
        *_topics(Operation.WRITE, topics.notices),
        Right(Resource.GROUP, settings.topic_prefix + NOTIFIER, Operation.READ),
        Right(Resource.TRANSACTIONAL_ID, settings.topic_prefix + NOTIFIER, Operation.WRITE, Pattern.PREFIXED),
    ]


def _officer(settings: Settings) -> list[Right]:
    """For a person who decides who is told of alerts, and who handles them."""
    topics = settings.topics
    by_hand = (topics.subscriptions, topics.notice_orders, topics.handling)
    return [
        *_topics(Operation.READ, topics.alerts, topics.generations, topics.companies, topics.policies),
        *_topics(Operation.READ, *by_hand, topics.notices),
        *_topics(Operation.WRITE, *by_hand),
    ]


def _outputs(settings: Settings) -> tuple[str, ...]:
    topics = settings.topics
    return (
        topics.journal,
        topics.ledger,
        topics.snapshots,
        topics.alerts,
        topics.dead_letters,
        topics.book_letters,
    )


# Role -> the rights that it needs in this installation, for the generation in the settings.
ROLES: Final[dict[str, Callable[[Settings], list[Right]]]] = {
    "publisher": _publisher,
    "importer": _importer,
    "http-door": _http_door,
    "recorder": _recorder,
    "book-keeper": _bookkeeper,
    "sink": _sink,
    "reader": _reader,
    "notifier": _notifier,
    "officer": _officer,
}


def rights_of(role: str, settings: Settings) -> list[Right]:
    """The rights of a role: all that it needs, and no others."""
    return ROLES[role](settings)


async def grant(brokers: Brokers, principal: str, rights: Iterable[Right]) -> int:
    """Add these rights to the brokers' ACLs; return their number. Rights that exist already stay.

    `principal` is a kind and a name, such as `User:recorder`. Raises Unavailable, or Unfit if the brokers have no ACLs
    or do not let this client change them.
    """
    client, wanted = AIOKafkaClient(**client_options(brokers)), list(rights)
    try:
        with kafka_errors(brokers):
            await client.bootstrap()
            for right in wanted:
                request = CreateAclsRequest(
                    right.resource, right.name, right.pattern, principal, ANY_HOST, right.operation, ALLOW
                )
                answer = await client.send(client.get_random_node(), request)
                for code, _ in answer.creation_responses:
                    if code:
                        raise Unfit(f"Kafka at {brokers} grants nothing to {principal}: {for_code(code).__name__}.")
    finally:
        await client.close()
    return len(wanted)
