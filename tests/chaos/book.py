"""A book of chaos runs several scenarios one after the other in one world, and judges the world at its end."""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

from tenacity import RetryError

from deploy.embedded.stack import Stack, StackError
from peserta.demo.material import Material, from_story
from peserta.demo.story import story
from peserta.operations.failure import Failed
from streams.settings import IN_MEMORY, ON_DISK
from tests.chaos.judgement import Judgement, judge
from tests.chaos.locks import LockedStack
from tests.chaos.scenario import Scenario
from tests.chaos.spares import Spares
from tests.chaos.stretch import Stretch
from tests.chaos.world import BEFORE_ALERTS, World
from tests.support.clickhouse_faults import FAULTY_PROGRAM

KAFKA_LIMIT_S: Final = 240.0  # the machine may be busy when Kafka starts; four times the limit of a service
SCALE: Final = 0.2  # some 3,300 facts
NOT_WELL: Final = (AssertionError, TimeoutError, RetryError, Failed, StackError)
ONE_BROKER: Final = {
    # The broker checks permissions; everything is allowed until a scenario forbids something. Three brokers cannot use
    # the authorizer: it needs a controller to decide who may vote, so they could not elect one.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found": "true",
}
THREE_BROKERS: Final = {
    # A restarted broker becomes leader of its partitions again within a second; Kafka's default is five minutes.
    "leader.imbalance.check.interval.seconds": "1",
    "leader.imbalance.per.broker.percentage": "0",
}

Turn = tuple[Scenario, int]  # with its seed


def state_of(turn: Turn) -> str:
    """Where the book-keepers store their state, in the book that begins with this turn."""
    return (IN_MEMORY, ON_DISK)[turn[1] % 2]


@dataclass(frozen=True)
class Cycle:
    """One scenario with one seed. `lost`, `doubled` and `named` are those of its whole book.

    `judged`: false if the stack itself did not start, so the book could not be judged. Such a cycle is not well.
    """

    scenario: str
    seed: int
    records: int = 0
    repeats: int = 0
    stall_s: float = 0.0
    seconds: float = 0.0
    lost: int = 0
    doubled: int = 0
    named: tuple[str, ...] = ()
    judged: bool = True

    @property
    def is_well(self) -> bool:
        return self.judged and not (self.lost or self.doubled or self.named)


def small_story() -> Material:
    """The facts that each world publishes."""
    return from_story(story(scale=SCALE))


def start_stack(folder: Path, nodes: int = 1, *, locked: bool = False) -> Stack:
    """A stack that may be killed, with fault points in its ClickHouse; `locked`: behind Kafka's locks."""
    options: dict[str, Any] = {
        "kafka_nodes": nodes,
        "kafka_limit_s": KAFKA_LIMIT_S,
        "clickhouse_program": FAULTY_PROGRAM,
        "kafka_properties": THREE_BROKERS if nodes > 1 else {} if locked else ONE_BROKER,
    }
    return LockedStack(folder, **options) if locked else Stack(folder, **options)


def run_book(
    turns: Sequence[Turn], stack: Stack, folder: Path, material: Material, spares: Spares
) -> tuple[list[Cycle], Judgement]:
    """Run all scenarios on one book, then judge it. The scenarios share the number of brokers and the clock.

    An exception becomes a sentence of the judgement and counts against every cycle of the book.
    """
    stretches: list[Stretch] = []
    judged = True
    try:
        with closing(World(stack, folder, material, spares, turns[0][0].clock, state_of(turns[0]))) as world:
            world.begin(BEFORE_ALERTS)
            for scenario, seed in turns:
                stretches.append(_through(world, scenario, seed))
            judgement = _judged(world, turns[-1][0], stretches)
    except NOT_WELL as error:
        at = turns[min(len(stretches), len(turns) - 1)][0].name
        judgement, judged = Judgement(named=[f"{at}: {error!r}"]), not isinstance(error, StackError)
    return [replace(_cycle(turn, n, stretches, judgement), judged=judged) for n, turn in enumerate(turns)], judgement


def _through(world: World, scenario: Scenario, seed: int) -> Stretch:
    """Run the scenario. Returns its stretch of the book."""
    world.rng = Random(seed)
    began_at, before = time.time(), world.run.sent.records
    scenario.act(world)
    if scenario.goes_on:
        world.recover()
        world.wait_until_kept()
    return Stretch(began_at, time.time(), world.run.sent.records - before)


def _judged(world: World, last: Scenario, stretches: Sequence[Stretch]) -> Judgement:
    if not last.goes_on:
        return Judgement()
    world.end()
    return judge(world, stretches)


def _cycle(turn: Turn, number: int, stretches: Sequence[Stretch], judgement: Judgement) -> Cycle:
    name, seed, bad = turn[0].name, turn[1], (judgement.lost, judgement.doubled, tuple(judgement.named))
    if number >= len(stretches):
        return Cycle(name, seed, 0, 0, 0.0, 0.0, *bad)
    s = stretches[number]
    return Cycle(name, seed, s.records, s.repeats, s.stall_s, s.ended_at - s.began_at, *bad)
