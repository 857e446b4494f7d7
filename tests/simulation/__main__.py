"""`make simulate-faults`: thousands of schedules, or one of them step by step, and then the broken variants."""

import time
from collections import Counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.simulation.seeds import find_defects, run_seeds
from tests.simulation.world import Verdict, run_schedule

DEFECT_SEEDS_MAX = 500
WIDTH = 130  # even without a terminal: the names are sentences
console = Console(width=WIDTH)


def main(
    seeds: Annotated[int, typer.Option(help="The number of schedules; their seeds begin with --first.")] = 10_000,
    first: Annotated[int, typer.Option(help="The first seed.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Only this one, with every step shown.")] = None,
) -> None:
    """Run the service in memory under seeded faults, and check the result. Exit code 1 if anything is lost, doubled or
    wrong, or if a broken variant is not detected.
    """
    if seed is not None:
        raise typer.Exit(_show_one(seed))
    began_s = time.monotonic()
    verdicts = _run(range(first, first + seeds))
    seconds = time.monotonic() - began_s
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    console.print(_table(verdicts))
    per_minute = len(verdicts) * 60 / seconds
    console.print(f"{len(verdicts)} schedules in {seconds:.0f} s, {per_minute:.0f} a minute; {len(wrong)} not well")
    unseen = _controls()
    raise typer.Exit(1 if wrong or unseen else 0)


def _run(seeds: range) -> list[Verdict]:
    done = []
    with Progress(console=console) as progress:
        task = progress.add_task("schedules", total=len(seeds))
        for verdict in run_seeds(seeds):
            done.append(verdict)
            progress.advance(task)
            if verdict.wrong:
                progress.console.print(f"seed {verdict.seed}: {'; '.join(verdict.wrong)}", markup=False)
    return done


def _show_one(seed: int) -> int:
    verdict = run_schedule(seed, trace=lambda line: console.print(line, markup=False, highlight=False))
    console.print(_table([verdict]))
    for sentence in verdict.wrong:
        console.print(sentence, markup=False)
    return 1 if verdict.wrong else 0


def _table(verdicts: list[Verdict]) -> Table:
    """Counts of what the schedules did."""
    faults, ends = Counter[str](), Counter[int]()
    for verdict in verdicts:
        faults.update(verdict.faults)
        ends.update(verdict.ends)
    shown = Table("what", "times", title="Simulation")
    shown.columns[1].justify = "right"
    shown.add_row("schedules", f"{len(verdicts)}")
    shown.add_row("records acknowledged", f"{sum(verdict.records for verdict in verdicts)}")
    shown.add_row("repeats by the recorder, passed over", f"{sum(verdict.repeats for verdict in verdicts)}")
    shown.add_row("steps", f"{sum(verdict.steps for verdict in verdicts)}", end_section=True)
    for name, times in sorted(faults.items()):
        shown.add_row(name.lower().replace("_", " "), str(times))
    for code, times in sorted(ends.items()):
        shown.add_row(f"a process ended with {int(code)}", str(times))
    shown.add_row("schedules not well", str(sum(bool(verdict.wrong) for verdict in verdicts)))
    return shown


def _controls() -> list[str]:
    """The broken variants that were not detected."""
    shown = Table("broken variant", "first seed", "what was wrong", title="Negative controls")
    unseen = []
    for name, seed, wrong in find_defects(DEFECT_SEEDS_MAX):
        shown.add_row(name, "UNSEEN" if seed is None else str(seed), ", ".join(_claims(wrong)))
        if seed is None:
            unseen.append(name)
    console.print(shown)
    return unseen


def _claims(wrong: list[str]) -> list[str]:
    return list(dict.fromkeys(sentence.split(" (")[0] for sentence in wrong))


if __name__ == "__main__":
    typer.run(main)
