"""`peserta publish`: sending the facts in files to the inbound topic, and reporting their dispositions."""

import asyncio
from typing import Annotated, Final, NamedTuple

import typer

from peserta.cli.arguments import FactFiles, no_facts_in
from peserta.cli.exit_codes import ExitCode
from peserta.cli.publish_screen import LineProgress, Refusals, line_progress, show_dry_run, show_published
from peserta.cli.screen import err
from peserta.intake.door import Door
from peserta.intake.fact_files import FactFiles as FactLines
from peserta.intake.fact_files import UnreadableFile
from peserta.intake.publisher import PublishingStopped
from peserta.intake.publishing.following import WAIT_DEFAULT_S, positions
from peserta.intake.publishing.run import Publishing
from peserta.operations.audit.reading import Unreadable
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.failure import Failed, Unavailable
from peserta.operations.generations import current_book
from peserta.settings import Settings
from schemas.topics import FACTS
from schemas.vocabulary import KINDS
from streams.clock import now_ms
from streams.settings import REPLAY

WAIT_MIN_S: Final = 1.0
WAIT_MAX_S: Final = 86_400.0
INTERRUPTED: Final = 130  # a shell's exit code for a process that SIGINT ended
FILES_ONLY: Final = "Only the files were checked, not what the book knows already."
AGAIN: Final = "Publish the files again to send the rest: what was acknowledged already counts as duplicate."


def publish(
    files: FactFiles,
    topic: Annotated[str, typer.Option(help="The inbound topic, without the prefix.")] = FACTS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Send nothing, and show what would be published.")
    ] = False,
    wait: Annotated[
        float, typer.Option(min=WAIT_MIN_S, max=WAIT_MAX_S, help="Give up after so many seconds without progress.")
    ] = WAIT_DEFAULT_S,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="End when Kafka has acknowledged the lines.")] = False,
    no_book: Annotated[bool, typer.Option("--no-book", help="With --dry-run: check the files only.")] = False,
    allow_future: Annotated[
        bool, typer.Option("--allow-future", help="Allow times of recording in the future.")
    ] = False,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Do not fail on a file without lines.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line: each refused line, then the counts.")
    ] = False,
) -> None:
    """Publish the facts in files, one JSON object a line, and report the disposition of each.

    A line that cannot become a record is refused. The others are sent, and count when Kafka has acknowledged them. Then
    the command waits until recorder and book-keeper have processed each of them. Publishing a file twice is harmless: a
    fact that is known already is a duplicate. The same event_id with other content is refused (id_conflict).

    A dry run reads the journal if it can reach a service, and shows which facts are known already and which would
    conflict.

    Exit code 1 if a line was refused or a file had none. A line without a disposition yet is no failure: it is in
    Kafka.

    Example: peserta publish --dry-run hires.ndjson && peserta publish hires.ndjson
    """
    settings = find_installation()
    refusals = Refusals(as_json)
    door = Door(now_ms, settings.clock == REPLAY, allow_future, kinds_of(settings, topic))
    lines = FactLines(files)
    with line_progress(lines, "checking" if dry_run else "publishing") as bar:
        publishing = Publishing(lines, door, refusals.add, bar.on_line)
        if dry_run:
            ended = _check(publishing, settings, bar, no_book=no_book)
        else:
            ended = send_and_follow(publishing, with_kafka(settings), topic, bar, None if no_wait else wait)
    account = publishing.account
    if dry_run:
        show_dry_run(account, refusals)
    else:
        show_published(account, refusals)
    if account.empty_files:
        err.print(no_facts_in(account.empty_files), markup=False, soft_wrap=True)
    if ended.sentence:
        err.print(ended.sentence, markup=False, soft_wrap=True)
    if ended.code:
        raise typer.Exit(ended.code)
    if account.has_refusals or (account.empty_files and not allow_empty):
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


class Ended(NamedTuple):
    """How the command ended: a sentence about it, and the exit code if nothing was refused."""

    sentence: str = ""
    code: int = ExitCode.DONE


def kinds_of(settings: Settings, topic: str) -> tuple[str, ...]:
    """The types of record that the topic may carry; all types if the settings do not name the topic."""
    return next((inbound.types for inbound in settings.inbound_topics if inbound.name == topic), KINDS)


def _check(publishing: Publishing, settings: Settings, bar: LineProgress, *, no_book: bool) -> Ended:
    """A dry run; if no service answers, only the files are checked."""
    publishing.check()
    said = "Compared with the facts that the book has recorded by now."
    try:
        if no_book:
            said = FILES_ONLY
        elif not settings.kafka:
            said = f"No service runs here, and none is configured. {FILES_ONLY}"
        else:
            asyncio.run(publishing.compare(settings.kafka, settings.topics.journal, bar.stage("comparing")))
    except Unavailable as error:
        said = f"{error} {FILES_ONLY}"
    publishing.foresee()
    return Ended(said)


def send_and_follow(
    publishing: Publishing, settings: Settings, topic: str, bar: LineProgress, silence_s: float | None
) -> Ended:
    """Send, and wait for the dispositions unless `silence_s` is None. Acknowledged lines stay published whatever
    happens next, so the account is always shown, with what happened after it."""
    account = publishing.account
    book = settings if silence_s is None else asyncio.run(current_book(settings))
    begin = {} if silence_s is None else asyncio.run(positions(book.kafka, book.topics))
    try:
        asyncio.run(publishing.send(book.kafka, book.topic_prefix + topic))
    except PublishingStopped as error:
        return Ended(f"peserta: {error}", ExitCode.UNAVAILABLE)
    except UnreadableFile as error:
        if not account.sent:
            raise
        return Ended(f"peserta: {error} {account.sent} lines before it were acknowledged.", ExitCode.WRONG_USE)
    except KeyboardInterrupt:
        return Ended(f"Interrupted: {account.sent} lines were acknowledged. {AGAIN}", INTERRUPTED)
    if silence_s is None or not account.sent:
        return Ended()
    bar.stage("waiting for the book")
    try:
        asyncio.run(publishing.follow(book.kafka, book.topics, begin, silence_s))
    except KeyboardInterrupt:
        return Ended("Interrupted: all lines were acknowledged, but not all dispositions are known.", INTERRUPTED)
    except (Failed, Unreadable) as error:
        sentence = f"peserta: all lines were acknowledged, but not all dispositions are known: {error}"
        return Ended(sentence, ExitCode.UNAVAILABLE)
    return Ended()
