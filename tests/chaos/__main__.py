"""`make chaos` runs negative controls, then seeded cycles of scenarios until the time is up, and prints two tables."""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import count, groupby, islice
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from deploy.embedded.stack import Stack, StackError
from tests.chaos.book import NOT_WELL, Cycle, Turn, run_book, small_story, start_stack
from tests.chaos.controls import WORLDS, Verdict, try_world
from tests.chaos.scenario import Scenario
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.spares import Spares

SEED_MAX = 1_000_000
CYCLES_PER_BOOK_MAX = 10
WIDTH = 130  # without a terminal too, because the names are sentences
console = Console(width=WIDTH)


def main(
    minutes: Annotated[float, typer.Option(help="No book begins after this time.")] = 20.0,
    cycles: Annotated[int, typer.Option(help="At most so many cycles; 0: as many as there is time for.")] = 0,
    scenario: Annotated[str, typer.Option(help="Only scenarios whose name contains this.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of the first cycle; each further one has the next number.")] = None,
    controls: Annotated[bool, typer.Option(help="Hold the judgement against known defects.")] = True,
    locks: Annotated[bool, typer.Option(help="Kafka with SASL_SSL, and a user with its rights for each role.")] = False,
) -> None:
    """Inject faults into the whole service and judge it, again and again. Exit code 1 if anything is lost, doubled or
    wrong, or if a known defect goes undetected."""
    # The scenarios stop brokers on purpose, so the clients' messages about them would only distract.
    logging.basicConfig(level=logging.CRITICAL)
    chosen = [one for one in SCENARIOS if scenario.lower() in one.name.lower()]
    if not chosen:
        names = "\n".join(one.name for one in SCENARIOS)
        raise typer.BadParameter(f"no scenario is called that; there are:\n{names}")
    first = SystemRandom().randrange(SEED_MAX) if seed is None else seed
    with TemporaryDirectory(prefix="peserta-chaos-") as name, Chaos(Path(name), locked=locks) as chaos:
        verdicts = chaos.hold_against_defects() if controls else []
        done = chaos.run(chosen, first, time.monotonic() + minutes * 60, cycles or math.inf)
    console.print(table(done))
    if verdicts:
        console.print(table_of_controls(verdicts))
    raise typer.Exit(0 if all(one.is_well for one in done) and all(one.caught for one in verdicts) else 1)


class Chaos:
    """Starts the stacks when they are needed, and runs controls and books on them."""

    def __init__(self, folder: Path, *, locked: bool) -> None:
        self._folder, self._material, self._locked = folder, small_story(), locked
        self._closing = ExitStack()
        self._stacks: dict[int, Stack] = {}
        self._folders = (folder / f"book-{number}" for number in count(1))
        self._spares = self._closing.enter_context(Spares(folder))

    def hold_against_defects(self) -> list[Verdict]:
        """Run every negative control once."""
        console.print("Negative controls")
        verdicts: list[Verdict] = []
        for controls in WORLDS:
            try:
                verdicts += try_world(controls, self._stack(1), next(self._folders), self._material, self._spares)[0]
            except NOT_WELL as error:
                console.print(f"   {error!r}", markup=False)
                verdicts += [Verdict(one.variant.name, one.light, caught=False) for one in controls]
        return verdicts

    def run(self, chosen: list[Scenario], seed: int, until_s: float, cycles: float) -> list[Cycle]:
        """Run one book after the other, until the time or the cycles are used up."""
        done: list[Cycle] = []
        for book in books(chosen, seed):
            if time.monotonic() > until_s or len(done) >= cycles:
                break
            turns = book[: int(min(len(book), cycles - len(done)))]
            done += self._book(turns, len(done) + 1)
        return done

    def _book(self, turns: Sequence[Turn], number: int) -> list[Cycle]:
        try:
            stack = self._stack(turns[0][0].nodes)
        except StackError as error:
            console.print(f"   not judged: {error!r}", markup=False)
            return [Cycle(scenario.name, seed, judged=False) for scenario, seed in turns]
        done, judgement = run_book(turns, stack, next(self._folders), self._material, self._spares)
        for at, cycle in enumerate(done, number):
            console.print(f"{at}. {cycle.scenario}, seed {cycle.seed}: {cycle.seconds:.1f} s")
        console.print(f"   {verdict(done)}")
        for sentence in judgement.named:
            console.print(f"   {sentence}", markup=False)
        return done

    def _stack(self, nodes: int) -> Stack:
        """The stack with so many brokers; restarts whatever an earlier scenario stopped."""
        if nodes not in self._stacks:
            stack = start_stack(self._folder / f"stack-{nodes}", nodes, locked=self._locked)
            self._stacks[nodes] = self._closing.enter_context(stack)
        self._stacks[nodes].kafka.start()
        self._stacks[nodes].clickhouse.start()
        return self._stacks[nodes]

    def __enter__(self) -> "Chaos":
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()


def books(chosen: Sequence[Scenario], seed: int) -> Iterator[list[Turn]]:
    """The scenarios in turn, cut into books. A cycle's seed is its number, and the number selects its scenario. So the
    seed of a book's first cycle reproduces the book."""
    turns = ((chosen[number % len(chosen)], number) for number in count(seed))
    for (_, _, alone), same in groupby(turns, key=lambda turn: turn[0].ground):
        while book := list(islice(same, 1 if alone else CYCLES_PER_BOOK_MAX)):
            yield book


def table(done: Sequence[Cycle]) -> Table:
    """A row for each scenario."""
    shown = Table(title="Chaos")
    for heading in ("scenario", "cycles", "records", "repeats", "lost", "doubled", "longest stall", "well"):
        shown.add_column(heading, justify="left" if heading == "scenario" else "right")
    for name in dict.fromkeys(cycle.scenario for cycle in done):
        own = [cycle for cycle in done if cycle.scenario == name]
        sums = [sum(getattr(one, field) for one in own) for field in ("records", "repeats", "lost", "doubled")]
        stall = f"{max(one.stall_s for one in own):.1f} s"
        shown.add_row(name, str(len(own)), *map(str, sums), stall, verdict(own))
    return shown


def verdict(cycles: Sequence[Cycle]) -> str:
    """The table's last cell. A failed cycle gives NO, even beside cycles that were not judged; a cycle that was not
    judged never counts as well."""
    not_judged = sum(not one.judged for one in cycles)
    if not all(one.is_well for one in cycles if one.judged):
        return "NO"
    return f"{not_judged} not judged" if not_judged else "yes"


def table_of_controls(verdicts: Sequence[Verdict]) -> Table:
    """A row for each defect."""
    caught = sum(one.caught for one in verdicts)
    shown = Table(title=f"Negative controls: {caught} of {len(verdicts)} caught")
    for heading in ("defect", "brought to light by", "caught"):
        shown.add_column(heading)
    for one in verdicts:
        shown.add_row(one.words, one.light, "yes" if one.caught else "NO")
    return shown


if __name__ == "__main__":
    typer.run(main)
