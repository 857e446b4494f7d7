"""`peserta rebuild`: folding the book again from its journal."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from peserta.cli.exit_codes import ExitCode
from peserta.cli.findings_table import findings_table, named
from peserta.cli.screen import err, out, table
from peserta.operations.audit.findings import Finding
from peserta.operations.discovery import find_installation
from peserta.operations.failure import Rejected
from peserta.operations.rebuild.book import book_to_fold
from peserta.operations.rebuild.comparison import compare
from peserta.operations.rebuild.removal import remove_old
from peserta.operations.rebuild.run import Rebuilt, Say
from peserta.operations.rebuild.run import rebuild as fold_beside
from peserta.operations.rebuild.state import restore
from peserta.settings import Settings

WORKERS_MAX: Final = 64
VIEWS_LACK: Final = (
    "[bold red]Analysts do not see the current generation[/bold red]: restart its sink (`peserta worker sink`), which "
    "creates the views when it has caught up."
)


def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only fold, and compare with the current book.")] = False,
    state: Annotated[
        bool, typer.Option("--state", help="Write the book-keeper's state again, and nothing else.")
    ] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Delete every generation except the current one, for good.")
    ] = False,
    switch: Annotated[bool, typer.Option(help="Make the new generation current if all is well.")] = True,
    workers: Annotated[
        int, typer.Option(min=1, max=WORKERS_MAX, help="Number of book-keepers that fold in parallel.")
    ] = 1,
) -> None:
    """Fold the journal again with this code and these settings, beside the current book, check the result, and switch
    to it.

    The current book serves until the switch, and is kept afterwards. An interrupted rebuild continues when it is
    started again. --check writes nothing: exit code 0 if ledger, alerts, dead letters and state are byte for byte what
    this code makes of the journal. --state writes only the state, if it was lost or differs.

    Example: peserta rebuild --check · peserta rebuild --workers 4 · peserta rebuild --drop-old
    """
    if check + state + drop_old > 1 or (not switch and (check or state or drop_old)):
        raise Rejected("--check, --state, --drop-old and --no-switch exclude each other: give one.")
    with book_to_fold(find_installation(), terminal=err, say=err.print) as settings:
        if check:
            _check(settings)
        elif state:
            _state(settings)
        elif drop_old:
            _drop_old(settings)
        else:
            _rebuild(settings, workers, switches=switch)


def _check(settings: Settings) -> None:
    with _progress() as say:
        found = asyncio.run(compare(settings, say))
    findings = [*found.findings, *([found.views] if found.views else [])]
    _show(f"Generation {settings.generation} against its journal", findings)
    if not found.is_published:
        out.print(VIEWS_LACK, markup=True)
    if not found.is_same:
        out.print("[bold red]This code gives another result than the current book has.[/bold red]", markup=True)
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    out.print(
        "[bold green]This code gives the ledger, alerts, last snapshots, dead letters and state of the current book, "
        "byte for byte.[/bold green]",
        markup=True,
    )
    if not found.is_published:
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def _state(settings: Settings) -> None:
    with _progress() as say:
        restored = asyncio.run(restore(settings, say))
    columns = ("partition", "up to", "rows", "records written")
    rows = [(r.partition, r.journal_next, r.rows, r.written) for r in restored]
    out.print(table("The state", columns, rows, right=columns))
    out.print("The state agrees with the journal. Start the book-keepers.")


def _rebuild(settings: Settings, workers: int, *, switches: bool) -> None:
    with _progress() as say:
        rebuilt = asyncio.run(fold_beside(settings, workers, say, switches=switches))
    number, old = rebuilt.candidate.generation.number, settings.generation
    _show(f"Generation {number} against its journal", rebuilt.findings)
    _show(f"Generation {old} against generation {number}", rebuilt.changes)
    if not rebuilt.is_well:
        out.print(
            f"[bold red]Generation {number} does not agree with the journal; {old} stays current.[/bold red]",
            markup=True,
        )
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    _show_switch(rebuilt, number, old)


def _show_switch(rebuilt: Rebuilt, number: int, old: int) -> None:
    if not rebuilt.switched:
        out.print(
            f"Generation {number} is complete, and {old} is still current. `peserta rebuild` continues and switches."
        )
        return
    alerts = rebuilt.candidate.settings.topics.alerts
    out.print(f"[bold green]Generation {number} is current.[/bold green] Its alerts are on {alerts}.", markup=True)
    out.print(
        f"Workers of generation {old} end by themselves (exit code 70); restarted, they work on {number}. What {old} "
        "wrote is kept until `peserta rebuild --drop-old`. Start the workers with this release and these settings: an "
        f"older release would continue {number} with its own code.",
        soft_wrap=True,
    )
    if rebuilt.views is not None:
        _show("What analysts see", [rebuilt.views])
        if not rebuilt.views.holds:
            out.print(VIEWS_LACK, markup=True)


def _drop_old(settings: Settings) -> None:
    removed = asyncio.run(remove_old(settings))
    rows = [(kind, len(names), ", ".join(names)) for kind, names in asdict(removed).items()]
    out.print(table(f"Deleted; generation {settings.generation} is current", ("", "", "names"), rows, prose=("names",)))


def _show(title: str, findings: list[Finding]) -> None:
    """One row for each claim, and below what was named."""
    out.print(findings_table(title, findings), "")
    for sentence in named(findings):
        out.print(sentence, soft_wrap=True, markup=False)


@contextmanager
def _progress() -> Iterator[Say]:
    """Shows a line of progress on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("Rebuilding", total=None, left="")

        def say(what: str, left: int | None, total: int | None) -> None:
            done = None if left is None or total is None else total - left
            progress.update(
                task, description=what, completed=done or 0, total=total, left=f"{left} left" if left else ""
            )

        yield say
