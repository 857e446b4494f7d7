"""What a command shows of how a sheet of workers was understood: its columns, its rows, and those that were refused."""

from typing import Final

from peserta.cli.roster_words import RosterWords
from peserta.cli.screen import Screen, shown
from peserta.intake.rosters.sheet import RosterSheet
from peserta.intake.sheets.rows import RowPassed, RowRead
from peserta.intake.sheets.sentences import Language
from peserta.intake.sheets.suspicions import remarks_on
from schemas.vocabulary import programme_names

REFUSED_SHOWN_MAX: Final = 20


def show_sheet(screen: Screen, words: RosterWords, read: RosterSheet, language: Language) -> None:
    """Columns by the words of their header, rows by fate, what is doubtful, and the first refused rows."""
    table, layout, refused = read.table, read.layout, read.refused
    name = f"{table.file}, {table.sheet}" if table.sheet else table.file
    passed = sum(isinstance(fate, RowPassed) for fate in read.fates)
    rows = sum(isinstance(fate, RowRead) for fate in read.fates)
    screen.print(shown(words.rows.format(file=name, read=rows, refused=len(refused), passed=passed)))
    for column in layout.columns.values():
        screen.print(shown(f"  {column.letters}  {column.words} = {column.field}"))
    if layout.others:
        others = ", ".join(f"{column.letters} {column.words}" for column in layout.others)
        screen.print(shown(words.not_read.format(columns=others)))
    told = ", ".join(programme_names(read.roster.columns)) or "–"
    screen.print(words.programmes.format(programmes=told))
    for remark in (*table.remarks, *remarks_on(table, layout)):
        screen.print(shown(remark.sentence(language)))
    for row in refused[:REFUSED_SHOWN_MAX]:
        screen.print(shown(row.sentence(language)))
    if len(refused) > REFUSED_SHOWN_MAX:
        screen.print(words.more_refused.format(count=len(refused) - REFUSED_SHOWN_MAX))
