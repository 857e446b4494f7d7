"""`python -m tests.bench` measures all rows in alternating rounds, prints a table, and writes JSON and charts."""

from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console

from tests.bench.growth import CASES, Case, Points
from tests.bench.load import COPIES_DEFAULT, Load
from tests.bench.machine import machine
from tests.bench.report import growth_table, table, write
from tests.bench.rounds import measure
from tests.bench.rows import ROWS

WIDTH = 120
RESULTS = Path("var/bench")  # git ignores this folder
console = Console(width=WIDTH)


def main(
    row: Annotated[str, typer.Option(help="Only rows whose name contains this.")] = "",
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 5,
    copies: Annotated[
        int, typer.Option(min=1, help="Of the story's companies, some 15,000 facts each.")
    ] = COPIES_DEFAULT,
    growth: Annotated[bool, typer.Option(help="Also how the cost grows.")] = False,
    largest: Annotated[int, typer.Option(help="Growth: no size above this.")] = 1_000_000,
    into: Annotated[Path, typer.Option(help="Where JSON and charts go.")] = RESULTS,
) -> None:
    """Measure the parts, the service and what it is compared with, and print medians."""
    chosen = [one for one in ROWS if row.lower() in one.name.lower()]
    where, load = machine(), Load(copies)
    for name, said in where.items():
        console.print(f"{name:>20}  {said}", highlight=False)
    with console.status("making the load") as status:
        measured = measure(chosen, load, rounds, status.update)
        grown = {case: _grown(case, load, rounds, largest) for case in CASES} if growth else {}
    console.print(table(measured))
    for case, points in grown.items():
        console.print(growth_table(case.name, case.unit, points))
    for path in write(into, where, measured, {f"{case.name}, {case.unit}": points for case, points in grown.items()}):
        console.print(f"written: {path}")


def _grown(case: Case, load: Load, rounds: int, largest: int) -> Points:
    sizes = [size for size in case.sizes if size <= largest]
    done = [case.measure(load, sizes) for _ in range(min(rounds, 3))]
    return {size: median(points[size] for points in done) for size in sizes}


if __name__ == "__main__":
    typer.run(main)
