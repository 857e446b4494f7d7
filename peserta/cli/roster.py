"""`peserta roster`: who works at a company at the end of a day, compared with the book, and published."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from peserta.cli.arguments import AllowFuture, AsOf
from peserta.cli.exit_codes import ExitCode
from peserta.cli.import_sheet import READY_MADE, AnnotatedFile, MappingFile, NewKey, SheetName, WithoutRefused
from peserta.cli.publish import INTERRUPTED, WAIT_MAX_S, WAIT_MIN_S, kinds_of
from peserta.cli.roster_screen import RefusedFacts, show_account, show_comparison, unconfirmed
from peserta.cli.roster_sheet import show_sheet
from peserta.cli.roster_words import WORDS, RosterWords
from peserta.cli.screen import Screen, err, out, progress
from peserta.cli.token import TokenKeyFile
from peserta.intake.door import Door
from peserta.intake.publisher import PublishingStopped
from peserta.intake.publishing.following import WAIT_DEFAULT_S
from peserta.intake.rosters.comparison import Comparison
from peserta.intake.rosters.leavers import LeaversUnconfirmed, check_leavers
from peserta.intake.rosters.roster import SOURCE_DEFAULT, Roll, check_roll
from peserta.intake.rosters.run import RosterPublishing, compare_with_book, unrecorded, wait_until_recorded
from peserta.intake.rosters.sheet import RosterSheet, read_roster
from peserta.intake.rosters.worker_changes import NoLaterMoment
from peserta.intake.sheets.annotated import write_annotated
from peserta.intake.sheets.cells import WrongSheet
from peserta.intake.sheets.mapping import NOTHING_MAPPED, read_mapping
from peserta.intake.sheets.sentences import Language
from peserta.intake.token_keys import check_marks, keep_marks
from peserta.intake.tokens import TokenKey
from peserta.operations.audit.reading import Unreadable
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.failure import Failed, Rejected
from peserta.operations.generations import current_book
from peserta.settings import Settings
from schemas.dates import day
from schemas.fact_json import line_of
from schemas.topics import FACTS
from streams.clock import now_ms
from streams.settings import REPLAY

SheetFile = Annotated[Path, typer.Argument(help="A sheet, CSV or XLSX: a row a worker.", metavar="FILE")]
CompanyId = Annotated[str, typer.Option(help="The company whose workers they are.", metavar="COMPANY_ID")]
Source = Annotated[str, typer.Option(help="The source of the facts.")]
InLanguage = Annotated[Language, typer.Option(help="The language of what is said.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts, one JSON object a line, only.")]
Apply = Annotated[bool, typer.Option("--apply", help="Publish the facts, and wait for the book.")]
ConfirmLeavers = Annotated[
    int | None, typer.Option(min=0, help="It is meant that exactly so many workers are ended.", metavar="N")
]
Wait = Annotated[
    float, typer.Option(min=WAIT_MIN_S, max=WAIT_MAX_S, help="Seconds without news of a fact, to give up after.")
]


def roster(
    file: SheetFile,
    company: CompanyId,
    as_of: AsOf,
    source: Source = SOURCE_DEFAULT,
    token_key: TokenKeyFile = None,
    mapping: MappingFile = None,
    sheet: SheetName = None,
    language: InLanguage = "en",
    as_json: AsJson = False,
    annotated: AnnotatedFile = None,
    apply: Apply = False,
    confirm_leavers: ConfirmLeavers = None,
    without_refused: WithoutRefused = False,
    new_key: NewKey = False,
    allow_future: AllowFuture = False,
    wait: Wait = WAIT_DEFAULT_S,
) -> None:
    """Compare the list of all workers of a company with the book, and publish the difference.

    The file says who works at the company at the end of a day. By default nothing is published: what would be is shown,
    by kind, with the token of each worker who would be ended. After --apply the book is what the file says, at the end
    of that day, and the same file again publishes nothing. When it was interrupted, the same command goes on.

    One refused row means that nothing is published (--without-refused: nobody is ended whom it may mean). More than 5
    leavers, and more than 10 % of the workers, must be confirmed by their exact number.

    Exit code 1 when a row or a fact was refused, or leavers are not confirmed.

    Example: peserta roster september.xlsx --company C1 --as-of 2025-09-30
    """
    if as_json and apply:
        raise Rejected("--json prints facts and --apply publishes them: ask for one of the two.")
    settings = with_kafka(find_installation())
    roll = _roll(settings, company, as_of, source)
    key = _key(settings, token_key)
    read = _read(file, roll, Reading(key, mapping, sheet, language))
    if annotated is not None:
        write_annotated(annotated, read.table, read.fates, language)
    telling = Telling(err if as_json else out, WORDS[language], language)
    show_sheet(telling.screen, telling.words, read, language)
    is_whole = without_refused or not read.refused
    if not is_whole and (apply or as_json):
        telling.say(telling.words.not_published)
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    book = asyncio.run(current_book(settings))
    _check_mark(settings, read, None if new_key else key)
    comparison = _compare(book, read, telling, confirm_leavers, is_for_good=apply)
    if as_json:
        _print_facts(comparison)
    if not comparison.facts:
        telling.say(telling.words.nothing)
    elif apply:
        _keep_mark(settings, read, key, new_key=new_key)
        door = Door(now_ms, settings.clock == REPLAY, allow_future, kinds_of(settings, FACTS))
        _publish(book, comparison, door, telling, silence_s=wait, is_whole=not read.refused)
    elif not as_json:
        telling.say(telling.words.preview_of(len(comparison.facts), is_whole=is_whole))
    if not is_whole:
        raise typer.Exit(ExitCode.NOT_AS_ASKED)


def _roll(settings: Settings, company: str, as_of: str, source: str) -> Roll:
    roll = Roll(company, day(as_of), source)
    check_roll(roll, now_ms(), is_replay=settings.clock == REPLAY)
    return roll


def _print_facts(comparison: Comparison) -> None:
    for each in comparison.facts:
        sys.stdout.buffer.write(line_of(each.fact).encode() + b"\n")


class Telling(NamedTuple):
    """Where and in which words something is said."""

    screen: Screen
    words: RosterWords
    language: Language

    def say(self, sentence: str) -> None:
        """A sentence on a line of its own."""
        self.screen.print(sentence)


class Reading(NamedTuple):
    """How the file is to be read, and what is wrong with it be said."""

    key: TokenKey | None
    mapping: Path | None
    sheet: str | None
    language: Language


def _key(settings: Settings, path: Path | None) -> TokenKey | None:
    """The key that is configured, if any; a sheet of ready-made tokens needs none."""
    chosen = path or settings.token_key_file
    return None if chosen is None else TokenKey.read(chosen)


def _read(file: Path, roll: Roll, how: Reading) -> RosterSheet:
    try:
        mapping = NOTHING_MAPPED if how.mapping is None else read_mapping(how.mapping)
        return read_roster(file, roll, sheet=how.sheet, mapping=mapping, key=how.key)
    except WrongSheet as error:
        raise Rejected(error.remark.sentence(how.language)) from error


def _compare(
    book: Settings, read: RosterSheet, telling: Telling, confirmed: int | None, *, is_for_good: bool
) -> Comparison:
    """The roster against the book, shown; exit code 1 when its leavers are not confirmed.

    Before anything is published, the journal must have all that was published before. A preview only says how much it
    has not.
    """
    words = telling.words
    if is_for_good:
        asyncio.run(wait_until_recorded(book))
    elif left := asyncio.run(unrecorded(book)):
        telling.say(words.unrecorded.format(count=left))
    with progress() as bar:
        task = bar.add_task(words.comparing, total=None)

        def on_passed(passed: int, whole: int) -> None:
            bar.update(task, completed=passed, total=whole)

        try:
            comparison = asyncio.run(compare_with_book(book, read.roster, on_passed))
        except NoLaterMoment as error:
            raise Rejected(words.no_later_moment.format(token=error.worker_id)) from error
    show_comparison(telling.screen, words, read, comparison)
    try:
        check_leavers(comparison, confirmed)
    except LeaversUnconfirmed as error:
        telling.say(unconfirmed(words, error))
        raise typer.Exit(ExitCode.NOT_AS_ASKED) from None
    return comparison


def _check_mark(settings: Settings, read: RosterSheet, key: TokenKey | None) -> None:
    """Rejected when the company's people had tokens of another key until now: everybody would seem to leave."""
    if key is not None and read.layout.person.field != READY_MADE:
        companies = {read.roster.roll.company_id}
        asyncio.run(check_marks(settings.kafka, settings.topics.token_keys, companies, key.mark))


def _keep_mark(settings: Settings, read: RosterSheet, key: TokenKey | None, *, new_key: bool) -> None:
    """Keep the mark of the key beside the company's first import; Rejected when another was first meanwhile."""
    if key is not None and read.layout.person.field != READY_MADE:
        companies = {read.roster.roll.company_id}
        asyncio.run(keep_marks(settings.kafka, settings.topics.token_keys, companies, key.mark, new_key=new_key))


def _publish(
    book: Settings, comparison: Comparison, door: Door, telling: Telling, *, silence_s: float, is_whole: bool
) -> None:
    """Publish, wait, and say what became of the facts; what was acknowledged stays, whatever happens then."""
    words = telling.words
    refused = RefusedFacts(comparison)
    publishing = RosterPublishing(book, comparison, door, refused.add)
    account, count = publishing.account, len(comparison.facts)
    ended, code = "", int(ExitCode.DONE)
    try:
        with progress() as bar:
            bar.add_task(words.publishing, total=None)
            asyncio.run(publishing.run(FACTS, silence_s))
    except PublishingStopped:
        ended, code = words.stopped.format(sent=account.sent, count=count), ExitCode.UNAVAILABLE
    except KeyboardInterrupt:
        ended, code = words.interrupted.format(sent=account.sent, count=count), INTERRUPTED
    except (Failed, Unreadable) as error:
        if not account.sent:
            raise
        ended, code = words.not_followed.format(why=error), ExitCode.UNAVAILABLE
    show_account(telling.screen, words, account, is_whole=is_whole)
    refused.show(telling.screen, words, telling.language)
    if ended:
        err.print(ended)
    if code or account.has_refusals:
        raise typer.Exit(code or ExitCode.NOT_AS_ASKED)
