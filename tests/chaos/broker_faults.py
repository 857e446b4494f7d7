"""Faults of brokers: one, some or all killed, leadership moving, batches rejected, a full disk."""

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from deploy.embedded.process import Process
from peserta.operations.topic_table import Topic, topic_table
from peserta.settings import Settings
from streams.lane.stop_code import StopCode
from tests.chaos.broker_orders import (
    GROUP_COORDINATOR,
    TRANSACTION_COORDINATOR,
    allow_writing,
    coordinator,
    forbid_writing,
    set_topic,
)
from tests.chaos.scenario import PIECE, Act
from tests.chaos.world import REPLAY, World

SMALL_BATCH_BYTES: Final = 300  # each topic has larger records
SMALL_FILE_BYTES: Final = 4096
NODE_STOP_LIMIT_S: Final = 20.0


def broker_killed(world: World) -> None:
    """The only broker is killed, and restarted with its data."""
    with world.feeding(PIECE):
        world.stack.kafka.kill()
        world.stack.kafka.start()


def everything_killed(world: World) -> None:
    """Workers, broker and ClickHouse are killed at once, and restarted on the same folder."""
    with world.feeding(PIECE):
        world.service.kill_all()
        world.stack.kafka.kill()
        world.stack.clickhouse.kill()
        world.stack.kafka.start()
        world.stack.clickhouse.start()


def disk_full(world: World) -> None:
    """The broker cannot write any more and ends. With free space on its disk it continues."""
    (node,) = world.stack.kafka.processes.values()
    with world.feeding(PIECE):
        with no_room(node):
            node.wait(NODE_STOP_LIMIT_S)
        world.stack.kafka.start()


@contextmanager
def no_room(process: Process) -> Iterator[None]:
    """Limit the file size of the process to a few bytes, which acts like a full disk."""
    soft, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (SMALL_FILE_BYTES, hard))
    yield
    if process.poll() is None:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))


# ---- three brokers


def one_of_three_killed(world: World) -> None:
    """One of three brokers is killed while facts go on, and restarted."""
    _without(world, world.rng.choice(_nodes(world)))


def coordinator_killed(world: World) -> None:
    """The coordinator of the book-keeper's group, or of a partition's transactions, is killed."""
    app = world.settings.stream_settings().bookkeeper_app
    keys = (app, GROUP_COORDINATOR), (f"{app}-0", TRANSACTION_COORDINATOR)
    _without(world, coordinator(world.settings.kafka, *world.rng.choice(keys)))


def _without(world: World, node: int) -> None:
    kafka = world.stack.kafka
    with world.feeding(PIECE):
        kafka.processes[node].kill()
    world.wait_until_kept()
    kafka.start()


def two_of_three_down(world: World) -> None:
    """Two of three brokers are killed, so that no record is accepted, and restarted."""
    kafka = world.stack.kafka
    with world.feeding(PIECE):
        for node in world.rng.sample(_nodes(world), 2):
            kafka.processes[node].kill()
        kafka.start()


def all_three_killed(world: World) -> None:
    """All brokers are killed at once, and restarted."""
    with world.feeding(PIECE):
        world.stack.kafka.kill()
        world.stack.kafka.start()


def leadership_moves(world: World) -> None:
    """A rolling restart of the brokers: every partition and coordinator moves away and back."""
    kafka = world.stack.kafka
    nodes = _nodes(world)
    world.rng.shuffle(nodes)
    with world.feeding(PIECE):
        for node in nodes:
            kafka.processes[node].stop(NODE_STOP_LIMIT_S)
            kafka.start()


def _nodes(world: World) -> list[int]:
    return [node.node_id for node in world.stack.kafka.cluster.nodes]


# ---- batches rejected


def batch_too_large(world: World) -> None:
    """The journal or the ledger rejects batches of usual size."""
    role, topic = world.rng.choice(_written(world.settings))
    row = _row(world.settings, topic)
    usual = row.settings(world.settings.replication)

    def set_limit(limit: str) -> None:
        set_topic(world.settings.kafka, topic, {**usual, "max.message.bytes": limit})

    set_limit(str(SMALL_BATCH_BYTES))
    _refused(world, role, "MessageSizeTooLarge", lambda: set_limit(usual["max.message.bytes"]))


def not_authorised(world: World) -> None:
    """Writing to the journal or the ledger is forbidden."""
    role, topic = world.rng.choice(_written(world.settings))
    forbid_writing(world.settings.kafka, topic)
    mend = partial(allow_writing, world.settings.kafka, topic)
    _refused(world, role, f"do not let this client use a topic: {topic}", mend, StopCode.REFUSE)


def _ends_with(world: World, role: str, words: str, code: StopCode) -> None:
    ended = world.wait_until_ended(role)
    said = world.service.processes[role].log_tail()
    assert ended == code, f"ended with {ended}:\n{said}"
    assert words in said, said


def _written(settings: Settings) -> list[tuple[str, str]]:
    return [("recorder", settings.topics.journal), ("bookkeeper", settings.topics.ledger)]


def _row(settings: Settings, topic: str) -> Topic:
    table = topic_table(prefix=settings.topic_prefix, history=settings.clock == REPLAY)
    return next(row for row in table if row.name == topic)


def _refused(world: World, role: str, words: str, mend: Callable[[], None], code: StopCode = StopCode.RESTART) -> None:
    """The worker stops with this code and a reason whenever it is started; after `mend` it continues."""
    world.feed(PIECE)
    _ends_with(world, role, words, code)
    world.service.start(role)
    _ends_with(world, role, words, code)
    mend()
    world.service.start(role)
    world.wait_until_kept()


ONE_BROKER: Final[dict[str, Act]] = {
    "the broker is killed": broker_killed,
    "everything is killed": everything_killed,
    "the broker's disk is full": disk_full,
    "a batch is too large for its topic": batch_too_large,
    "a topic may not be written to": not_authorised,
}
THREE_BROKERS: Final[dict[str, Act]] = {
    "one broker of three is killed": one_of_three_killed,
    "the coordinator of three is killed": coordinator_killed,
    "leadership moves among three brokers": leadership_moves,
    "two brokers of three are down": two_of_three_down,
    "all three brokers are killed": all_three_killed,
}
