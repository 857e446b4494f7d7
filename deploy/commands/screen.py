"""What all commands share at the terminal: results on standard output, everything else on standard error."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from streams.core.lines import json_line

WIDTH_OF_NO_TERMINAL = 150  # columns: a file or a pipe does not say how wide it is

out = Console(highlight=False)
if not out.is_terminal:
    out = Console(highlight=False, width=WIDTH_OF_NO_TERMINAL)
err = Console(stderr=True, highlight=False)


def progress() -> Progress:
    """A progress bar on standard error, gone when it is done."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    )


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, right: Iterable[str] = ()) -> Table:
    """A table; the columns named in `right` hold numbers."""
    numbers = set(right)
    made = Table(title=title, title_justify="left", header_style="bold", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left")
    for row in rows:
        made.add_row(*map(shown, row))
    return made


def print_json(fields: dict[str, Any]) -> None:
    """One JSON object on one line of standard output, at once: somebody may be following."""
    sys.stdout.buffer.write(json_line(fields).encode() + b"\n")
    sys.stdout.buffer.flush()


def shown(value: object) -> str:
    """Foreign text for the terminal: no markup of ours, no control characters of its own."""
    text = "" if value is None else str(value)
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))


def percent(bp: int | None) -> str:
    """Basis points as per cent with two digits; nothing for nothing."""
    return "–" if bp is None else f"{bp // 100}.{bp % 100:02d} %"


def bar(bp: int | None, width: int = 20) -> str:
    """A bar of this many characters for a share in basis points."""
    eighths = 0 if bp is None else bp * width * 8 // 10_000
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def sparkline(values: Iterable[int | None]) -> str:
    """One character for each share in basis points."""
    return "".join(" " if bp is None else "▁▂▃▄▅▆▇█"[min(7, bp * 8 // 10_001)] for bp in values)
