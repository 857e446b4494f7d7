"""`make bench-quick` compares this tree with another commit, on the same machine at the same time, as ratios.

This tree's benchmarks measure both trees. Each tree has its own process, and the two take turns: for every row and
every round first the one, then the other. So any other load on the machine affects both alike.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.load import Load
from tests.bench.row import Measure, Row
from tests.bench.rows import ROWS

TOP = Path(__file__).parents[2]
COPIED = ("tests/bench", "tests/support")  # so both trees run the same benchmarks
COPIES = 1  # copies of the story's companies
ROUNDS = 7
QUICK = {row.name: row for row in ROWS if row.is_quick}
console = Console(width=110)


def main(
    base: Annotated[str, typer.Option(help="The commit to compare with.")] = "HEAD~1",
    rounds: Annotated[int, typer.Option(min=1)] = ROUNDS,
    turns: Annotated[bool, typer.Option(hidden=True, help="Be one of the two processes.")] = False,
) -> None:
    """Compare this tree with a commit, as ratios."""
    if turns:
        take_turns(sys.stdin, sys.stdout)
        return
    with worktree(base) as other:
        console.print(compared(other, TOP, rounds=rounds, title=f"This tree against {base}"))


def compared(then: Path, now: Path, *, rounds: int, title: str) -> Table:
    """Measure two folders with the project's code in turns."""
    with tree(now) as ours, tree(then) as theirs:
        figures = {name: [(ask(theirs, name), ask(ours, name)) for _ in range(rounds)] for name in QUICK}
    return table(title, figures)


def take_turns(asked: IO[str], answers: IO[str]) -> None:
    """Answer each row's name with the figure of one round, or null if this tree lacks something that the row needs."""
    load, prepared = Load(COPIES), dict[str, Measure | None]()
    for line in asked:
        name = json.loads(line)
        if name not in prepared:
            prepared[name] = _prepared(QUICK[name], load)
        once = prepared[name]
        answers.write(json.dumps(None if once is None else once()) + "\n")
        answers.flush()


def _prepared(row: Row, load: Load) -> Measure | None:
    try:
        return row.prepare(load)
    except (ImportError, AttributeError, TypeError) as error:  # an older tree may have other names and arguments
        sys.stderr.write(f"{row.name}: {error}\n")
        return None


@contextmanager
def worktree(base: str) -> Iterator[Path]:
    """A folder with the other commit and this tree's benchmarks."""
    with TemporaryDirectory(prefix="peserta-bench-") as name:
        folder = Path(name) / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(folder), base], cwd=TOP, check=True)
        try:
            for part in COPIED:
                shutil.rmtree(folder / part, ignore_errors=True)
                shutil.copytree(TOP / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(folder)], cwd=TOP, check=True)


@contextmanager
def tree(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that measures the code of this folder on request."""
    command = [sys.executable, "-m", "tests.bench.compare", "--turns"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ask(process: "subprocess.Popen[str]", name: str) -> float | None:
    """One round of a row."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(name) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise typer.Exit(1)
    figure: float | None = json.loads(answer)
    return figure


def table(title: str, figures: dict[str, list[tuple[float | None, float | None]]]) -> Table:
    """The medians of both trees and the median of their ratios. Above 1 this tree does more."""
    shown = Table(title=f"{title}, for one core of CPU time")
    for name in ("row", "then", "now", "unit", "ratio", "lowest", "highest"):
        shown.add_column(name, justify="left" if name in ("row", "unit") else "right")
    for name, pairs in figures.items():
        both = [(then, now) for then, now in pairs if then is not None and now is not None]
        if not both:
            shown.add_row(name, "not there")
            continue
        ratios = [now / then for then, now in both]
        shown.add_row(
            name,
            *(f"{median(side):,.0f}" for side in zip(*both, strict=True)),
            QUICK[name].unit,
            *(f"{ratio:.2f}" for ratio in (median(ratios), min(ratios), max(ratios))),
        )
    return shown


if __name__ == "__main__":
    typer.run(main)
