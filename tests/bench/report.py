"""The results as tables, as JSON and as charts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from tests.bench.chart import bars, lines
from tests.bench.growth import Points
from tests.bench.rounds import Measured


def table(measured: Sequence[Measured]) -> Table:
    """A table with the median, the spread of the rounds and the target of each row."""
    shown = Table(title="Medians of the rounds; rates are for one core of CPU time, with a broker for time of the wall")
    for name in ("row", "median", "lowest", "highest", "unit", "CPU-s a million", "target"):
        shown.add_column(name, justify="left" if name in ("row", "unit") else "right")
    for one in measured:
        is_rate = one.row.unit.endswith("/s") and not one.row.on_wall
        shown.add_row(
            one.row.name,
            *(_shown(figure) for figure in (one.median, min(one.figures), max(one.figures))),
            one.row.unit,
            f"{1e6 / one.median:.1f}" if is_rate else "",
            "" if one.row.target is None else f"{one.row.target:,.0f}",
        )
    return shown


def _shown(figure: float) -> str:
    """The figure with at least three digits."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def growth_table(name: str, unit: str, points: Points) -> Table:
    """A table with the cost of a fact at each size."""
    shown = Table(title=f"{name}: microseconds of CPU for a fact")
    for size in points:
        shown.add_column(f"{size:,} {unit}", justify="right")
    shown.add_row(*(f"{cost:.1f}" for cost in points.values()))
    return shown


def write(
    folder: Path, machine: Mapping[str, str], measured: Sequence[Measured], growth: Mapping[str, Points]
) -> list[Path]:
    """Write JSON and charts into a folder. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {one.row.name: {"unit": one.row.unit, "target": one.row.target, "rounds": one.figures} for one in measured}
    told = {"machine": dict(machine), "rows": rows, "growth": growth}
    texts = {"bench.json": json.dumps(told, indent=1) + "\n"}
    if measured:
        texts["rows.svg"] = bars(measured, f"Share of the target, {machine['processor']}")
    if growth:
        texts["growth.svg"] = lines(growth, "Microseconds of CPU for a fact, by size")
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
