"""The scenarios: what is done to a world while facts flow. Each is a name and a function of the world."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from deploy.commands.serve import make_topics
from deploy.kafka_reading import end_offsets
from deploy.settings import Settings
from streams.lane.stop import StopCode
from tests.chaos.points import Fault
from tests.chaos.world import World
from tests.support.waiting import INTERVAL_S

PIECE: Final = 80  # facts published at a time
POISON_RECORDS: Final = 1_000
PIECES_UNTIL_ALERT_MAX: Final = 6  # of twice the size
DELETE_LIMIT_S: Final = 30.0
SECOND_BOOKKEEPER: Final = "bookkeeper-2"

Act = Callable[[World], None]


@dataclass(frozen=True)
class Scenario:
    """`nodes` of Kafka; `goes_on`: whether the world can be judged at the end (else the act itself judges)."""

    name: str
    act: Act
    nodes: int = 1
    goes_on: bool = True


def dies_at(role: str, *points: str) -> Act:
    """The worker kills itself at each of these points, the first or the second time, while facts flow."""

    def act(world: World) -> None:
        for point in points:
            world.service.again(role, Fault(point, world.rng.randint(1, 2)))
            world.feed_until_ended(role)
        world.service.check()

    return act


def killed_anywhere(role: str) -> Act:
    """`kill -9` from outside, wherever it is; and again while it takes up its work."""

    def act(world: World) -> None:
        with world.feeding(2 * PIECE):
            world.service.kill(role)
            world.service.start(role)
            world.service.kill(role)

    return act


def stopped_and_replaced(world: World) -> None:
    """A book-keeper stands still in front of a transaction, another takes over, and it wakes up: it must die."""
    stop_and_replace(world)
    world.service.signal("bookkeeper", signal.SIGCONT)
    code = world.wait_until_ended("bookkeeper")
    assert code == StopCode.RESTART, f"the fenced predecessor ended with {code}"
    world.service.start("bookkeeper")
    world.service.leave(SECOND_BOOKKEEPER)


def stop_and_replace(world: World) -> None:
    """The first book-keeper stands still, and the second one has done everything."""
    world.service.again("bookkeeper", Fault("before a transaction", world.rng.randint(1, 2), signal.SIGSTOP))
    world.feed_until_stopped("bookkeeper")
    world.service.start(SECOND_BOOKKEEPER)
    world.feed(PIECE)
    world.wait_until_kept()


def join_and_leave(world: World) -> None:
    """A second recorder and a second book-keeper come and go."""
    with world.feeding(PIECE):
        for role in ("recorder", "bookkeeper"):
            world.service.start(f"{role}-2")
            world.wait_until_it_owns(f"{role}-2")
    with world.feeding(PIECE):
        for role in ("recorder", "bookkeeper"):
            world.service.leave(f"{role}-2")


def broker_killed(world: World) -> None:
    """The only broker is killed, and comes again with its data."""
    with world.feeding(PIECE):
        world.stack.kafka.kill()
        world.stack.kafka.start()


def one_of_three_killed(world: World) -> None:
    """A broker of three is killed; the facts go on; it comes back."""
    kafka = world.stack.kafka
    node = world.rng.choice(kafka.cluster.nodes).node_id
    with world.feeding(2 * PIECE):
        kafka.processes[node].kill()
    kafka.start()


def two_of_three_down(world: World) -> None:
    """Two brokers of three are killed: nothing can be taken; they come back."""
    kafka = world.stack.kafka
    nodes = world.rng.sample([node.node_id for node in kafka.cluster.nodes], 2)
    with world.feeding(PIECE):
        for node in nodes:
            kafka.processes[node].kill()
        kafka.start()


def recorder_forgets(world: World) -> None:
    """The recorder's offsets are lost: it records everything again."""
    world.feed(PIECE)
    world.wait_until_kept()
    before = world.recorded()
    world.service.leave("recorder")
    asyncio.run(_forget(world.settings))
    world.service.start("recorder")
    world.wait(lambda: world.recorded() > before)


async def _forget(settings: Settings) -> None:
    streams = settings.stream_settings()
    partitions = [TopicPartition(streams.inbound_names[0], number) for number in range(settings.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka, group_id=streams.recorder_app, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()


def clickhouse_killed(world: World) -> None:
    """ClickHouse is away; the book goes on, alerts too; it comes back."""
    world.stack.clickhouse.kill()
    before = alerts(world)
    for _ in range(PIECES_UNTIL_ALERT_MAX):
        world.feed(2 * PIECE)
        world.wait_until_kept()
        if alerts(world) > before:
            break
    assert alerts(world) > before, "no alert while ClickHouse was away"
    world.stack.clickhouse.start()


def alerts(world: World) -> int:
    """Offsets of the ends of the alerts."""
    return sum(asyncio.run(end_offsets(world.settings.kafka, [world.settings.topics.alerts])).values())


def clickhouse_faulty(world: World) -> None:
    """503, and cuts before, in and after an insert."""
    for action, point in (("refuse", "before"), ("cut", "before"), ("cut", "in_body"), ("cut", "after")):
        world.faults.clear()
        world.faults.add(action, point, match="^\\s*INSERT", skip=world.rng.randint(0, 3))
        world.feed(PIECE // 4)
        world.wait(lambda: world.faults.hits() == [1])
    world.faults.clear()


def poison(world: World) -> None:
    """A flood of records that cannot be read, between facts."""
    with world.feeding(PIECE):
        world.feed_poison(POISON_RECORDS)


def everything_killed(world: World) -> None:
    """Workers, broker and ClickHouse are killed at once, and started on the same folder."""
    with world.feeding(PIECE):
        world.service.kill_all()
        world.stack.kafka.kill()
        world.stack.clickhouse.kill()
        world.stack.kafka.start()
        world.stack.clickhouse.start()


def state_lost(world: World) -> None:
    """The changelog is gone: the book-keeper refuses to run, and says how to rebuild."""
    world.feed(PIECE)
    world.wait_until_kept()
    world.service.leave("bookkeeper")
    _lose_changelog(world.settings)
    world.service.start("bookkeeper")
    code = world.wait_until_ended("bookkeeper")
    said = world.service.processes["bookkeeper"].log_tail()
    assert code == StopCode.REFUSE, f"ended with {code}:\n{said}"
    assert "To rebuild the state" in said, said


def _lose_changelog(settings: Settings) -> None:
    """Delete the topic, and make an empty one."""
    asyncio.run(_delete(settings.kafka, settings.stream_settings().changelog))
    make_topics(settings)


async def _delete(kafka: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        gone = AsyncRetrying(
            retry=retry_if_result(lambda topics: topic in topics),
            wait=wait_fixed(INTERVAL_S),
            stop=stop_after_delay(DELETE_LIMIT_S),
        )
        await gone(admin.list_topics)
    finally:
        await admin.close()


SCENARIOS: Final[tuple[Scenario, ...]] = (
    Scenario(
        "the book-keeper dies before, in and after a transaction",
        dies_at("bookkeeper", "before a transaction", "in a transaction", "after a commit", "in recovery"),
    ),
    Scenario("the book-keeper is killed anywhere", killed_anywhere("bookkeeper")),
    Scenario("the recorder dies around an append", dies_at("recorder", "before an append", "after an append")),
    Scenario("the recorder is killed anywhere", killed_anywhere("recorder")),
    Scenario("the sink dies around an insert", dies_at("sink", "before an insert", "after an insert", "after a range")),
    Scenario("a stopped book-keeper wakes up after its successor", stopped_and_replaced),
    Scenario("workers join and leave", join_and_leave),
    Scenario("the broker is killed", broker_killed),
    Scenario("the recorder's offsets are lost", recorder_forgets),
    Scenario("ClickHouse is killed while facts flow", clickhouse_killed),
    Scenario("ClickHouse refuses and cuts", clickhouse_faulty),
    Scenario("a flood of poison", poison),
    Scenario("everything is killed", everything_killed),
    Scenario("the state is lost", state_lost, goes_on=False),
    Scenario("one broker of three is killed", one_of_three_killed, nodes=3),
    Scenario("two brokers of three are down", two_of_three_down, nodes=3),
)
