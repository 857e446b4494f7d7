"""A table of cells, and what is said about one: the form in which a sheet is handed on once its file is read."""

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
DIGITS_SHOWN_MAX: Final = 10  # in words that are shown: more may be somebody's number
UNSHOWN: Final = "(not shown)"


class Flaw(Enum):
    """Why a cell has no content that could be read; also the reason of a refusal."""

    FORMULA = "formula_without_value"
    ERROR = "error_value"
    MERGED = "merged_cell"  # it belongs to a merged area whose content stands in another cell


# `datetime` is a `date` too. None: a blank cell.
Cell = str | int | float | bool | date | time | timedelta | Flaw | None
Row = Sequence[Cell]


class WrongSheet(Rejected):
    """A file, a sheet or a mapping that cannot be read as a whole; `remark` says why, in either language."""

    def __init__(self, key: str, **values: object) -> None:
        self.remark = Remark(key, values)
        super().__init__(self.remark.sentence("en"))


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of one sheet. `rows[0]` is row 1; rows may have different lengths. `hidden` are the numbers of hidden
    rows that are not blank; they are rows like all others. `sheet` is empty for a CSV file."""

    file: str
    sheet: str
    rows: Sequence[Row]
    hidden: frozenset[int] = frozenset()
    remarks: tuple[Remark, ...] = ()


def is_blank(cell: Cell) -> bool:
    """Whether nothing stands in a cell: white space is nothing, and so is the rest of a merged area."""
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
    """Words of a header or the name of a sheet as they may be shown: one line, not too long, and no long numbers."""
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if sum(c.isdigit() for c in words) > DIGITS_SHOWN_MAX:
        return UNSHOWN
    return words if len(words) <= WORDS_SHOWN_MAX else f"{words[: WORDS_SHOWN_MAX - 1]}…"


def is_whole(cell: Cell) -> bool:
    """Whether a cell is a whole number. Spreadsheets have no other numbers than floats."""
    return not isinstance(cell, bool) and (isinstance(cell, int) or (isinstance(cell, float) and cell.is_integer()))


def as_day(cell: date) -> date:
    """The date of a date cell, without its time of day."""
    return cell.date() if isinstance(cell, datetime) else cell
