"""What all commands share at the terminal: results on standard output, everything else on standard error."""

import os
import sys
from collections.abc import Iterable
from typing import IO, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from peserta.cli.tables import plain
from peserta.cli.tables import table as table
from schemas.fact_json import json_line

WIDTH_OF_NO_TERMINAL: Final = 1 << 20  # columns: a file or a pipe has room for every line
LINES_OF_NO_TERMINAL: Final = 25


class Screen(Console):
    """A console that prints text literally, without markup unless `markup=True`. The terminal breaks long lines."""

    def __init__(self, *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, stderr=stderr, file=file, width=width)
        if width is None and not self.file.isatty():
            self.width, self.height = WIDTH_OF_NO_TERMINAL, LINES_OF_NO_TERMINAL

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's `print`, but without cutting lines."""
        options.setdefault("soft_wrap", all(isinstance(each, str) for each in objects))
        options.setdefault("crop", False)
        super().print(*objects, **options)


out = Screen()
err = Screen(stderr=True)


def print_version(asked: bool) -> None:
    """The callback of `--version`."""
    if asked:
        from importlib.metadata import version

        out.print(f"peserta {version('peserta')}")
        raise typer.Exit


def note_variables() -> None:
    """Report on standard error the variables that look like settings but are not, and connections without TLS."""
    if not any(name.upper().startswith("PESERTA_") for name in os.environ):
        return
    from peserta.cli.variables import exposed, unknown_variables  # slow to import

    for sentence in (*unknown_variables(os.environ), *exposed()):
        err.print(f"peserta: {sentence}")


def progress() -> Progress:
    """A progress bar on standard error, removed at the end."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
        disable=not err.file.isatty(),
    )


def print_json(fields: dict[str, Any]) -> None:
    """Print one JSON object on one line of standard output and flush it: a reader may be following."""
    sys.stdout.buffer.write(json_line(fields).encode() + b"\n")
    sys.stdout.buffer.flush()


def shown(value: object) -> str:
    """Foreign text, escaped for use inside markup, without control characters."""
    return escape(plain(value))


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 row, 2 rows, 1 policy, 0 policies."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def percent(bp: int | None) -> str:
    """Basis points as per cent with two digits; empty for None."""
    return "–" if bp is None else f"{bp // 100}.{bp % 100:02d} %"


def bar(bp: int | None, width: int = 20) -> str:
    """A bar of this many characters for a share in basis points."""
    eighths = 0 if bp is None else bp * width * 8 // 10_000
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def sparkline(values: Iterable[int | None]) -> str:
    """One character for each share in basis points."""
    return "".join(" " if bp is None else "▁▂▃▄▅▆▇█"[min(7, bp * 8 // 10_001)] for bp in values)
