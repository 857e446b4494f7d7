"""`peserta demo`: running the whole service on a story or on files, and the proof."""

import shlex
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from peserta.cli.arguments import CompaniesFile, GraceDays, PoliciesFile, optional_date
from peserta.cli.demo_screen import show, summary
from peserta.cli.exit_codes import ExitCode
from peserta.cli.findings_table import named
from peserta.cli.screen import err, out, print_json
from peserta.demo.answers import answers
from peserta.demo.asked import ask_every_question, prove_answered
from peserta.demo.evidence import Evidence, gather
from peserta.demo.installation import folder_of, installed
from peserta.demo.material import Material, from_files, from_story
from peserta.demo.proof import prove
from peserta.demo.receiver import receiving
from peserta.demo.run import Run, Sent
from peserta.demo.story import DEFAULT_SEED, story
from peserta.demo.telling import prove_told
from peserta.intake.reference_files import read_rules
from peserta.operations.audit.findings import Finding
from peserta.operations.failure import Rejected
from peserta.operations.local_stack import LOGS_FOLDER
from peserta.operations.service import Service
from peserta.settings import Settings
from streams.core.book import GRACE_DAYS_DEFAULT


def demo(
    more: Annotated[
        list[Path] | None, typer.Argument(help="Further files of facts, after --facts.", metavar="FILE.ndjson...")
    ] = None,
    facts: Annotated[
        list[Path] | None, typer.Option(help="A file of facts instead of the story; may be given several times.")
    ] = None,
    policies: PoliciesFile = None,
    companies: CompaniesFile = None,
    grace_days: GraceDays = GRACE_DAYS_DEFAULT,
    as_of: Annotated[
        str | None,
        typer.Option(help="The date of the figures; by default that of the last fact.", callback=optional_date),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's results in the form of `simulate`.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The seed of the story.")] = DEFAULT_SEED,
    scale: Annotated[float, typer.Option(min=0.05, max=50.0, help="A factor for the story's headcounts.")] = 1.0,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep the book in this new folder; `peserta up` can continue it.", metavar="DIR"),
    ] = None,
) -> None:
    """Run a story through a real Kafka, the workers and ClickHouse, and prove every figure against the offline book.

    The story is fifteen months of twelve invented footwear companies. --facts uses files of your own instead. The
    command uses the servers in PESERTA_KAFKA and PESERTA_CLICKHOUSE_URL, with topics and a database of its own;
    otherwise it starts both and removes them. --keep starts them in DIR, and the book stays there.

    Exit code 0 only if everything agrees.

    Example: peserta demo · peserta demo --keep playground · peserta demo --facts hires.ndjson --json
    """
    if more and not facts:
        raise Rejected("Files of facts come after --facts.")
    material = _material([*(facts or ()), *(more or ())], policies, companies, grace_days, as_of, seed, scale)
    with (
        folder_of(keep) as folder,
        err.status("Starting Kafka and ClickHouse") as status,
        installed(folder, material.rules.grace_days, is_kept=keep is not None, terminal=err, say=err.print) as local,
        tempfile.TemporaryDirectory(prefix="peserta-receiver-") as own,
        receiving(Path(own)) as receiver,
    ):
        settings = receiver.settings(local.settings)
        with Service(settings, folder / LOGS_FOLDER, keep=(local.lock,)) as service:
            sent = Run(settings, material, service, status.update, receiver).through()
        evidence = gather(settings, status.update)
        status.update("Holding it against what went in and the offline book")
        told = prove_told(evidence.alerts, evidence.notices, evidence.notice_states, receiver)
        status.update("Asking every question of analysts")
        answered = prove_answered(evidence, ask_every_question(settings, evidence))
        checks = [*prove(material, sent, evidence), answered, *told]
        status.stop()
        _print(settings, sent, evidence, checks, as_json)
    if keep is not None:
        err.print(go_on(folder), markup=False, soft_wrap=True)
    if not all(check.holds for check in checks):
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def _material(
    facts: list[Path],
    policies: Path | None,
    companies: Path | None,
    grace_days: int,
    as_of: str | None,
    seed: int,
    scale: float,
) -> Material:
    if facts:
        return from_files(facts, read_rules(policies, companies, grace_days), as_of)
    if policies or companies or as_of:
        raise Rejected("--policies, --companies and --as-of go with --facts; the story brings its own.")
    return from_story(story(seed, scale))


def go_on(folder: Path) -> str:
    """How to go on with a book that was kept."""
    variable = f"PESERTA_DATA_DIR={shlex.quote(str(folder))}"
    return (
        f"The book is kept in {folder}. To go on with it:\n"
        f"  {variable} peserta up\n"
        f"and in another terminal:\n"
        f"  export {variable}\n"
        f"  peserta coverage · peserta alerts · peserta publish FILE.ndjson · peserta tick DATE"
    )


def _print(settings: Settings, sent: Sent, evidence: Evidence, checks: list[Finding], as_json: bool) -> None:
    if as_json:
        for fields in answers(sent, evidence):
            print_json(fields)
        for sentence in named(checks):
            err.print(sentence, markup=False, soft_wrap=True)
        return
    show(out, settings, sent, evidence, checks)
    out.print(summary(sent, evidence, checks), markup=True)
