"""`peserta demo`: the whole service on a story or on somebody's files, and the proof."""

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.arguments import CompaniesFile, GraceDays, PoliciesFile, optional_date, rules_of
from deploy.commands.screen import err, out, print_json
from deploy.demo.answers import answers
from deploy.demo.evidence import Evidence, gather
from deploy.demo.material import Material, from_files, from_story
from deploy.demo.proof import Check, failures, prove
from deploy.demo.run import Run, Sent
from deploy.demo.screen import show, summary
from deploy.embedded.stack import Stack
from deploy.failure import CommandFailed, ExitCode
from deploy.service import Service
from deploy.settings import Settings, read_settings
from deploy.story import DEFAULT_SEED, story
from streams.core.book import GRACE_DAYS_DEFAULT

PARTITIONS = 4


def demo(
    more: Annotated[
        list[Path] | None, typer.Argument(help="Further files of facts, after --facts.", metavar="FILE.ndjson...")
    ] = None,
    facts: Annotated[
        list[Path] | None, typer.Option(help="A file of facts in place of the story; may be given again.")
    ] = None,
    policies: PoliciesFile = None,
    companies: CompaniesFile = None,
    grace_days: GraceDays = GRACE_DAYS_DEFAULT,
    as_of: Annotated[
        str | None,
        typer.Option(help="The date of the figures; without it that of the last fact.", callback=optional_date),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what `simulate` would, from the service.")] = False,
    seed: Annotated[int, typer.Option(help="Of the story.")] = DEFAULT_SEED,
    scale: Annotated[float, typer.Option(min=0.05, max=50.0, help="Of the story's headcounts.")] = 1.0,
) -> None:
    """Run a story through a real Kafka, the workers and ClickHouse, and prove every figure against the offline book.

    The story: fifteen months of twelve invented footwear companies. With --facts the same on files of your own. What
    PESERTA_KAFKA and PESERTA_CLICKHOUSE_URL name is used, under names of its own; else both are started and removed.

    Exit code 0 only if everything agrees.

    Example: peserta demo · peserta demo --facts hires.ndjson --policies policies.yaml --as-of 2025-12-31 --json
    """
    if more and not facts:
        raise CommandFailed("Files of facts come after --facts.")
    material = _material([*(facts or ()), *(more or ())], policies, companies, grace_days, as_of, seed, scale)
    with (
        tempfile.TemporaryDirectory(prefix="peserta-demo-") as folder,
        err.status("Starting Kafka and ClickHouse") as status,
        _installation(Path(folder), material) as settings,
    ):
        with Service(settings, Path(folder) / "logs") as service:
            sent = Run(settings, material, service, status.update).through()
        status.update("Reading back what came out, and proving it")
        evidence = gather(settings)
        checks = prove(material, sent, evidence)
        status.stop()
        _print(settings, sent, evidence, checks, as_json)
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
        return from_files(facts, rules_of(policies, companies, grace_days), as_of)
    if policies or companies or as_of:
        raise CommandFailed("--policies, --companies and --as-of go with --facts; the story brings its own.")
    return from_story(story(seed, scale))


@contextmanager
def _installation(folder: Path, material: Material) -> Iterator[Settings]:
    """Settings of an installation that nobody else uses; what is not configured is started in the folder."""
    configured = read_settings()
    name = f"demo_{secrets.token_hex(4)}"
    kafka, clickhouse = not configured.kafka, not configured.clickhouse_url
    with Stack(folder / "stack", kafka=kafka, clickhouse=clickhouse, console=err) as stack:
        yield read_settings(
            kafka=stack.kafka_address if kafka else None,
            clickhouse_url=stack.clickhouse_url if clickhouse else None,
            topic_prefix=f"{name}.",
            clickhouse_database=name,
            clock="replay",
            partitions=PARTITIONS,
            grace_days=material.rules.grace_days,
            data_dir=folder / "data",
            inbound_topics="workforce.facts.v1",
            health_port=0,
        )


def _print(settings: Settings, sent: Sent, evidence: Evidence, checks: list[Check], as_json: bool) -> None:
    if as_json:
        for fields in answers(sent, evidence):
            print_json(fields)
        for sentence in failures(checks):
            err.print(sentence, markup=False, soft_wrap=True)
        return
    show(out, settings, sent, evidence, checks)
    out.print(summary(sent, evidence, checks), markup=True)
