"""`peserta publish`: facts of a file to the inbound topic."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from peserta.cli.arguments import FactFiles
from peserta.cli.exit_codes import ExitCode
from peserta.cli.screen import err, out, progress, table
from peserta.intake.fact_files import lines_of
from peserta.intake.publisher import Lines, OnRecord, Publisher, PublishingStopped, Summary, check
from peserta.operations.discovery import installation, with_kafka
from peserta.operations.failure import Unavailable
from schemas.admission import REASONS_OF_A_LINE, Refusal, sentence
from schemas.records import Coordinates
from schemas.topics import FACTS
from streams.clock import now_ms
from streams.settings import REPLAY

REFUSALS_SHOWN_MAX = 20


def publish(
    files: FactFiles,
    topic: Annotated[str, typer.Option(help="The inbound topic, without the prefix.")] = FACTS,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Check every line and send nothing.")] = False,
) -> None:
    """Publish the facts of files, one JSON object a line.

    Lines that cannot become a record are refused, with their numbers and reasons; the others are sent, and count once
    the broker has acknowledged them. Publishing a file twice is harmless: what is known already counts as duplicate.

    Exit code 1 when anything was refused.

    Example: peserta publish --dry-run hires.ndjson && peserta publish hires.ndjson
    """
    settings = installation()
    replay = settings.clock == REPLAY
    refused: list[tuple[int, Refusal]] = []

    def work(lines: Lines, on_record: OnRecord) -> Summary:
        if dry_run:
            return check(lines, on_record, recorded_at=None if replay else now_ms())
        publisher = Publisher(with_kafka(settings).kafka, settings.topic_prefix + topic, replay=replay, now=now_ms)
        return asyncio.run(publisher.publish(lines, on_record))

    with progress() as bar:
        task = bar.add_task("checking" if dry_run else "publishing", total=_count(files))
        try:
            summary = work(lines_of(files), _keeping(refused, bar, task))
        except PublishingStopped as error:
            raise Unavailable(str(error)) from error
    _show(summary, refused, dry_run)
    if not summary.is_clean:
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def _keeping(refused: list[tuple[int, Refusal]], bar: Progress, task: TaskID) -> OnRecord:
    def on_record(number: int, what: Coordinates | Refusal) -> None:
        bar.advance(task)
        if isinstance(what, Refusal) and len(refused) < REFUSALS_SHOWN_MAX:
            refused.append((number, what))

    return on_record


def _count(files: list[Path]) -> int:
    return sum(1 for _ in lines_of(files))


def _show(summary: Summary, refused: list[tuple[int, Refusal]], dry_run: bool) -> None:
    verb = "would be published" if dry_run else "published"
    out.print(f"{summary.published} {verb}, {sum(summary.refused.values())} refused")
    reasons: Counter[str] = summary.refused + summary.doomed
    if not reasons:
        return
    rows = [(number, why.reason, why.event_id, sentence(why, of_line=True)) for number, why in refused]
    more = sum(reasons.values()) - len(rows)
    out.print(
        table(
            "Refused" + (f" (the first {len(rows)})" if more > 0 else ""), ("line", "reason", "event_id", "why"), rows
        )
    )
    for reason, count in sorted(reasons.items()):
        err.print(f"{reason} ({count}): {REASONS_OF_A_LINE[reason]}", markup=False)
    if summary.doomed and not dry_run:
        err.print(f"{sum(summary.doomed.values())} of the published will be refused by the recorder.", markup=False)
