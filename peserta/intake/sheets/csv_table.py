"""CSV -> table: encoding and delimiter are detected from the bytes."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from peserta.intake.sheets.cells import (
    CELL_CHARACTERS_MAX,
    CELLS_MAX,
    COLUMNS_MAX,
    ROWS_MAX,
    Row,
    Table,
    WrongSheet,
)
from peserta.intake.sheets.sentences import Remark

ROWS_TO_TELL: Final = 100  # rows read to find the delimiter
CHARACTERS_TO_TELL: Final = 256 * 1024

_MARKS: Final = (
    (b"\xef\xbb\xbf", "utf-8", "UTF-8"),
    (b"\xff\xfe", "utf-16-le", "UTF-16"),
    (b"\xfe\xff", "utf-16-be", "UTF-16"),
)
_DELIMITERS: Final = {",": ",", ";": ";", "\t": "tab"}  # delimiter -> its name
_SAID: Final = re.compile(r"\ufeff?sep=([,;\t])\r?\n?", re.IGNORECASE)  # Excel's first line that names the delimiter


def read_csv(content: bytes, file: str) -> Table:
    """The table in the bytes of a CSV file. Raises WrongSheet if they are not text, or exceed a limit."""
    text, encoding = _decoded(content)
    if "\0" in text:
        raise WrongSheet("no_text")
    said = _SAID.match(text)
    delimiter = said[1] if said else _delimiter(text[:CHARACTERS_TO_TELL])
    rows: list[Row] = []
    cells = 0
    for number, row in _records(text, delimiter):
        if number > ROWS_MAX:
            raise WrongSheet("too_many_rows", most=ROWS_MAX)
        if len(row) > COLUMNS_MAX:
            raise WrongSheet("too_many_columns", most=COLUMNS_MAX, row=number)
        cells += len(row)
        if cells > CELLS_MAX:
            raise WrongSheet("too_many_cells", most=CELLS_MAX)
        if row and max(map(len, row)) > CELL_CHARACTERS_MAX:
            raise WrongSheet("cell_too_long", most=CELL_CHARACTERS_MAX, row=number)
        rows.append([cell if cell and not cell.isspace() else None for cell in row])
    if said:
        rows[0] = []
    remark = Remark("csv_read_as", {"encoding": encoding, "delimiter": _DELIMITERS[delimiter]})
    return Table(file, "", rows, remarks=(remark,))


def _decoded(content: bytes) -> tuple[str, str]:
    """The text of a file, and the name of its encoding."""
    for mark, codec, name in _MARKS:
        if content.startswith(mark):
            try:
                return content[len(mark) :].decode(codec), name
            except UnicodeDecodeError as error:
                raise WrongSheet("no_text") from error
    unmarked = _unmarked_utf_16(content)
    for codec, name in ((unmarked, "UTF-16"),) if unmarked else (("utf-8", "UTF-8"), ("cp1252", "Windows-1252")):
        try:
            return content.decode(codec), name
        except UnicodeDecodeError:
            continue
    raise WrongSheet("no_text")


def _unmarked_utf_16(content: bytes) -> str | None:
    """The codec of UTF-16 without a byte order mark, else None.

    The zero bytes of Latin letters are all at even or all at odd places.
    """
    head = content[:1024]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) * 4 < len(head):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records, numbered from 1. Raises WrongSheet for an unclosed quote."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, 1):
            yield number, row
    except csv.Error as error:
        raise WrongSheet("wrong_quotes", row=number + 1) from error


def _delimiter(text: str) -> str:
    """The delimiter by which most records have the same number of columns, at least two.

    Among equals, the one with more columns wins.
    """
    return max(_DELIMITERS, key=lambda delimiter: _agreement(text, delimiter))


def _agreement(text: str, delimiter: str) -> tuple[int, int]:
    """(number of records with the usual width, that width); (0, 0) if this delimiter divides nothing."""
    widths: Counter[int] = Counter()
    try:
        # Read quotes leniently: the sample may end within a cell.
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        for _, row in zip(range(ROWS_TO_TELL), reader, strict=False):
            widths[len(row)] += len(row) > 1
    except csv.Error:
        return 0, 0
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (count, width) if count else (0, 0)
