"""A table of cells: the form of a sheet once its file is read, and readings of single cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final

from peserta.intake.sheets.sentences import Remark
from peserta.operations.failure import Rejected

COLUMNS_MAX: Final = 1_000
ROWS_MAX: Final = 250_000
CELLS_MAX: Final = 5_000_000  # rows times columns
CELL_CHARACTERS_MAX: Final = 32_767  # as in Excel
WORDS_SHOWN_MAX: Final = 40  # characters of a header that are shown
DIGITS_SHOWN_MAX: Final = 10  # longest run of digits that is shown: a longer one may be a personal number
UNSHOWN: Final = "(not shown)"


class Flaw(Enum):
    """The reason why a cell's content could not be read; also the reason of a refusal."""

    FORMULA = "formula_without_value"
    ERROR = "error_value"
    MERGED = "merged_cell"  # part of a merged area whose content is in another cell


# `datetime` is a `date` too. None: a blank cell.
Cell = str | int | float | bool | date | time | timedelta | Flaw | None
Row = Sequence[Cell]


class WrongSheet(Rejected):
    """A file, a sheet or a mapping that cannot be read as a whole. `remark` says why, in either language."""

    def __init__(self, key: str, **values: object) -> None:
        self.remark = Remark(key, values)
        super().__init__(self.remark.sentence("en"))


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of one sheet. `rows[0]` is row 1; rows may have different lengths. `sheet` is empty for a CSV file.

    `hidden` has the numbers of hidden rows that are not blank. They are read like all other rows.
    """

    file: str
    sheet: str
    rows: Sequence[Row]
    hidden: frozenset[int] = frozenset()
    remarks: tuple[Remark, ...] = ()


def is_blank(cell: Cell) -> bool:
    """Whether a cell is blank: white space counts as blank, and so does the rest of a merged area."""
    return cell is None or cell is Flaw.MERGED or (isinstance(cell, str) and not cell.strip())


def cell_at(row: Row, index: int) -> Cell:
    """The cell of a row in a column (from 0); None beyond its end."""
    return row[index] if index < len(row) else None


def letters(index: int) -> str:
    """The letters of a column (from 0), as spreadsheets show them."""
    text = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def shown(text: str) -> str:
    """Words of a header, or the name of a sheet, made fit to be shown: one line, a limited length, no long numbers."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if sum(c.isdigit() for c in words) > DIGITS_SHOWN_MAX:
        return UNSHOWN
    return words if len(words) <= WORDS_SHOWN_MAX else f"{words[: WORDS_SHOWN_MAX - 1]}…"


def is_whole(cell: Cell) -> bool:
    """Whether a cell is a whole number. Spreadsheets store all numbers as floats."""
    return not isinstance(cell, bool) and (isinstance(cell, int) or (isinstance(cell, float) and cell.is_integer()))


def as_day(cell: date) -> date:
    """The date of a date cell, without its time of day."""
    return cell.date() if isinstance(cell, datetime) else cell
