"""The annotated copy: the cells of a sheet as read, and two columns that Peserta adds, the result and its reason.

Every text is written as text, so that a spreadsheet program never runs content that begins with `=`, `+`, `-` or `@`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from peserta.intake.sheets.cells import Cell, Flaw, Table
from peserta.intake.sheets.rows import RowPassed, RowRefused, Why
from peserta.intake.sheets.sentences import Language, Remark
from peserta.operations.failure import Rejected

FIRST_DATE: Final = date(1900, 1, 1)  # earliest date of spreadsheets
SHEET_NAME: Final = "Peserta"
_FORMATS: Final[Mapping[type, str]] = {
    date: "yyyy-mm-dd",
    datetime: "yyyy-mm-dd hh:mm:ss",
    time: "hh:mm:ss",
    timedelta: "[hh]:mm:ss",
}


def write_annotated(path: Path, table: Table, fates: Sequence[object], language: Language) -> None:
    """Write the copy to a new file; `fates` has one fate for each row, in order.

    A cell that could not be read (a formula without result, an error) is blank in the copy. Raises Rejected if the file
    exists or cannot be written.
    """
    if path.exists():
        raise Rejected(f"{path} is there already and was not touched: name another file for the annotated copy.")
    width = max((len(row) for row in table.rows), default=0)
    try:
        with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
            sheet = book.add_worksheet(SHEET_NAME)
            formats = {kind: book.add_format({"num_format": text}) for kind, text in _FORMATS.items()}
            for index, (row, fate) in enumerate(zip(table.rows, fates, strict=True)):
                if index + 1 in table.hidden:
                    sheet.set_row(index, None, None, {"hidden": True})
                for column, cell in enumerate(row):
                    _write(sheet, index, column, cell, formats)
                for column, text in enumerate(_ours(fate, language), width):
                    sheet.write_string(index, column, text)
    except (OSError, xlsxwriter.exceptions.XlsxFileError) as error:
        raise Rejected(f"The annotated copy {path} cannot be written: {error}.") from error


def _ours(fate: object, language: Language) -> tuple[str, str]:
    """The content of the two added columns."""
    if isinstance(fate, RowPassed):
        if fate.why is Why.HEADER:
            return Remark("result").sentence(language), Remark("reason").sentence(language)
        return Remark("passed_over").sentence(language), Remark(fate.why).sentence(language)
    if isinstance(fate, RowRefused):
        return Remark("refused").sentence(language), fate.sentence(language)
    return Remark("read").sentence(language), ""


def _write(sheet: Any, row: int, column: int, cell: Cell, formats: Mapping[type, Any]) -> None:
    if cell is None or isinstance(cell, Flaw):
        return
    if isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif isinstance(cell, bool):
        sheet.write_boolean(row, column, cell)
    elif isinstance(cell, int | float):
        sheet.write_number(row, column, cell)
    elif isinstance(cell, date) and cell.timetuple()[:3] < FIRST_DATE.timetuple()[:3]:
        sheet.write_string(row, column, cell.isoformat())
    else:
        sheet.write_datetime(row, column, cell, formats[type(cell)])
