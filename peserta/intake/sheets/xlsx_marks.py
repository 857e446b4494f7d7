"""What the XML of a workbook shows and calamine does not: hidden rows, formulas without values, errors, extent.

Every part is unpacked here first, and counted, so that a file that would fill the memory is refused before it is read.
"""

import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import IO, Final
from xml.parsers import expat

from peserta.intake.sheets.cells import CELLS_MAX, COLUMNS_MAX, ROWS_MAX, Flaw, WrongSheet

UNPACKED_BYTES_MAX: Final = 512 << 20  # limit for all parts together
PARTS_MAX: Final = 2_000
FLAWS_MAX: Final = 500_000  # limit on cells whose content cannot be read
PIECE_BYTES: Final = 1 << 18
NAMES_KEPT_MAX: Final = 2_048  # limit on cached names of elements and columns

_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
# Errors of reading an archive that is damaged, or only looks like an archive.
UNREADABLE: Final = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, KeyError, ValueError)


@dataclass(slots=True)
class SheetMarks:
    """Marks from the XML of one sheet. Rows are numbered from 1, columns from 0."""

    hidden: set[int] = field(default_factory=set)
    flaws: dict[tuple[int, int], Flaw] = field(default_factory=dict)
    rows: int = 0  # the last row with a cell that is not blank
    columns: int = 0  # the number of columns of the widest row


class _Doctype(Exception):
    """The XML declares entities, which no spreadsheet program writes."""


def check_parts(archive: zipfile.ZipFile) -> None:
    """Raises WrongSheet if the archive is damaged, or would unpack to more than the limits."""
    parts = archive.infolist()
    if len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_BYTES_MAX:
        raise WrongSheet("unpacks_too_large", most=UNPACKED_BYTES_MAX >> 20)
    for part in parts:
        if part.flag_bits & 1:
            raise WrongSheet("protected")
        try:
            # Read to the end: a part that is larger than it declares is damaged.
            with archive.open(part) as file:
                while file.read(PIECE_BYTES):
                    pass
        except UNREADABLE as error:
            raise WrongSheet("damaged") from error


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Name of each sheet -> its part of the archive, in workbook order."""
    sheets: dict[str, str] = {}
    targets: dict[str, str] = {}

    def on_sheet(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "sheet":
            relation = next((value for key, value in attributes.items() if _local(key) == "id"), "")
            sheets[attributes.get("name", "")] = relation

    def on_relation(name: str, attributes: dict[str, str]) -> None:
        if _local(name) == "Relationship":
            targets[attributes.get("Id", "")] = attributes.get("Target", "")

    _parse(archive, _WORKBOOK, on_sheet)
    _parse(archive, _RELATIONS, on_relation)
    return {name: _part(targets.get(relation, "")) for name, relation in sheets.items()}


def sheet_marks(archive: zipfile.ZipFile, part: str) -> SheetMarks:
    """Read the marks of a sheet's XML. Raises WrongSheet if a limit is exceeded."""
    scan = _Scan()
    _parse(archive, part, scan.begins, scan.ends, scan.text)
    return scan.marks


class _Scan:
    """Follows the cells of a sheet's XML."""

    def __init__(self) -> None:
        self.marks = SheetMarks()
        self._row = 0
        self._column = -1
        self._is_error = self._has_formula = self._has_value = self._is_in_value = self._has_parts = False

    def begins(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if name == "c":
            self._begin_cell(attributes)
        elif name == "row":
            self._begin_row(attributes)
        elif name == "f":
            self._has_formula = self._has_parts = True
        elif name in ("v", "t", "is"):
            self._is_in_value = self._has_parts = True

    def ends(self, name: str) -> None:
        name = _local(name)
        if name == "c":
            self._end_cell()
        elif name in ("v", "t", "is"):
            self._is_in_value = False

    def text(self, text: str) -> None:
        if self._is_in_value and text:
            self._has_value = True

    def _begin_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "")
        self._row = int(number) if number.isdecimal() and len(number) <= len(str(ROWS_MAX)) + 1 else self._row + 1
        self._column = -1
        if attributes.get("hidden") in ("1", "true"):
            self.marks.hidden.add(self._row)

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        found = _REFERENCE.fullmatch(attributes.get("r", ""))
        self._column = _index(found[1]) if found else self._column + 1
        if found:
            self._row = int(found[2])
        self._is_error = attributes.get("t") == "e"
        self._has_formula = self._has_value = self._has_parts = False

    def _end_cell(self) -> None:
        flaw = Flaw.ERROR if self._is_error else Flaw.FORMULA if self._has_formula and not self._has_value else None
        if flaw is None and not self._has_parts:  # a blank cell with a colour, say
            return
        marks = self.marks
        if self._row > marks.rows or self._column >= marks.columns:
            marks.rows, marks.columns = max(marks.rows, self._row), max(marks.columns, self._column + 1)
            _check_extent(marks)
        if flaw is not None:
            marks.flaws[self._row, self._column] = flaw
            if len(marks.flaws) > FLAWS_MAX:
                raise WrongSheet("too_many_flaws", most=FLAWS_MAX)


def _check_extent(marks: SheetMarks) -> None:
    """Raises WrongSheet if a sheet has more rows, columns or cells than the limits."""
    if marks.rows > ROWS_MAX:
        raise WrongSheet("too_many_rows", most=ROWS_MAX)
    if marks.columns > COLUMNS_MAX:
        raise WrongSheet("too_many_columns", most=COLUMNS_MAX, row=marks.rows)
    if marks.rows * marks.columns > CELLS_MAX:
        raise WrongSheet("too_many_cells", most=CELLS_MAX)


def _parse(
    archive: zipfile.ZipFile,
    part: str,
    begins: Callable[[str, dict[str, str]], None],
    ends: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Call `begins`, `ends` and `text` for the elements of a part. Raises WrongSheet if it is missing or not XML."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begins
    if ends is not None:
        parser.EndElementHandler = ends
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        with archive.open(_member(archive, part)) as file:
            _feed(parser, file)
    except (expat.ExpatError, _Doctype, *UNREADABLE) as error:
        raise WrongSheet("damaged") from error


def _feed(parser: expat.XMLParserType, file: IO[bytes]) -> None:
    while piece := file.read(PIECE_BYTES):
        parser.Parse(piece, False)
    parser.Parse(b"", True)


def _refuse_doctype(*_: object) -> None:
    raise _Doctype


def _member(archive: zipfile.ZipFile, part: str) -> str:
    """The part's name as the archive spells it: some programs use other capitals."""
    if part in archive.NameToInfo:
        return part
    return next((name for name in archive.namelist() if name.lower() == part.lower()), part)


def _part(target: str) -> str:
    """The part that a relation of the workbook leads to."""
    return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"


@lru_cache(maxsize=NAMES_KEPT_MAX)
def _local(name: str) -> str:
    """The name of an element without its prefix."""
    return name.rpartition(":")[2]


@lru_cache(maxsize=NAMES_KEPT_MAX)
def _index(name: str) -> int:
    """The column (from 0) that letters name."""
    index = 0
    for letter in name:
        index = index * 26 + ord(letter) - ord("A") + 1
    return index - 1
