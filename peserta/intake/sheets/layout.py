"""The header row of a table and the field of each column, by names in two languages or by a mapping file."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peserta.intake.sheets.cells import Row, Table, WrongSheet, cell_at, letters, shown
from peserta.intake.sheets.fields import FIELD_OF, PERSON_FIELDS, normalised
from peserta.intake.sheets.mapping import MONTH_FIRST, NOTHING_MAPPED, SheetMapping, column_index
from schemas.vocabulary import ALL_PROGRAMMES, PROGRAMMES, programme_set

HEADER_ROWS_MAX: Final = 60  # rows searched for the header


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its index from 0, its header's words as they may be shown, and its field if it has one."""

    index: int
    words: str
    field: str | None = None

    @property
    def letters(self) -> str:
        return letters(self.index)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is read.

    `columns` are the columns that are read, by field. Exactly one of them, `person`, identifies people. `others` are
    not read. `constants` give a field the same text in every row. `values` is field -> word of the sheet (normalised)
    -> value. Dates that can be read both ways have the day first, unless `month_first`.
    """

    header_row: int
    columns: Mapping[str, Column]
    others: tuple[Column, ...]
    person: Column
    constants: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]
    month_first: bool

    @property
    def programmes(self) -> int:
        """A mask of the programmes that the table covers: all if it has a list column, else those with a column."""
        if "programmes" in self.columns or "programmes" in self.constants:
            return ALL_PROGRAMMES
        return programme_set([name for name in PROGRAMMES if name in self.columns])

    def has(self, name: str) -> bool:
        """Whether the table has a value for a field, by a column or by a constant."""
        return name in self.columns or name in self.constants


def understand(
    table: Table,
    wanted: Iterable[str],
    mapping: SheetMapping = NOTHING_MAPPED,
    constants: Mapping[str, str] | None = None,
) -> Layout:
    """Find header and columns of the `wanted` fields (FACT_FIELDS, ROSTER_FIELDS); `constants` override the mapping's.

    Raises WrongSheet if there is no header or no person column, if two columns have one field, or if the mapping names
    a column that does not exist.
    """
    fields = frozenset(wanted)
    number = _header_row(table.rows, fields, mapping)
    header = table.rows[number - 1]
    found = _columns(header, fields, mapping)
    person = _person(found, mapping)
    columns = {name: column for name, column in found.items() if name not in PERSON_FIELDS or column is person}
    read = {column.index for column in columns.values()}
    others = [Column(index, _words(header, index)) for index in range(len(header)) if _name(header, index)]
    return Layout(
        number,
        columns,
        tuple(column for column in others if column.index not in read),
        person,
        {**{name: text for name, text in mapping.constants.items() if name in fields}, **(constants or {})},
        mapping.values,
        mapping.dates == MONTH_FIRST,
    )


def _header_row(rows: Sequence[Row], fields: frozenset[str], mapping: SheetMapping) -> int:
    """The row, among the first HEADER_ROWS_MAX, with the most known columns; the first among equals."""
    mapped = {normalised(name) for name in mapping.fields.values()}
    best, most = 0, 0
    for number, row in enumerate(rows[:HEADER_ROWS_MAX], 1):
        names = {_name(row, index) for index in range(len(row))}
        known = sum(name in mapped or FIELD_OF.get(name) in fields for name in names if name)
        if known > most:
            best, most = number, known
    if not most:
        raise WrongSheet("no_header", rows=min(len(rows), HEADER_ROWS_MAX))
    return best


def _columns(header: Row, fields: frozenset[str], mapping: SheetMapping) -> dict[str, Column]:
    """The columns with a known field; for fields that the mapping names, its columns."""
    places = defaultdict(list)
    for index in range(len(header)):
        places[_name(header, index)].append(index)
    mapped = {name: _mapped(name, text, places) for name, text in mapping.fields.items() if name in fields}
    taken = set(mapped.values())
    found: dict[str, list[int]] = defaultdict(list, {name: [index] for name, index in mapped.items()})
    for name, indexes in places.items():
        of = FIELD_OF.get(name) if name else None
        if of in fields and of not in mapped:
            found[str(of)] += [index for index in indexes if index not in taken]
    for name, indexes in found.items():
        if len(indexes) > 1:
            several = ", ".join(f"{letters(index)} ({_words(header, index)})" for index in indexes[:5])
            raise WrongSheet("two_columns", field=name, columns=several)
    return {name: Column(at[0], _words(header, at[0]), name) for name, at in found.items() if at}


def _mapped(field: str, text: str, places: Mapping[str, Sequence[int]]) -> int:
    """The index of the column that a mapping names, by its header's words or by its letters."""
    found = places.get(normalised(text), ())
    if len(found) == 1:
        return found[0]
    index = column_index(text)
    if index is None or found:
        raise WrongSheet("no_such_column", field=field, column=shown(text))
    return index


def _person(found: Mapping[str, Column], mapping: SheetMapping) -> Column:
    """The person column: the one that the mapping names, else the first in the order of PERSON_FIELDS."""
    order = sorted(PERSON_FIELDS, key=lambda name: name not in mapping.fields)
    name = next((name for name in order if name in found), None)
    if name is None:
        raise WrongSheet("no_person_column", known=", ".join(column.words for column in found.values()) or "-")
    return found[name]


def _name(row: Row, index: int) -> str:
    """The normalised name in a header cell; empty if the cell has no text."""
    cell = cell_at(row, index)
    return normalised(cell) if isinstance(cell, str) else ""


def _words(row: Row, index: int) -> str:
    cell = cell_at(row, index)
    return shown(cell) if isinstance(cell, str) else ""
