"""Files of facts, one JSON object a line, numbered over all files."""

from collections.abc import Iterator
from pathlib import Path

from peserta.operations.failure import Rejected
from schemas.fact_json import numbered


def lines_of(files: list[Path]) -> Iterator[tuple[int, bytes]]:
    """(number, line) of every line that is not blank, numbered over all files; Failed for an unreadable file."""
    read = 0
    for path in files:
        try:
            with path.open("rb") as file:
                counted = _Counted(file)
                yield from numbered(counted, read + 1)
                read += counted.lines
        except OSError as error:
            raise Rejected(f"{path} cannot be read: {error.strerror}.") from error


class _Counted:
    """The lines of a file, counted as they pass."""

    def __init__(self, file: Iterator[bytes]) -> None:
        self._file = file
        self.lines = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self.lines += 1
            yield line
