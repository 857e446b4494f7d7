"""Files of officers, written by the programs' own writers: openpyxl, XlsxWriter, csv."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import openpyxl
import xlsxwriter

from peserta.intake.sheets.fields import FACT_FIELDS
from peserta.intake.sheets.layout import understand
from peserta.intake.sheets.mapping import NOTHING_MAPPED, SheetMapping
from peserta.intake.sheets.rows import RowFate, read_rows
from peserta.intake.sheets.table_files import open_table
from peserta.intake.tokens import TokenKey

KEY: Final = TokenKey(bytes(range(32)))
NIKS: Final = tuple(f"33200512039{number:05}" for number in range(1, 2_000, 7))
WIDTH_MAX: Final = 60

Cells = Iterable[Sequence[Any]]


def csv_bytes(rows: Cells, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    """As a spreadsheet writes CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def csv_file(folder: Path, rows: Cells, delimiter: str = ",", encoding: str = "utf-8") -> Path:
    path = folder / "sheet.csv"
    path.write_bytes(csv_bytes(rows, delimiter, encoding))
    return path


def by_openpyxl(folder: Path, rows: Cells, *, hidden: Iterable[int] = (), merged: Iterable[str] = ()) -> Path:
    """A workbook; texts that begin with `=` are formulas whose results are not saved."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            sheet.cell(number, column, value)
    for number in hidden:
        sheet.row_dimensions[number].hidden = True
    for area in merged:
        sheet.merge_cells(area)
    path = folder / "openpyxl.xlsx"
    book.save(path)
    return path


def by_xlsxwriter(folder: Path, rows: Cells, formats: Mapping[int, str] | None = None) -> Path:
    """A workbook; `formats`: column -> number format. Formulas have a saved result."""
    path = folder / "xlsxwriter.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet()
        made = {column: book.add_format({"num_format": text}) for column, text in (formats or {}).items()}
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(number, column, value, *((made[column],) if column in made else ()))
    return path


def fates(path: Path, mapping: SheetMapping = NOTHING_MAPPED, company: str | None = None) -> list[RowFate]:
    """What becomes of each row of a sheet of facts."""
    table = open_table(path)
    return list(read_rows(table, understand(table, FACT_FIELDS, mapping), KEY, company))
