"""The rows of a table, each with exactly one fate: read, refused, or skipped."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from peserta.intake.sheets.cells import Cell, Flaw, Row, Table, WrongSheet, cell_at, is_blank
from peserta.intake.sheets.fields import TOTAL_WORDS, normalised
from peserta.intake.sheets.layout import Column, Layout
from peserta.intake.sheets.sentences import Language, Remark
from peserta.intake.sheets.suspicions import all_rounded
from peserta.intake.sheets.values import CellProblem, Value, text_of, token_of, value_of
from peserta.intake.tokens import TokenKey
from schemas.admission import is_word
from schemas.vocabulary import PROGRAMME_BIT, PROGRAMMES

ID_DIGITS_MIN: Final = 11  # a cell with this many digits may be a personal number, and is no total


class Why(StrEnum):
    """The reason why a row was skipped."""

    TITLE = "title"  # it precedes the header, or numbers the columns below it
    HEADER = "header"
    BLANK = "blank"
    TOTAL = "total"  # it sums other rows, or follows such a row and names nobody


@dataclass(frozen=True, slots=True)
class RowRead:
    """A row about one person. `values` has the fields whose cells are not blank.

    Dates are days, instants milliseconds, `programmes` a mask of those held, other words the contract's values, and the
    rest text. `company_id` is included if the sheet, the mapping or the caller gives it.
    """

    number: int
    worker_id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class RowRefused:
    """A refused row. `column` is None if no single column is at fault, `worker_id` if the person is unknown."""

    number: int
    reason: str
    column: Column | None
    values: Mapping[str, object] = field(default_factory=dict)
    worker_id: str | None = None

    @property
    def remark(self) -> Remark:
        """The remark that says why the row was refused and what to do about it."""
        return Remark(self.reason, self.values)

    def sentence(self, language: Language) -> str:
        """A sentence that says where the row is wrong, why, and what to do."""
        where = {"row": str(self.number), "why": self.remark}
        if self.column is None:
            return Remark("row_refused", where).sentence(language)
        where |= {"column": self.column.letters, "words": self.column.words}
        return Remark("cell_refused", where).sentence(language)


@dataclass(frozen=True, slots=True)
class RowPassed:
    """A skipped row, which is not about a person."""

    number: int
    why: Why


RowFate = RowRead | RowRefused | RowPassed


def read_rows(table: Table, layout: Layout, key: TokenKey | None, company: str | None = None) -> Iterator[RowFate]:
    """The fate of each row of a table, in order, from row 1 to the last.

    `company` is the only company that the sheet may be about; rows of others are refused. Raises WrongSheet, before the
    first row, if personal numbers need a key and there is none, or if employee numbers need a company and there is
    none.
    """
    name = layout.person.field
    if name != "worker_id" and key is None:
        raise WrongSheet("no_key", field=name)
    if name == "employee" and company is None and not layout.has("company_id"):
        raise WrongSheet("no_company")
    constants = _constants(layout)
    return _Reading(table, layout, key, company, constants).fates()


class _Reading:
    """The state of reading: settings for all rows, and whether a total was seen."""

    def __init__(
        self, table: Table, layout: Layout, key: TokenKey | None, company: str | None, constants: Mapping[str, Value]
    ) -> None:
        self._table, self._layout, self._key, self._company = table, layout, key, company
        self._constants = dict(constants)
        if company is not None:
            self._constants["company_id"] = company
        self._read = [column for name, column in layout.columns.items() if column is not layout.person]
        below = table.rows[layout.header_row :]
        self._is_rounded = layout.person.field == "nik" and all_rounded(
            [cell_at(row, layout.person.index) for row in below]
        )
        self._total_was_seen = False

    def fates(self) -> Iterator[RowFate]:
        for number, row in enumerate(self._table.rows, 1):
            why = self._passed(number, row)
            yield self._fate(number, row) if why is None else RowPassed(number, why)

    def _passed(self, number: int, row: Row) -> Why | None:
        """The reason to skip a row; None if it is about a person."""
        if all(map(is_blank, row)):
            return Why.BLANK
        if number <= self._layout.header_row:
            return Why.HEADER if number == self._layout.header_row else Why.TITLE
        if number == self._layout.header_row + 1 and _numbers_columns(row):
            return Why.TITLE
        person = cell_at(row, self._layout.person.index)
        if _is_total(row, person):
            self._total_was_seen = True
            return Why.TOTAL
        return Why.TOTAL if self._total_was_seen and is_blank(person) else None

    def _fate(self, number: int, row: Row) -> RowRead | RowRefused:
        """Read the person's token, then the other cells; the first wrong cell refuses the row."""
        column, worker_id = self._layout.person, None
        try:
            worker_id = self._token(row)
            column = self._layout.columns.get("company_id", column)
            values = dict(self._constants)
            held, tells = 0, False
            for column in self._read:
                name, cell = str(column.field), cell_at(row, column.index)
                if cell is Flaw.MERGED:
                    raise CellProblem(cell.value)
                if name in PROGRAMMES:
                    tells = True
                    if not is_blank(cell) and value_of(name, cell, self._layout):
                        held |= PROGRAMME_BIT[name]
                elif not is_blank(cell):
                    values[name] = value_of(name, cell, self._layout)
                    if name == "company_id" and self._company not in (None, values[name]):
                        raise CellProblem("other_company")
            if tells:
                values["programmes"] = held | int(values.get("programmes", 0))
        except CellProblem as problem:
            return RowRefused(number, problem.reason, column, problem.values, worker_id)
        return RowRead(number, worker_id, values)

    def _token(self, row: Row) -> str:
        person = self._layout.person
        cell = cell_at(row, person.index)
        if is_blank(cell):
            raise CellProblem(Flaw.MERGED.value if cell is Flaw.MERGED else "missing")
        if self._is_rounded:
            raise CellProblem("rounded_number")
        company_id = self._company_id(row) if person.field == "employee" else ""
        return token_of(str(person.field), cell, self._key, company_id)

    def _company_id(self, row: Row) -> str:
        """The company that issued an employee number."""
        column = self._layout.columns.get("company_id")
        cell = None if column is None else cell_at(row, column.index)
        text = str(self._constants.get("company_id", "")) if is_blank(cell) else text_of(cell)
        if not is_word(text):
            raise CellProblem("employee_without_company")
        return text


def _constants(layout: Layout) -> dict[str, Value]:
    """The constant values of every row. Raises WrongSheet for one that is not valid for its field."""
    values: dict[str, Value] = {}
    for name, text in layout.constants.items():
        try:
            values[name] = value_of(name, text, layout)
        except CellProblem as problem:
            raise WrongSheet("wrong_constant", field=name, why=Remark(problem.reason, problem.values)) from problem
    return values


def _is_total(row: Row, person: Cell) -> bool:
    """Whether a row sums other rows: it has a word for a total, and no personal number."""
    if is_blank(person):
        return any(_says_total(cell) for cell in row if isinstance(cell, str))
    first = next((cell for cell in row if not is_blank(cell)), None)
    digits = sum(c.isdigit() for c in str(person)) if isinstance(person, str | int | float) else 0
    return isinstance(first, str) and _says_total(first) and digits < ID_DIGITS_MIN


def _says_total(text: str) -> bool:
    words = text.casefold().replace(":", " ").split()
    return any(" ".join(words[: len(total.split())]) == total for total in TOTAL_WORDS)


def _numbers_columns(row: Row) -> bool:
    """Whether a row below the header counts its columns: 1, 2, 3 or (1), (2), (3)."""
    cells = [cell for cell in row if not is_blank(cell)]
    numbers = [
        normalised(cell).strip("()") if isinstance(cell, str) else str(cell).removesuffix(".0") for cell in cells
    ]
    return len(cells) > 1 and numbers == [str(number) for number in range(1, len(cells) + 1)]
