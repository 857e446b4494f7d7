"""`peserta audit` and `peserta seal`: does the book still say what its journal says?"""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from deploy.audit.report import Report, audit_book
from deploy.audit.seal import read_seal, seal
from deploy.commands.screen import err, out, print_json, table
from deploy.failure import ExitCode
from deploy.running import installation, with_kafka


def audit(
    sealed: Annotated[
        Path | None, typer.Option("--seal", help="A seal that the history must end in.", metavar="FILE.json")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")] = False,
) -> None:
    """Fold the journal again, and hold everything against it: ledger, alerts, dead letters, state, chain, ClickHouse.

    Accounts for every record that the recorder consumed. May run beside the service: it speaks up to the offsets that
    it names. Exit code 0 only if all is well.

    Example: peserta audit · peserta audit --seal seal.json --json
    """
    report = _run(sealed)
    if as_json:
        print_json(report.as_json())
    else:
        _show(report)
    if not report.is_well:
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def take_seal() -> None:
    """Audit the book, and print the heads of its ledger's chains: keep them elsewhere, in the minutes of a forum, say.

    Example: peserta seal > seal.json
    """
    report = _run(None)
    if not report.is_well:
        _show(report)
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    typer.echo(json.dumps(seal(report.kept), indent=2))


def _run(sealed: Path | None) -> Report:
    heads = None if sealed is None else read_seal(sealed)
    with err.status("Auditing") as status:
        return asyncio.run(audit_book(with_kafka(installation()), status.update, heads))


def _show(report: Report) -> None:
    columns = (
        "partition",
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
    out.print(table("The book", columns, rows, right=columns[:-1]))
    inbound = [
        (*one.source, one.next_offset, one.records, one.in_journal, sum(one.dead_letters.values()))
        for one in report.consumed
    ]
    names = ("topic", "partition", "consumed up to", "records", "in the journal", "dead letters")
    out.print(table("Records published", names, inbound, right=names[1:]))
    out.print(
        table("Dispositions", ("disposition", "records"), sorted(report.dispositions.items()), right=("records",))
    )
    out.print(_findings(report))
    for finding in report.findings:
        for named in finding.named:
            out.print(f"[red]{finding.where}, {finding.claim}: {named}[/red]", soft_wrap=True)
    out.print("[bold green]All is well.[/bold green]" if report.is_well else "[bold red]Not all is well.[/bold red]")


def _findings(report: Report) -> Table:
    """One row for each claim, over all places."""
    claims: dict[str, list[int]] = {}
    for f in report.findings:
        sums = claims.setdefault(f.claim, [0, 0, 0, 0])
        for place, count in enumerate((f.compared, f.missing, f.extra, f.different)):
            sums[place] += count
    rows = [("✘" if any(sums[1:]) else "✔", claim, *sums) for claim, sums in claims.items()]
    columns = ("", "claim", "compared", "missing", "extra", "different")
    return table("Findings", columns, rows, right=columns[2:])
