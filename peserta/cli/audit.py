"""`peserta audit` and `peserta seal`: does the book still agree with its journal?"""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from peserta.cli.exit_codes import ExitCode
from peserta.cli.findings_table import findings_table, named
from peserta.cli.screen import err, out, print_json, progress, table
from peserta.cli.tables import Sheet
from peserta.operations.audit.position import JOURNAL
from peserta.operations.audit.reading import OnRead
from peserta.operations.audit.report import Report
from peserta.operations.audit.run import audit as audit_of
from peserta.operations.audit.seal import seal
from peserta.operations.discovery import find_installation


def audit(
    sealed: Annotated[
        Path | None, typer.Option("--seal", help="A seal that the history must end in.", metavar="FILE.json")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", help="Continue from this saved position.", metavar="FILE", show_default=False),
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", help="Save the position here if all is well.", metavar="FILE")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Fold the journal again and compare everything with the result: ledger, alerts, snapshots, dead letters, state,
    ClickHouse.

    Compares the last snapshot of each company. Verifies the ledger's hash chain, and accounts for every record that the
    recorder consumed. May run beside the service: it covers records up to the offsets that it prints. Exit code 0 only
    if all is well.

    A saved position holds what the audit has folded, so that the next audit reads only newer records. Keep it where the
    service cannot write: somebody who can change both the file and the book can deceive such an audit, but not a full
    one. State from before the position is not read again, so only a full audit finds a recreated changelog.

    Example: peserta audit · peserta audit --since last.position --save last.position · peserta audit --seal seal.json
    """
    report = _run(sealed, since, save)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.is_well:
        if save is not None:
            err.print("No position was saved, because not all is well.")
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def take_seal() -> None:
    """Audit the book and print the heads of its ledger's hash chains, to be kept elsewhere, for example in the minutes
    of a meeting.

    Example: peserta seal > seal.json
    """
    report = _run()
    if not report.is_well:
        _show(report)
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    typer.echo(json.dumps(seal(report.kept), indent=2))


def _run(sealed: Path | None = None, since: Path | None = None, save: Path | None = None) -> Report:
    with progress() as bar:
        task = bar.add_task("Auditing", total=None)

        def planned(offsets: int) -> OnRead:
            bar.update(task, total=offsets)
            return lambda passed: bar.advance(task, passed)

        def say(what: str) -> None:
            bar.update(task, description=what)

        return asyncio.run(
            audit_of(find_installation(), say, sealed=sealed, since=since, save=save, on_planned=planned)
        )


def _show(report: Report) -> None:
    columns = (
        "partition",
        "from",
        "up to",
        "entries",
        "repeats",
        "kept",
        "alerts",
        "on the way",
        "in ClickHouse up to",
        "chain",
    )
    rows = [
        (
            k.partition,
            k.since.next[JOURNAL],
            k.journal_next,
            k.entries,
            k.repeats,
            len(k.ledger),
            len(k.alerts),
            k.not_yet_kept,
            k.clickhouse_next,
            k.head.hex()[:12],
        )
        for k in report.kept
    ]
    out.print(table("The book", columns, rows, right=columns[:-1]), "")
    inbound = [
        (
            *one.source,
            one.since.settled_next,
            one.next_offset,
            one.records,
            one.in_journal,
            sum(one.dead_letters.values()),
        )
        for one in report.consumed
    ]
    names = ("topic", "partition", "from", "consumed up to", "records", "in the journal", "dead letters")
    out.print(table("Records published", names, inbound, right=names[1:]), "")
    out.print(_dispositions(report), "")
    out.print(findings_table("Findings", report.findings), "")
    for sentence in named(report.findings):
        out.print(sentence, style="red", markup=False, soft_wrap=True)
    out.print(report.extent, soft_wrap=True)
    out.print(
        "[bold green]All is well.[/bold green]" if report.is_well else "[bold red]Not all is well.[/bold red]",
        markup=True,
    )


def _dispositions(report: Report) -> Sheet:
    """Counts of dispositions; after a position also the total since the beginning."""
    counted, in_total = report.dispositions, report.dispositions_in_total
    if report.since is None:
        return table("Dispositions", ("disposition", "records"), sorted(counted.items()), right=("records",))
    rows = [(disposition, counted[disposition], in_total[disposition]) for disposition in sorted(in_total)]
    columns = ("disposition", "since the position", "in total")
    return table("Dispositions", columns, rows, right=columns[1:])
