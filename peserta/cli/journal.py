"""`peserta journal`: the book of original entry as files."""

from pathlib import Path
from typing import Annotated

import typer

from peserta.cli.screen import counted, err, out
from peserta.cli.tables import plain
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.journal_files import SCRIPT_FILE, Exported, simulation, taking_in
from peserta.operations.journal_files import export as export_files

journal = typer.Typer(no_args_is_help=True, help="The book of original entry.")


@journal.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="A folder for the files; made when it is missing.", metavar="FOLDER")],
) -> None:
    """Write the journal as files: facts.ndjson, policies.yaml, companies.yaml, for `simulate` and for a new book.

    Says the commands for both. take-in.sh has those for a new book: with the times of recording, and its last date.

    Example: peserta journal export book && peserta simulate --policies book/policies.yaml
    --companies book/companies.yaml --as-of 2025-12-31 book/facts.ndjson
    """
    settings = with_kafka(find_installation())
    exported = export_files(settings, folder)
    _show(exported, folder, settings.grace_days)


def _show(exported: Exported, folder: Path, grace_days: int) -> None:
    counts = (
        counted(exported.facts, "fact"),
        counted(len(exported.policies), "policy", "policies"),
        counted(len(exported.companies), "company", "companies"),
    )
    out.print(f"{', '.join(counts)} in {plain(folder)}")
    if not (commands := taking_in(exported, folder)):
        return
    out.print(f"Fold it offline:\n  {plain(simulation(exported, folder, grace_days))}")
    out.print(
        "Take it into a new book (another PESERTA_TOPIC_PREFIX and PESERTA_CLICKHOUSE_DATABASE, or PESERTA_DATA_DIR) "
        f"whose workers run with PESERTA_CLOCK=replay PESERTA_GRACE_DAYS={grace_days}, "
        f"by {plain(folder / SCRIPT_FILE)}, which says:"
    )
    for command in commands:
        out.print(f"  {plain(command)}")
    if exported.late_rules:
        late = counted(exported.late_rules, "policy or registry entry", "policy or registry entries")
        err.print(
            f"{late} came after facts or ended: both ways take the rules as set before the first fact. The figures are "
            "the same, and alerts can differ from the service's."
        )
