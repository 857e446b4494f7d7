"""A file -> its table: XLSX or CSV, recognised by the first bytes and not by the name."""

from pathlib import Path
from typing import Final

from peserta.intake.sheets.cells import Table, WrongSheet
from peserta.intake.sheets.csv_table import read_csv
from peserta.intake.sheets.xlsx_table import read_xlsx

FILE_BYTES_MAX: Final = 64 << 20

_ZIP: Final = b"PK\x03\x04"
_OLD_OR_PROTECTED: Final = b"\xd0\xcf\x11\xe0"  # XLS, or XLSX with a password
_FOREIGN: Final = (b"\x1f\x8b", b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"SQLite", b"PAR1")


def open_table(path: Path, sheet: str | None = None) -> Table:
    """The table of a CSV file, or of the named or first sheet of an XLSX file.

    Raises WrongSheet if the file cannot be read, is of another kind or exceeds a limit.
    """
    try:
        if not path.is_file():
            raise WrongSheet("no_file", file=path, why="no such file" if not path.exists() else "not a regular file")
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise WrongSheet("no_file", file=path, why=error.strerror) from error
    if len(content) > FILE_BYTES_MAX:
        raise WrongSheet("file_too_large", most=FILE_BYTES_MAX >> 20)
    if content.startswith(_ZIP):
        return read_xlsx(content, str(path), sheet)
    if content.startswith(_OLD_OR_PROTECTED):
        raise WrongSheet("old_or_protected")
    if content.startswith(_FOREIGN):
        raise WrongSheet("no_text")
    if sheet is not None:
        raise WrongSheet("csv_has_no_sheets")
    return read_csv(content, str(path))
