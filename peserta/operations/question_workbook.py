"""The answer to a question as a workbook (XLSX): a sheet of typed cells, and one that says what was asked.

Every text is written as text, so that a spreadsheet program never runs content that begins with `=`, `+`, `-` or `@`.
"""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import xlsxwriter

from peserta.operations.coverage_reading import EVERYTHING_KNOWN
from peserta.operations.failure import Rejected
from peserta.operations.questions import Request
from peserta.operations.sql_reading import Result
from schemas.dates import instant_text
from schemas.records import Instant
from sinks.questions.headers import EMPTY, EVERYTHING, NO_UNIT, Column

ROWS_MAX: Final = 1_048_575  # of a sheet, below the line of names
FIRST_DATE: Final = date(1900, 1, 1)  # earliest date of spreadsheets
WIDTHS_LOOKED_AT: Final = 1_000  # rows by which the width of a column is chosen
WIDTH_MAX: Final = 48  # characters
DATE_FORMAT: Final = "yyyy-mm-dd"
INSTANT_FORMAT: Final = "yyyy-mm-dd hh:mm:ss.000"
ABOUT: Final = "About"
SHEET_NAME_MAX: Final = 31
LIST_GAP: Final = ", "
ABOUT_WIDTHS: Final = (18, 30, 100)


def workbook(wanted: Request, found: Result, asked_at: Instant) -> bytes:
    """The workbook. Dates are dates, instants are UTC, and the head of a column names the unit of its numbers. Rejected
    when a sheet cannot have so many rows."""
    if len(found.rows) > ROWS_MAX:
        raise Rejected(
            f"The answer has {len(found.rows):,} rows, and a sheet takes {ROWS_MAX:,}: ask about less, or take "
            "--format csv or parquet.",
        )
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "constant_memory": True}) as book:
        book.set_properties({"created": _moment(asked_at)})
        _answer(book, wanted, found)
        _about(book, wanted, asked_at)
    return content.getvalue()


def _answer(book: Any, wanted: Request, found: Result) -> None:
    sheet = book.add_worksheet(wanted.question.name[:SHEET_NAME_MAX])
    columns, looked_at = wanted.question.columns, found.rows[:WIDTHS_LOOKED_AT]
    formats = {kind: book.add_format({"num_format": text}) for kind, text in _formats()}
    bold = book.add_format({"bold": True})
    sheet.freeze_panes(1, 0)
    for place, column in enumerate(columns):
        longest = max((len(_text(row[place])) for row in looked_at), default=0)
        sheet.set_column(place, place, min(WIDTH_MAX, max(longest, len(_head(column))) + 2))
        sheet.write_string(0, place, _head(column), bold)
    for number, row in enumerate(found.rows, 1):
        for place, value in enumerate(row):
            _write(sheet, number, place, value, formats)
    sheet.autofilter(0, 0, len(found.rows), len(columns) - 1)


def _about(book: Any, wanted: Request, asked_at: Instant) -> None:
    sheet, bold = book.add_worksheet(ABOUT), book.add_format({"bold": True})
    question = wanted.question
    for place, width in enumerate(ABOUT_WIDTHS):
        sheet.set_column(place, place, width)
    meanings = {parameter.name: parameter.meaning for parameter in question.asked}
    lines: list[tuple[str, ...]] = [
        ("question", question.name, question.title),
        ("answers", question.sentence),
        ("asked at", instant_text(asked_at)),
        (),
        ("parameter", "value", "meaning"),
        *((name, _said(value), meanings[name]) for name, value in wanted.values.items() if name in meanings),
        (),
        ("column", "unit", "meaning"),
        *((column.name, "" if column.unit == NO_UNIT else column.unit, column.meaning) for column in question.columns),
    ]
    for number, line in enumerate(lines):
        is_head = line[-1:] == ("meaning",)
        for place, text in enumerate(line):
            sheet.write_string(number, place, text, bold if is_head or place == 0 else None)


def _said(value: str) -> str:
    """A value of a parameter; where nothing was asked for, the word of the header for it."""
    return {"": EMPTY, instant_text(EVERYTHING_KNOWN): EVERYTHING}.get(value, value)


def _head(column: Column) -> str:
    return column.name if column.unit in (NO_UNIT, column.name) else f"{column.name} ({column.unit})"


def _formats() -> Iterable[tuple[type, str]]:
    return (date, DATE_FORMAT), (datetime, INSTANT_FORMAT)


def _write(sheet: Any, row: int, column: int, value: object, formats: dict[type, Any]) -> None:
    if value is None:
        return
    if isinstance(value, int):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), formats[datetime])
    elif isinstance(value, date) and value >= FIRST_DATE:
        sheet.write_datetime(row, column, value, formats[date])
    else:
        sheet.write_string(row, column, _text(value))


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return LIST_GAP.join(map(str, value))
    return "" if value is None else str(value)


def _moment(at: Instant) -> datetime:
    return datetime.fromisoformat(instant_text(at)).replace(tzinfo=None)
