"""`python -m tests.bench.quiet` measures `peserta up` when little or nothing is reported, and prints a table.

With `--base` it measures another commit too, in turns: a round of the one, then a round of the other.
"""

import asyncio
import json
import logging
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.compare import TOP, worktree
from tests.bench.machine import machine
from tests.bench.quiet.measure import Used, used
from tests.bench.quiet.steady import Steady
from tests.bench.quiet.up import BESIDE, FIVE, up
from tests.bench.service.material import PARTITIONS

RATES: Final = "0,1,10,100,1000"
RESULTS: Final = Path("var/bench")
THIS: Final = "this tree"
console = Console(width=200)


def main(
    base: Annotated[str, typer.Option(help="Also measure this commit, in turns.")] = "",
    rates: Annotated[str, typer.Option(help="Facts a second; 0 is idle.")] = RATES,
    rounds: Annotated[int, typer.Option(min=1)] = 2,
    seconds: Annotated[float, typer.Option(help="For which CPU time is counted, at each rate.")] = 30.0,
    waits: Annotated[float, typer.Option(help="Seconds for which facts' waits are measured, at each rate.")] = 20.0,
    partitions: Annotated[int, typer.Option(min=1)] = PARTITIONS,
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, a variable of this tree's service.")] = None,
    into: Annotated[Path, typer.Option(help="Where the JSON goes.")] = RESULTS,
) -> None:
    """Measure what each process of the service uses, and how long facts wait."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    where, asked = machine(), [int(rate) for rate in rates.split(",")]
    for name, said in where.items():
        console.print(f"{name:>20}  {said}", highlight=False)
    variables = dict(one.split("=", 1) for one in setting or [])
    measured: dict[str, list[list[Used]]] = {}
    with ExitStack() as others:
        trees = {THIS: (TOP, variables)}
        if base:
            trees = {base: (others.enter_context(worktree(base)), {}), **trees}
        for number in range(rounds):
            for name, (tree, more) in trees.items():
                console.print(f"round {number + 1} of {rounds}: {name}")
                done = asyncio.run(_round(tree, more, asked, partitions, seconds, waits))
                measured.setdefault(name, []).append(done)
                console.print(table(f"{name}, round {number + 1}", done))
    for name, rows in measured.items():
        console.print(table(f"{name}: the least of {rounds} rounds", [least(each) for each in zip(*rows, strict=True)]))
    into.mkdir(parents=True, exist_ok=True)
    told = {name: [[row._asdict() for row in rows] for rows in each] for name, each in measured.items()}
    file = into / "quiet.json"
    file.write_text(json.dumps({"machine": where, "rounds": told}, indent=1) + "\n", encoding="utf-8")
    console.print(f"written: {file}")


async def _round(
    tree: Path, more: dict[str, str], rates: Sequence[int], partitions: int, seconds: float, waits: float
) -> list[Used]:
    with up(tree, partitions, more) as here:
        flow = Steady(here.settings)
        await flow.begin()
        await flow.waits(100, 5.0)  # everything has been used once
        return [await used(here, flow, rate, seconds, waits) for rate in rates]


def least(rows: Sequence[Used]) -> Used:
    """Each figure at its least. Other work on the machine makes most figures larger; batches it makes larger too."""

    def of(each: Sequence[dict[str, float]]) -> dict[str, float]:
        return {name: min(one[name] for one in each) for name in each[0] if all(name in one for one in each)}

    return Used(
        rows[0].rate,
        of([row.cores for row in rows]),
        of([row.sleeps_per_s for row in rows]),
        of([row.rss_mib for row in rows]),
        of([row.waits_ms for row in rows]),
    )


def table(title: str, rows: Sequence[Used]) -> Table:
    """A line for each rate."""
    shown = Table(title=f"{title}. Cores; milliseconds from the acknowledgement")
    waits = ("alert p50", "alert p99", "ledger p50", "ledger p99", "clickhouse p50", "clickhouse p99", "clickhouse max")
    for name in ("facts/s", *FIVE, "five", " + ".join(BESIDE), "sleeps/s", *waits, "MiB"):
        shown.add_column(name, justify="right")
    for row in rows:
        shown.add_row(
            f"{row.rate:,}" if row.rate else "idle",
            *(f"{row.cores[name]:.3f}" for name in FIVE),
            f"{row.five:.3f}",
            f"{row.beside:.3f}",
            f"{sum(row.sleeps_per_s[name] for name in FIVE):,.0f}",
            *(f"{row.waits_ms[name]:,.0f}" if name in row.waits_ms else "" for name in waits),
            f"{sum(row.rss_mib[name] for name in FIVE):,.0f}",
        )
    return shown


if __name__ == "__main__":
    typer.run(main)
