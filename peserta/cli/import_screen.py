"""The screen of `peserta import`: how the columns were understood, counts, remarks, the first refused rows."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from peserta.cli.screen import err, out, shown, table
from peserta.intake.known_already import FactsOfFiles, Prospect
from peserta.intake.sheets.cells import shown as without_numbers
from peserta.intake.sheets.facts import SheetOfFacts
from peserta.intake.sheets.layout import Column, Layout
from peserta.intake.sheets.rows import RowRefused
from peserta.intake.sheets.sentences import Language, Remark
from schemas.vocabulary import KINDS

REFUSALS_SHOWN_MAX: Final = 20
OTHERS_SHOWN_MAX: Final = 40

_WORDS: Final[dict[str, dict[Language, str]]] = {
    "columns": {"en": "How the columns were understood", "id": "Arti kolom"},
    "column": {"en": "column", "id": "kolom"},
    "header": {"en": "header", "id": "judul"},
    "field": {"en": "read as", "id": "dibaca sebagai"},
    "constant": {"en": "every row", "id": "setiap baris"},
    "others": {"en": "Not read", "id": "Tidak dibaca"},
    "rows": {"en": "rows", "id": "baris"},
    "fate": {"en": "what became of the rows", "id": "hasil baris"},
    "all": {"en": "all rows", "id": "semua baris"},
    "first": {"en": "Refused rows", "id": "Baris ditolak"},
    "first_of": {"en": "Refused rows (the first {count} of {all})", "id": "Baris ditolak ({count} pertama dari {all})"},
    "preview": {
        "en": "Nothing was published. `--apply` publishes these facts.",
        "id": "Belum ada yang terbit. `--apply` menerbitkan fakta-fakta ini.",
    },
    "not_all": {
        "en": "Nothing was published, for rows were refused. Mend them, or take the others with --without-refused.",
        "id": "Tidak ada yang terbit, karena ada baris ditolak. Perbaiki, atau ambil lainnya dengan --without-refused.",
    },
    "nothing": {"en": "There are no facts in {file}.", "id": "Tidak ada fakta di {file}."},
}


def words(key: str, language: Language) -> str:
    """The word or sentence of this screen with this key."""
    return _WORDS[key][language]


def show_preview(sheet: SheetOfFacts, language: Language) -> None:
    """Show on standard output how the sheet was understood."""
    show_columns(sheet.layout, language)
    for remark in (*sheet.remarks, *_repeated(sheet)):
        out.print(shown(remark.sentence(language)), soft_wrap=True)
    out.print()
    out.print(table("", (words("fate", language), words("rows", language)), _counts(sheet, language)))
    show_refused(sheet.refused, language)


def show_columns(layout: Layout, language: Language) -> None:
    """Show each column with its header's own words and the field that it is read as."""
    columns = sorted(layout.columns.values(), key=lambda column: column.index)
    rows = [(column.letters, column.words, column.field) for column in columns]
    rows += [("", words("constant", language), f"{name} = {text}") for name, text in _safe_constants(layout)]
    names = tuple(words(key, language) for key in ("column", "header", "field"))
    out.print(table(words("columns", language), names, rows))
    if layout.others:
        more = ", …" if len(layout.others) > OTHERS_SHOWN_MAX else ""
        others = ", ".join(map(_named, layout.others[:OTHERS_SHOWN_MAX]))
        out.print(shown(f"{words('others', language)}: {others}{more}"), soft_wrap=True)


def show_refused(refused: list[RowRefused], language: Language, *, on_error: bool = False) -> None:
    """Show the first refused rows: where, why, and what to do. Use standard error if standard output carries facts."""
    screen = err if on_error else out
    if not refused:
        return
    title = words("first" if len(refused) <= REFUSALS_SHOWN_MAX else "first_of", language)
    screen.print(title.format(count=REFUSALS_SHOWN_MAX, all=len(refused)), style="bold")
    for row in refused[:REFUSALS_SHOWN_MAX]:
        screen.print(shown(row.sentence(language)), soft_wrap=True)


def _named(column: Column) -> str:
    return f"{column.letters} ({column.words})"


def _safe_constants(layout: Layout) -> Iterator[tuple[str, str]]:
    return ((name, without_numbers(text)) for name, text in layout.constants.items())


def _counts(sheet: SheetOfFacts, language: Language) -> list[tuple[str, int]]:
    """The number of rows for each fate; the numbers add up to all rows."""
    kinds = Counter(KINDS[found.fact.kind] for found in sheet.facts)
    reads, passes = (Remark(key).sentence(language) for key in ("read", "passed_over"))
    rows = [(f"{reads}: {kind}", count) for kind, count in sorted(kinds.items())]
    rows.append((Remark("refused").sentence(language), len(sheet.refused)))
    rows += [(f"{passes}: {Remark(why).sentence(language)}", count) for why, count in sorted(sheet.passed.items())]
    return [*rows, (words("all", language), len(sheet.fates))]


def _repeated(sheet: SheetOfFacts) -> Iterator[Remark]:
    """Remarks on the number of rows that repeat an earlier one, or contradict it under the same event_id."""
    facts = FactsOfFiles()
    for found in sheet.facts:
        facts.add(found.number, found.fact)
    counts = Counter(prospect for _, prospect, _ in facts.prospects())
    if counts[Prospect.DUPLICATE]:
        yield Remark("repeated_rows", {"count": counts[Prospect.DUPLICATE]})
    if counts[Prospect.ID_CONFLICT]:
        yield Remark("conflicting_rows", {"count": counts[Prospect.ID_CONFLICT]})
