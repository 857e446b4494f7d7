"""XLSX -> table: calamine reads the cells, and `xlsx_marks` adds what calamine does not show."""

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from peserta.intake.sheets.cells import CELL_CHARACTERS_MAX, Cell, Flaw, Table, WrongSheet, is_blank, shown
from peserta.intake.sheets.sentences import Remark
from peserta.intake.sheets.xlsx_marks import FLAWS_MAX, UNREADABLE, SheetMarks, check_parts, sheet_marks, sheet_parts

SHEETS_SHOWN_MAX: Final = 10

_Read = str | int | float | bool | date | time | timedelta


def read_xlsx(content: bytes, file: str, sheet: str | None) -> Table:
    """The table of the named sheet, or of the first. Raises WrongSheet if it cannot be read or exceeds a limit."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except UNREADABLE as error:
        raise WrongSheet("damaged") from error
    with archive:
        check_parts(archive)
        parts = sheet_parts(archive)
        workbook = _workbook(content)
        names = [each.name for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
        name = _chosen(names, sheet)
        marks = sheet_marks(archive, parts.get(name, ""))
    found = _sheet(workbook, name)
    rows = _rows(found)
    merged = found.merged_cell_ranges or []
    _mark(rows, marks, merged)
    others = [shown(each) for each in names if each != name]
    remarks = []
    if others:
        said = ", ".join(others[:SHEETS_SHOWN_MAX]) + (", …" if len(others) > SHEETS_SHOWN_MAX else "")
        remarks.append(Remark("other_sheets", {"sheet": shown(name), "others": said}))
    if merged:
        remarks.append(Remark("merged_areas", {"count": len(merged)}))
    hidden = frozenset(row for row in marks.hidden if row <= len(rows) and not all(map(is_blank, rows[row - 1])))
    if hidden:
        remarks.append(Remark("hidden_rows", {"count": len(hidden)}))
    return Table(file, name, rows, hidden, tuple(remarks))


def _workbook(content: bytes) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic in calamine is not an Exception
        raise WrongSheet("damaged") from error


def _sheet(workbook: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return workbook.get_sheet_by_name(name)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:
        raise WrongSheet("damaged") from error


def _chosen(names: Sequence[str], sheet: str | None) -> str:
    """The sheet to read."""
    if not names:
        raise WrongSheet("damaged")
    if sheet is None:
        return names[0]
    if sheet not in names:
        known = ", ".join(map(shown, names[:SHEETS_SHOWN_MAX]))
        raise WrongSheet("no_such_sheet", sheet=shown(sheet), known=known)
    return sheet


def _rows(sheet: CalamineSheet) -> list[list[Cell]]:
    """The cells from A1 on; blank cells are None."""
    if sheet.start is None:
        return []
    try:
        read: Iterable[list[_Read]] = sheet.to_python(skip_empty_area=False)
    except CalamineError as error:
        raise WrongSheet("damaged") from error
    rows: list[list[Cell]] = []
    for number, row in enumerate(read, 1):
        if any(isinstance(cell, str) and len(cell) > CELL_CHARACTERS_MAX for cell in row):
            raise WrongSheet("cell_too_long", most=CELL_CHARACTERS_MAX, row=number)
        rows.append([None if cell == "" else cell for cell in row])
    return rows


def _mark(rows: list[list[Cell]], marks: SheetMarks, merged: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    """Put a flaw into each cell without readable content of its own; missing rows are added."""
    count = 0
    for (first_row, first_column), (last_row, last_column) in merged:
        for index in range(first_row, min(last_row + 1, len(rows))):
            row = rows[index]
            for column in range(first_column, min(last_column + 1, len(row))):
                if (index, column) != (first_row, first_column) and row[column] is None:
                    row[column] = Flaw.MERGED
                count += 1
                if count > FLAWS_MAX:
                    raise WrongSheet("too_many_flaws", most=FLAWS_MAX)
    for (number, column), flaw in sorted(marks.flaws.items()):
        rows.extend([] for _ in range(number - len(rows)))
        row = rows[number - 1]
        row.extend([None] * (column + 1 - len(row)))
        row[column] = flaw
