"""`peserta rebuild`: the book folded again from its journal."""

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
    "[bold red]Analysts do not see what stands[/bold red]: start its sink again (`peserta worker sink`), which makes "
    "the views once it has caught up."
)


def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only fold and compare with what stands.")] = False,
    state: Annotated[
        bool, typer.Option("--state", help="Write the book-keeper's state anew, and nothing else.")
    ] = False,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Delete every generation but the standing one, for good.")
    ] = False,
    switch: Annotated[bool, typer.Option(help="Make the new generation the standing one when it is well.")] = True,
    workers: Annotated[int, typer.Option(min=1, max=WORKERS_MAX, help="Book-keepers that fold side by side.")] = 1,
) -> None:
    """Fold the journal again with the code and settings at hand, beside the standing book, check it, and switch.

    Until the switch the standing book serves as ever; it is kept afterwards. Started again after it was ended somehow,
    it goes on. With --check nothing is written: exit code 0 if ledger, alerts, dead letters and state are byte for byte
    what this code makes of the journal. With --state only a state that was lost, or differs, is written.

    Example: peserta rebuild --check · peserta rebuild --workers 4 · peserta rebuild --drop-old
    """
    if check + state + drop_old > 1 or (not switch and (check or state or drop_old)):
        raise Rejected("--check, --state, --drop-old and --no-switch are different things: ask for one.")
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
    if not found.is_shown:
        out.print(VIEWS_LACK, markup=True)
    if not found.is_same:
        out.print("[bold red]This code makes something else of the journal than what stands.[/bold red]", markup=True)
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    out.print(
        "[bold green]This code makes of the journal the ledger, alerts, last snapshots, dead letters and state that "
        "stand, byte for byte.[/bold green]",
        markup=True,
    )
    if not found.is_shown:
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def _state(settings: Settings) -> None:
    with _progress() as say:
        restored = asyncio.run(restore(settings, say))
    columns = ("partition", "up to", "rows", "records written")
    rows = [(r.partition, r.journal_next, r.rows, r.written) for r in restored]
    out.print(table("The state", columns, rows, right=columns))
    out.print("The state is what the journal gives. Start the book-keepers.")


def _rebuild(settings: Settings, workers: int, *, switches: bool) -> None:
    with _progress() as say:
        rebuilt = asyncio.run(fold_beside(settings, workers, say, switches=switches))
    number, old = rebuilt.candidate.generation.number, settings.generation
    _show(f"Generation {number} against its journal", rebuilt.findings)
    _show(f"What generation {old} has, against generation {number}", rebuilt.changes)
    if not rebuilt.is_well:
        out.print(
            f"[bold red]Generation {number} is not what the journal gives: {old} stands as before.[/bold red]",
            markup=True,
        )
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    _show_switch(rebuilt, number, old)


def _show_switch(rebuilt: Rebuilt, number: int, old: int) -> None:
    if not rebuilt.switched:
        out.print(
            f"Generation {number} is complete, and {old} stands as before. `peserta rebuild` goes on and switches."
        )
        return
    alerts = rebuilt.candidate.settings.topics.alerts
    out.print(f"[bold green]Generation {number} stands.[/bold green] Its alerts are on {alerts}.", markup=True)
    out.print(
        f"Workers of generation {old} end by themselves (exit code 70); started again they keep {number}. What {old} "
        "wrote is kept until `peserta rebuild --drop-old`. This release and these settings must be what they are "
        f"started with: an older release would go on with {number} as it does with its own.",
        soft_wrap=True,
    )
    if rebuilt.shown is not None:
        _show("What analysts see", [rebuilt.shown])
        if not rebuilt.shown.holds:
            out.print(VIEWS_LACK, markup=True)


def _drop_old(settings: Settings) -> None:
    removed = asyncio.run(remove_old(settings))
    rows = [(kind, len(names), ", ".join(names)) for kind, names in asdict(removed).items()]
    out.print(table(f"Deleted; generation {settings.generation} stands", ("", "", "names"), rows, prose=("names",)))


def _show(title: str, findings: list[Finding]) -> None:
    """One row for each claim, and below what was named."""
    out.print(findings_table(title, findings), "")
    for sentence in named(findings):
        out.print(sentence, soft_wrap=True, markup=False)


@contextmanager
def _progress() -> Iterator[Say]:
    """A line of progress on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("Rebuilding", total=None, left="")

        def say(what: str, left: int | None, total: int | None) -> None:
            done = None if left is None or total is None else total - left
            progress.update(
                task, description=what, completed=done or 0, total=total, left=f"{left} left" if left else ""
            )

        yield say
