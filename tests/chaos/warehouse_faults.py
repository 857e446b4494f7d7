"""Faults of ClickHouse: unavailable, hanging, rejecting, disconnecting, dying between execution and answer, a full
disk. The book and its alerts wait for none of them."""

import asyncio
from contextlib import ExitStack
from typing import Final

from peserta.operations.kafka_reading import last_stable_offsets
from tests.chaos.broker_faults import no_room
from tests.chaos.scenario import PIECE, Act
from tests.chaos.world import World

INSERT: Final = "^\\s*INSERT"
NOT_ENOUGH_SPACE: Final = 243  # what its engine said on a full file system, when it was tried
PIECES_UNTIL_ALERT_MAX: Final = 8


def killed(world: World) -> None:
    """ClickHouse is killed; book and alerts go on; it is restarted."""
    world.stack.clickhouse.kill()
    _until_an_alert(world)
    world.stack.clickhouse.start()


def hangs(world: World) -> None:
    """ClickHouse accepts requests but does not answer; book and alerts go on; at last it answers."""
    world.faults.add("wait", world.rng.choice(("before", "after")), match=INSERT)
    world.feed(PIECE)
    world.wait(lambda: world.faults.hits() == [1])
    _until_an_alert(world)
    world.faults.clear()


def _until_an_alert(world: World) -> None:
    before = alerts(world)
    for _ in range(PIECES_UNTIL_ALERT_MAX):
        world.feed(PIECE)
        world.wait_until_kept()
        if alerts(world) > before:
            return
    raise AssertionError("no alert while ClickHouse was away")


def alerts(world: World) -> int:
    """The sum of the alert topic's last stable offsets."""
    return sum(asyncio.run(last_stable_offsets(world.settings.kafka, [world.settings.topics.alerts])).values())


def dies_before_it_answers(world: World) -> None:
    """ClickHouse executes an insert and is killed before it answers."""
    world.faults.add("exit", "after", match=INSERT, skip=world.rng.randint(0, 4))
    world.feed(PIECE)
    process = world.stack.clickhouse.process
    assert process is not None
    world.wait(lambda: process.poll() is not None)
    world.stack.clickhouse.start()


def refuses_and_cuts(world: World) -> None:
    """ClickHouse answers 503, and disconnects before, during and after an insert."""
    for action, point in (("refuse", "before"), ("cut", "before"), ("cut", "in_body"), ("cut", "after")):
        world.faults.clear()
        world.faults.add(action, point, match=INSERT, skip=world.rng.randint(0, 3))
        world.feed(PIECE // 4)
        world.wait(lambda: world.faults.hits() == [1])
    world.faults.clear()


def disk_full(world: World) -> None:
    """ClickHouse answers as on a full disk, and no worker can write to its own disk: the book goes on."""
    world.faults.add("refuse", match=INSERT, code=NOT_ENOUGH_SPACE, times=1_000)
    with ExitStack() as full:
        for worker in world.service.processes.values():
            full.enter_context(no_room(worker))
        world.feed(PIECE)
        world.wait_until_kept()
        world.wait(lambda: world.faults.hits() > [0])
    world.faults.clear()


WAREHOUSE: Final[dict[str, Act]] = {
    "ClickHouse is killed while facts flow": killed,
    "ClickHouse hangs while facts flow": hangs,
    "ClickHouse dies before it answers": dies_before_it_answers,
    "ClickHouse refuses and cuts": refuses_and_cuts,
    "the disks of ClickHouse and the workers are full": disk_full,
}
