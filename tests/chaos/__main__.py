"""`make chaos`: seeded cycles of the scenarios until the time is up, and a table of what became of them."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from random import Random, SystemRandom
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from tenacity import RetryError

from deploy.demo.material import Material
from deploy.embedded.stack import Stack, StackError
from deploy.failure import CommandFailed
from tests.chaos.cycle import Cycle, run_cycle, small_story, start_stack
from tests.chaos.judgement import Judgement
from tests.chaos.scenarios import SCENARIOS, Scenario

SEED_MAX = 1_000_000
WIDTH = 130  # also where no terminal says it: the names are sentences
NOT_WELL = (AssertionError, TimeoutError, RetryError, CommandFailed, StackError)
console = Console(width=WIDTH)


def main(
    minutes: Annotated[float, typer.Option(help="No cycle begins after this time.")] = 20.0,
    cycles: Annotated[int, typer.Option(help="At most so many cycles; 0: as many as there is time for.")] = 0,
    scenario: Annotated[str, typer.Option(help="Only scenarios whose name contains this.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of the first cycle; the next ones follow from it.")] = None,
) -> None:
    """Do harm to the whole service and judge it, again and again. Exit code 1 if anything is lost, doubled or wrong."""
    # What the clients say of brokers that are down is the scenario's doing.
    logging.basicConfig(level=logging.CRITICAL)
    chosen = [one for one in SCENARIOS if scenario.lower() in one.name.lower()]
    if not chosen:
        names = "\n".join(one.name for one in SCENARIOS)
        raise typer.BadParameter(f"no scenario is called that; there are:\n{names}")
    first = SystemRandom().randrange(SEED_MAX) if seed is None else seed
    done = run(chosen, first, time.monotonic() + minutes * 60, cycles or math.inf)
    console.print(table(done))
    raise typer.Exit(0 if all(one.judgement.is_well for one in done) else 1)


def run(chosen: list[Scenario], seed: int, until_s: float, cycles: float) -> list[Cycle]:
    """One cycle after the other, in turn."""
    material, done = small_story(), []
    with TemporaryDirectory(prefix="peserta-chaos-") as name, ExitStack() as closing:
        stacks: dict[int, Stack] = {}
        for number, (scenario, own_seed) in enumerate(turns(chosen, seed)):
            if time.monotonic() > until_s or number >= cycles:
                break
            if scenario.nodes not in stacks:
                folder = Path(name) / f"stack-{scenario.nodes}"
                stacks[scenario.nodes] = closing.enter_context(start_stack(folder, scenario.nodes))
            console.print(f"{number + 1}. {scenario.name}, seed {own_seed}")
            cycle = one_cycle(scenario, own_seed, stacks[scenario.nodes], Path(name) / str(number), material)
            say(cycle)
            done.append(cycle)
    return done


def turns(chosen: list[Scenario], seed: int) -> Iterator[tuple[Scenario, int]]:
    """The scenarios in turn; the first has the seed itself, so that a cycle can be repeated."""
    rng = Random(seed)
    for number in count():
        yield chosen[number % len(chosen)], seed if number == 0 else rng.randrange(SEED_MAX)


def one_cycle(scenario: Scenario, seed: int, stack: Stack, folder: Path, material: Material) -> Cycle:
    """A cycle that fails is a row too; the stack is made whole for the next one."""
    began_s = time.monotonic()
    stack.kafka.start()
    stack.clickhouse.start()
    try:
        return run_cycle(scenario, seed, stack, folder, material)
    except NOT_WELL as error:
        return Cycle(scenario.name, seed, Judgement(0, named=[repr(error)]), time.monotonic() - began_s)


def say(cycle: Cycle) -> None:
    judgement = cycle.judgement
    well = "well" if judgement.is_well else "[red]NOT WELL[/red]"
    console.print(f"   {well}: {judgement.records} records in {cycle.seconds:.0f} s")
    for sentence in judgement.named:
        console.print(f"   {sentence}", markup=False)


def table(done: list[Cycle]) -> Table:
    """A row for each scenario."""
    shown = Table(title="Chaos")
    for heading in ("scenario", "cycles", "records", "repeats", "lost", "doubled", "longest stall", "well"):
        shown.add_column(heading, justify="left" if heading == "scenario" else "right")
    for name in dict.fromkeys(cycle.scenario for cycle in done):
        own = [cycle.judgement for cycle in done if cycle.scenario == name]
        sums = [sum(getattr(one, field) for one in own) for field in ("records", "repeats", "lost", "doubled")]
        stall = f"{max(one.stall_s for one in own):.1f} s"
        well = "yes" if all(one.is_well for one in own) else "NO"
        shown.add_row(name, str(len(own)), *map(str, sums), stall, well)
    return shown


if __name__ == "__main__":
    typer.run(main)
