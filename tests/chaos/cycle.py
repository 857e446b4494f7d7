"""A cycle: one scenario with one seed in a world of its own, and its row in the table."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.demo.material import Material, from_story
from deploy.embedded.stack import Stack
from deploy.story import story
from tests.chaos.judgement import Judgement, judge
from tests.chaos.scenarios import Scenario
from tests.chaos.world import World
from tests.support.clickhouse_faults import FAULTY_PROGRAM

SCALE: Final = 0.1  # some 1,800 facts


@dataclass(frozen=True)
class Cycle:
    """What came of it; `ends` of workers by themselves or by the fault, with their exit codes."""

    scenario: str
    seed: int
    judgement: Judgement
    seconds: float


def small_story() -> Material:
    """What is fed to each world."""
    return from_story(story(scale=SCALE))


def start_stack(folder: Path, nodes: int = 1) -> Stack:
    """A stack that may be killed, with fault points in its ClickHouse."""
    return Stack(folder, kafka_nodes=nodes, clickhouse_program=FAULTY_PROGRAM)


def run_cycle(
    scenario: Scenario, seed: int, stack: Stack, folder: Path, material: Material, defects: dict[str, str] | None = None
) -> Cycle:
    """Begin, act, end, judge. Whatever is raised means: not well."""
    judgement, seconds = run_in_one_world([scenario], seed, stack, folder, material, defects)
    return Cycle(scenario.name, seed, judgement, seconds)


def run_in_one_world(
    scenarios: Sequence[Scenario],
    seed: int,
    stack: Stack,
    folder: Path,
    material: Material,
    defects: dict[str, str] | None = None,
) -> tuple[Judgement, float]:
    """Several scenarios one after the other on one book, judged once; and the seconds that it took."""
    began_s = time.monotonic()
    world = World(stack, folder, material, seed, defects)
    try:
        world.begin()
        for scenario in scenarios:
            scenario.act(world)
        if all(scenario.goes_on for scenario in scenarios):
            world.end()
            judgement = judge(world)
        else:
            judgement = Judgement(world.run.sent.records)
    finally:
        world.service.stop()
    return judgement, time.monotonic() - began_s
