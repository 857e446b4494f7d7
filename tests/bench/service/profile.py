"""Where a worker's time goes: `python -m tests.bench.service.profile recorder`, `book-keeper` or `sink`.

cProfile slows calls down, so only the shares are meaningful, not the seconds.
"""

import asyncio
import pstats
import sys
from typing import Annotated, Final

import typer

from tests.bench.load import COPIES_DEFAULT, Load
from tests.bench.place import place
from tests.bench.service import runs
from tests.bench.service.material import Material

LINES: Final = 40
PROFILED: Final = {"recorder": runs.recorder, "book-keeper": runs.bookkeeper, "sink": runs.sink}


def main(
    worker: Annotated[str, typer.Argument(help=", ".join(PROFILED))],
    copies: Annotated[int, typer.Option(min=1, help="Of the load.")] = COPIES_DEFAULT,
    by: Annotated[str, typer.Option(help="tottime or cumtime.")] = "tottime",
) -> None:
    """Run the worker alone once, and print its profile."""
    here = place()
    file = here.folder / "profile"
    asyncio.run(PROFILED[worker](here, Material(Load(copies)), str(file)))
    pstats.Stats(str(file), stream=sys.stdout).strip_dirs().sort_stats(by).print_stats(LINES)


if __name__ == "__main__":
    typer.run(main)
