"""`peserta journal`: the journal as files."""

from pathlib import Path
from typing import Annotated

import typer

from peserta.cli.screen import counted, err, out
from peserta.cli.tables import plain
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.journal_files import SCRIPT_FILE, Exported, simulation, taking_in
from peserta.operations.journal_files import export as export_files

journal = typer.Typer(no_args_is_help=True, help="Export the journal.")


@journal.command("export")
def export(
    folder: Annotated[Path, typer.Argument(help="The folder for the files; created if missing.", metavar="FOLDER")],
) -> None:
    """Write the journal as files: facts.ndjson, policies.yaml, companies.yaml, for `simulate` and for a new book.

    Prints the commands for both. take-in.sh loads the files into a new book, with their times of recording, and begins
    its last business date.

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
        "Load it into a new book (another PESERTA_TOPIC_PREFIX and PESERTA_CLICKHOUSE_DATABASE, or PESERTA_DATA_DIR) "
        f"whose workers run with PESERTA_CLOCK=replay PESERTA_GRACE_DAYS={grace_days}, "
        f"by {plain(folder / SCRIPT_FILE)}, which says:"
    )
    for command in commands:
        out.print(f"  {plain(command)}")
    if exported.late_rules:
        late = counted(exported.late_rules, "policy or registry entry", "policy or registry entries")
        err.print(
            f"{late} came after facts or ended: both commands set all rules before the first fact. The figures are the "
            "same, but alerts can differ from the service's."
        )
