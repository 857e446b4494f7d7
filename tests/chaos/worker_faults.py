"""Faults of workers: killed at a fault point or anywhere, suspended and continued, joining and leaving, with lost
offsets or a wrong clock."""

import asyncio
import signal
from collections.abc import Mapping
from typing import Final

import clickhouse_connect

from peserta.settings import Settings
from schemas.dates import day, jakarta_midnight
from streams.clock import now_ms
from streams.lane.stop_code import StopCode
from tests.chaos.points import Fault
from tests.chaos.scenario import PIECE, Act
from tests.chaos.world import World
from tests.support.group_offsets import forget_progress

POISON_RECORDS: Final = 1_000
SECOND_BOOKKEEPER: Final = "bookkeeper-2"
DAY_MS: Final = 86_400_000
MINUTE_MS: Final = 60_000
ALLOWED_MINUTES: Final = 58
BEHIND_MAX_DAYS: Final = 4_000
APART: Final = "hours apart"

WAITING: Final = "as it begins to wait for more"

# Role -> points that are reached while facts flow, each with the largest count at which the fault happens.
AT_WORK: Final[Mapping[str, Mapping[str, int]]] = {
    "bookkeeper": {
        "in a fold": 10,
        "before a transaction": 2,
        "in a transaction": 2,
        "after a commit, before the group's offset": 2,
        "after a commit, before its rows are kept": 2,
        "after a commit, when its rows are kept": 2,
        WAITING: 2,
    },
    "recorder": {"before an append": 2, "after an append": 2, WAITING: 2},
    "sink": {
        "before an insert": 3,
        "after an insert": 3,
        "between a range's mark and its insert": 2,
        "after a range": 2,
        WAITING: 2,
    },
}
# Points that a book-keeper reaches only when it starts.
AT_START: Final = ("in a rebalance, before fencing", "in a rebalance, after fencing", "in recovery")


def dies_at_work(role: str) -> Act:
    """The worker kills itself at one of these points, while facts flow."""

    def act(world: World) -> None:
        strike(world, role, world.rng.choice(list(AT_WORK[role])))

    return act


def dies_waiting(world: World) -> None:
    """Each worker is killed while it waits for more, after it has read a few."""
    for role in AT_WORK:
        strike(world, role, WAITING)


def strike(world: World, role: str, point: str) -> None:
    """Kill the worker at this point, after a random number of times."""
    world.strike(role, Fault(point, world.rng.randint(1, AT_WORK[role][point])))
    world.service.check()


def dies_at_start(world: World) -> None:
    """A book-keeper is killed, and its successor is killed while it starts."""
    strike_at_start(world, world.rng.choice(AT_START))


def strike_at_start(world: World, point: str) -> None:
    """Kill a book-keeper at this point of its start."""
    world.service.arm("bookkeeper", Fault(point, 1))
    world.service.again("bookkeeper")
    with world.feeding(PIECE):
        world.wait_until_ended("bookkeeper")
        world.service.check()


def dies_while_sharing(world: World) -> None:
    """A second book-keeper joins, and one of the two dies inside the rebalance."""
    world.service.arm("bookkeeper", Fault(world.rng.choice(AT_START[:2]), 1))
    with world.feeding(PIECE):
        world.service.start(SECOND_BOOKKEEPER)
        world.wait(lambda: not world.service.is_armed("bookkeeper"))
    world.wait_until_it_owns(SECOND_BOOKKEEPER)
    world.service.leave(SECOND_BOOKKEEPER)


def dies_in_migrations(world: World) -> None:
    """ClickHouse has lost the book; the sink that fills it again dies between two migrations."""
    world.service.leave("sink")
    client = clickhouse_connect.get_client(dsn=world.settings.clickhouse_url)
    client.command(f"DROP DATABASE {world.settings.clickhouse_database}")
    client.close()
    world.service.arm("sink", Fault("in the migrations", world.rng.randint(1, 3)))
    world.service.start("sink")
    world.wait_until_ended("sink")
    world.service.check()
    world.feed(PIECE)


def killed_anywhere(role: str) -> Act:
    """`kill -9` from outside at any moment, and again while the successor starts."""

    def act(world: World) -> None:
        with world.feeding(PIECE):
            world.service.again(role)
            world.service.again(role)

    return act


def stopped_and_replaced(world: World) -> None:
    """A book-keeper is suspended before a transaction, another takes over, and the first continues: it must end."""
    stop_and_replace(world)
    world.service.signal("bookkeeper", signal.SIGCONT)
    code = world.wait_until_ended("bookkeeper")
    assert code == StopCode.RESTART, f"the fenced predecessor ended with {code}"
    world.service.start("bookkeeper")
    world.service.leave(SECOND_BOOKKEEPER)


def stop_and_replace(world: World) -> None:
    """Suspend the first book-keeper, and wait until the second one has processed everything."""
    world.service.arm("bookkeeper", Fault("before a transaction", world.rng.randint(1, 2), signal.SIGSTOP))
    world.feed_until_stopped("bookkeeper")
    world.service.start(SECOND_BOOKKEEPER)
    world.feed(PIECE)
    world.wait_until_kept()


def join_and_leave(world: World) -> None:
    """A second recorder and a second book-keeper join and leave."""
    roles = "recorder", "bookkeeper"
    with world.feeding(PIECE):
        for role in roles:
            world.service.start(f"{role}-2")
        for role in roles:
            world.wait_until_it_owns(f"{role}-2")
    with world.feeding(PIECE):
        for role in roles:
            world.service.leave(f"{role}-2")


def recorder_forgets(world: World) -> None:
    """The recorder's offsets are lost: it records everything again."""
    world.feed(PIECE)
    world.wait_until_kept()
    before = world.recorded()
    world.service.leave("recorder")
    forget_offsets(world.settings)
    world.service.start("recorder")
    world.wait(lambda: world.recorded() > before)


def forget_offsets(settings: Settings) -> None:
    """Reset the recorder's offsets to the beginning. No recorder may be running."""
    streams = settings.stream_settings()
    asyncio.run(forget_progress(settings, streams.recorder_app, streams.inbound_names[0]))


def poison(world: World) -> None:
    """Many records that cannot be decoded, between facts."""
    with world.feeding(PIECE):
        world.feed_poison(POISON_RECORDS)


def clock_jumps(world: World) -> None:
    """The workers' clock jumps ahead and back within the allowed range, and a recorder is started with an earlier
    time."""
    for minutes in (world.rng.randint(1, ALLOWED_MINUTES), -world.rng.randint(1, ALLOWED_MINUTES), 0):
        world.set_clock(minutes * MINUTE_MS)
        world.feed(PIECE)
        world.wait_until_kept()
    world.set_clock(-ALLOWED_MINUTES * MINUTE_MS)
    world.service.again("recorder")
    world.feed(PIECE)
    world.wait_until_kept()
    world.set_clock(0)


def clock_is_wrong(world: World) -> None:
    """The clock of the recorder's machine jumps to 2052, and is years behind when the recorder is restarted: the
    recorder stops each time and stamps nothing. Then the clock is corrected."""
    world.feed(PIECE)
    world.wait_until_kept()
    before = world.stamped()
    world.set_clock(instant_of_2052() - now_ms())
    world.feed(PIECE)
    world.feed_poison(PIECE)
    world.wait_until_it_refuses("recorder", APART)
    world.set_clock(-world.rng.randint(1, BEHIND_MAX_DAYS) * DAY_MS)
    world.service.start("recorder")
    world.wait_until_it_refuses("recorder", APART)
    assert world.stamped() == before, "something was stamped by a wrong clock"
    world.set_clock(0)
    world.service.start("recorder")
    world.feed(PIECE)
    world.wait_until_kept()


def instant_of_2052() -> int:
    """An instant in that year."""
    return jakarta_midnight(day("2052-06-01"))
