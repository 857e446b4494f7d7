"""`peserta import`: a sheet of facts, shown as it was understood, and published when that is asked for."""

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from peserta.cli.exit_codes import ExitCode
from peserta.cli.import_screen import show_preview, show_refused, words
from peserta.cli.publish import kinds_of, send_and_follow
from peserta.cli.publish_screen import Refusals, line_progress, show_published
from peserta.cli.screen import err, out
from peserta.cli.token import TokenKeyFile
from peserta.intake.door import Door
from peserta.intake.publishing.following import WAIT_DEFAULT_S
from peserta.intake.publishing.run import Publishing
from peserta.intake.sheets.annotated import write_annotated
from peserta.intake.sheets.cells import WrongSheet
from peserta.intake.sheets.facts import SOURCE_DEFAULT, SheetOfFacts, read_facts
from peserta.intake.sheets.fields import FACT_FIELDS
from peserta.intake.sheets.layout import understand
from peserta.intake.sheets.lines import SheetLines
from peserta.intake.sheets.mapping import NOTHING_MAPPED, read_mapping
from peserta.intake.sheets.sentences import Language
from peserta.intake.sheets.table_files import open_table
from peserta.intake.token_keys import keep_marks
from peserta.intake.tokens import TokenKey
from peserta.operations.discovery import find_installation, with_kafka
from peserta.operations.failure import Rejected
from peserta.settings import Settings
from schemas.admission import holds_personal_number, is_source, is_word
from schemas.fact_json import line_of
from schemas.topics import FACTS
from streams.clock import now_ms
from streams.settings import REPLAY

READY_MADE: Final = "worker_id"  # a column of tokens: no key was used for it


class Tongue(StrEnum):
    """The languages in which a sheet is spoken of."""

    ENGLISH = "en"
    INDONESIAN = "id"


SheetFile = Annotated[Path, typer.Argument(help="A CSV or XLSX file.", metavar="FILE.csv|xlsx")]
SheetName = Annotated[str | None, typer.Option("--sheet", help="The sheet of a workbook; else its first.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="What columns and words mean, YAML.", metavar="FILE.yaml")
]
InLanguage = Annotated[Tongue, typer.Option("--language", help="Of what is said of the sheet.")]
AnnotatedFile = Annotated[
    Path | None,
    typer.Option("--annotated", help="Write a copy with result and reason of each row.", metavar="OUT.xlsx"),
]
WithoutRefused = Annotated[
    bool, typer.Option("--without-refused", help="Go on with the other rows although some were refused.")
]
NewKey = Annotated[
    bool, typer.Option("--new-key", help="It is meant that the company's people get other tokens than before.")
]


def import_sheet(
    file: SheetFile,
    company: Annotated[
        str | None, typer.Option(help="The only company that the sheet is about.", metavar="COMPANY_ID")
    ] = None,
    token_key: TokenKeyFile = None,
    mapping: MappingFile = None,
    sheet: SheetName = None,
    source: Annotated[str, typer.Option(help="The source of rows without one.")] = SOURCE_DEFAULT,
    language: InLanguage = Tongue.ENGLISH,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the facts as lines of JSON, and nothing else.")
    ] = False,
    annotated: AnnotatedFile = None,
    apply: Annotated[bool, typer.Option("--apply", help="Publish the facts, and wait for the book.")] = False,
    without_refused: WithoutRefused = False,
    new_key: NewKey = False,
) -> None:
    """Read a sheet of facts, show how it was understood, and publish it with `--apply`.

    A row is one fact about one person. NIK, KPJ and employee numbers become tokens before anything else is done, and
    are never shown. Without `--apply` nothing is published. One refused row holds back the whole file. Importing a
    file again is harmless: what is known already is a duplicate, and what is missing is published.

    Exit code 1 when a row was refused, or the file has no facts.

    Example: peserta import --token-key company.key --language id mutasi.xlsx
    """
    if as_json and apply:
        raise Rejected("--json prints facts and --apply publishes them: ask for one of the two.")
    settings = find_installation()
    _check(company, source)
    tongue: Language = "id" if language is Tongue.INDONESIAN else "en"
    try:
        key = _key(settings, token_key)
        found = _read(settings, file, sheet, mapping, key, company, source)
    except WrongSheet as error:
        raise Rejected(error.remark.sentence(tongue)) from error
    if annotated is not None:
        write_annotated(annotated, found.table, found.fates, tongue)
    is_held_back = bool(found.refused) and not without_refused
    if as_json:
        show_refused(found.refused, tongue, on_error=True)
        if not is_held_back:
            for fact in found.facts:
                sys.stdout.buffer.write(line_of(fact.fact).encode() + b"\n")
    else:
        show_preview(found, tongue)
    if not found.facts:
        err.print(words("nothing", tongue).format(file=file))
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    if is_held_back:
        err.print(words("not_all", tongue))
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
    if apply:
        _publish(with_kafka(settings), found, key, tongue, new_key=new_key)
    elif not as_json:
        out.print(words("preview", tongue))


def _check(company: str | None, source: str) -> None:
    if company is not None and not is_word(company):
        raise Rejected("--company: must be 1 to 64 characters without white space.")
    if not is_source(source):
        raise Rejected("--source: must be text of 1 to 64 characters.")
    if holds_personal_number(source) or holds_personal_number(company or ""):
        raise Rejected("--company and --source would be published, and one of them holds a NIK or KPJ.")


def _key(settings: Settings, path: Path | None) -> TokenKey | None:
    """The key that is configured, if any; a sheet of ready-made tokens needs none."""
    chosen = path or settings.token_key_file
    return None if chosen is None else TokenKey.read(chosen)


def _read(
    settings: Settings,
    file: Path,
    sheet: str | None,
    mapping: Path | None,
    key: TokenKey | None,
    company: str | None,
    source: str,
) -> SheetOfFacts:
    mapped = NOTHING_MAPPED if mapping is None else read_mapping(mapping)
    table = open_table(file, sheet)
    layout = understand(table, FACT_FIELDS, mapped)
    now = None if settings.clock == REPLAY else now_ms()
    return read_facts(table, layout, key, company=company, source=source, now=now)


def _publish(
    settings: Settings, found: SheetOfFacts, key: TokenKey | None, language: Language, *, new_key: bool
) -> None:
    """Keep the key's mark, send the facts, and say what became of each."""
    if key is not None and found.layout.person.field != READY_MADE:
        companies = {fact.fact.company_id for fact in found.facts}
        asyncio.run(keep_marks(settings.kafka, settings.topics.token_keys, companies, key.mark, new_key=new_key))
    refusals = Refusals(as_json=False, language=language)
    door = Door(now_ms, settings.clock == REPLAY, allow_future=False, kinds=kinds_of(settings, FACTS))
    lines = SheetLines(found.table.file, found.facts)
    with line_progress(lines, "publishing") as bar:
        publishing = Publishing(lines, door, refusals.add, bar.on_line)
        ended = send_and_follow(publishing, settings, FACTS, bar, WAIT_DEFAULT_S)
    show_published(publishing.account, refusals)
    if ended.sentence:
        err.print(ended.sentence, markup=False, soft_wrap=True)
    if ended.code:
        raise typer.Exit(ended.code)
    if publishing.account.has_refusals:
        raise typer.Exit(ExitCode.NOT_AS_ASKED)
