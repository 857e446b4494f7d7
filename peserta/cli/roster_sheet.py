"""What `peserta roster` shows of how its sheet was understood: columns, rows by fate, programmes, refused rows."""

from peserta.cli.import_screen import show_columns, show_refused
from peserta.cli.roster_words import RosterWords
from peserta.cli.screen import Screen, out, shown
from peserta.intake.rosters.sheet import RosterSheet
from peserta.intake.sheets.cells import shown as without_numbers
from peserta.intake.sheets.rows import RowPassed, RowRead
from peserta.intake.sheets.sentences import Language
from peserta.intake.sheets.suspicions import remarks_on
from schemas.vocabulary import programme_names


def show_sheet(screen: Screen, words: RosterWords, read: RosterSheet, language: Language) -> None:
    """What was understood; the columns only where standard output is for people."""
    table, layout, refused = read.table, read.layout, read.refused
    if screen is out:
        show_columns(layout, language)
    for remark in (*table.remarks, *remarks_on(table, layout)):
        screen.print(shown(remark.sentence(language)))
    name = f"{table.file}, {without_numbers(table.sheet)}" if table.sheet else table.file
    passed = sum(isinstance(fate, RowPassed) for fate in read.fates)
    rows = sum(isinstance(fate, RowRead) for fate in read.fates)
    screen.print(shown(words.rows.format(file=name, read=rows, refused=len(refused), passed=passed)))
    screen.print(words.programmes.format(programmes=", ".join(programme_names(read.roster.columns)) or "–"))
    show_refused(refused, language, on_error=screen is not out)
