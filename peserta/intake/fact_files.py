"""Files of facts as one sequence of numbered lines. Each file is read once, from beginning to end, so pipes, FIFOs and
standard input work as well."""

import stat
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from peserta.intake.foreign_files import HEAD_BYTES_MAX, foreign_kind, needs_more
from peserta.operations.failure import Rejected
from schemas.admission import RECORD_BYTES_MAX
from schemas.fact_json import numbered

STANDARD_INPUT: Final = "-"
STANDARD_INPUT_NAME: Final = "standard input"
PIECE_BYTES: Final = 2 * RECORD_BYTES_MAX  # of a line, read at a time
BLANKS: Final = b" \t"
TOO_LONG: Final = b"x" * (RECORD_BYTES_MAX + 1)  # replaces a longer line, which is refused whatever it contains


class UnreadableFile(Rejected):
    """A file that is missing, may not be read, or has no lines of facts. The message names it and says what to do."""


class Place(NamedTuple):
    """The place of a line: the file as it was named, and the line's number in it, from 1."""

    file: str
    line: int


class FactFiles:
    """The lines of files, one after the other. `-` is standard input.

    Iterating yields (number over all files, line without its end) of each line that is not blank, once. A UTF-8 byte
    order mark at the beginning of a file is skipped. Raises UnreadableFile: in the constructor for what can be known
    beforehand, otherwise when the file is reached.
    """

    def __init__(self, files: Sequence[Path | str], standard_input: BinaryIO | None = None) -> None:
        self._names = [str(file) for file in files]
        self._standard_input = standard_input
        self._begins: list[int] = []  # the number before the first line of each file that was reached
        self._has_facts: list[bool] = []
        self.lines = 0
        self.bytes_read = 0
        if self._names.count(STANDARD_INPUT) > 1:
            raise UnreadableFile(f"{STANDARD_INPUT} is given twice, and standard input can be read once.")
        sizes = [_size(name) for name in self._names]
        known = [size for size in sizes if size is not None]
        self.bytes_total = sum(known) if len(known) == len(sizes) else None

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for name in self._names:
            self._begins.append(self.lines)
            self._has_facts.append(False)
            with _naming(name), self._opened(name) as file:
                for number, line in numbered(self._lines_of(file, name), self.lines + 1):
                    self._has_facts[-1] = True
                    yield number, line

    def place(self, number: int) -> Place:
        """The place of the line with this number, which must have been read."""
        at = bisect_right(self._begins, number - 1) - 1
        return Place(shown_name(self._names[at]), number - self._begins[at])

    def without_facts(self) -> list[str]:
        """The files that were read and had nothing but blank lines."""
        return [shown_name(name) for name, has in zip(self._names, self._has_facts, strict=False) if not has]

    def _opened(self, name: str) -> AbstractContextManager[BinaryIO]:
        if name != STANDARD_INPUT:
            return Path(name).open("rb")
        if self._standard_input is not None:
            return nullcontext(self._standard_input)
        # Not sys.stdin: a thread that waits for it holds a lock that the interpreter needs when it ends.
        return open(0, "rb", closefd=False)

    def _lines_of(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """The lines of one file, counted. A line that is too long to be a record is replaced by TOO_LONG."""
        first = _first_pieces(file)
        _check_kind(b"".join(first), name)
        for piece in chain(first, iter(lambda: file.readline(PIECE_BYTES), b"")):
            self.lines += 1
            self.bytes_read += len(piece)
            line = piece if len(piece) < PIECE_BYTES or piece.endswith(b"\n") else self._too_long(piece, file)
            yield line

    def _too_long(self, piece: bytes, file: BinaryIO) -> bytes:
        """The replacement for the line that begins with `piece`: TOO_LONG, or nothing if it is blank."""
        blank = not piece.strip(BLANKS)
        while not piece.endswith(b"\n") and (piece := file.readline(PIECE_BYTES)):
            self.bytes_read += len(piece)
            blank = blank and not piece.rstrip(b"\r\n").strip(BLANKS)
        return b"" if blank else TOO_LONG


def shown_name(name: str) -> str:
    """A file's name for use in a sentence."""
    return STANDARD_INPUT_NAME if name == STANDARD_INPUT else name


def _first_pieces(file: BinaryIO) -> list[bytes]:
    """As few lines as are needed to recognise what a file is, so that a pipe is not read further than that."""
    pieces: list[bytes] = []
    telling, read = b"", 0  # without the blank lines
    while needs_more(telling) and read < HEAD_BYTES_MAX:
        piece = file.readline(PIECE_BYTES)
        if piece:
            pieces.append(piece)
        if not piece.endswith(b"\n"):
            break
        telling, read = telling + piece if piece.strip() else telling, read + len(piece)
    return pieces


def _check_kind(head: bytes, name: str) -> None:
    """Raise UnreadableFile if a file with this beginning has no lines of facts."""
    foreign = foreign_kind(head, shown_name(name))
    if foreign:
        raise UnreadableFile(f"{shown_name(name)} {foreign}.")


def _size(name: str) -> int | None:
    """The size of a file; None if it cannot be known, as for a pipe. Raises UnreadableFile early, so that nothing is
    sent if a later file is wrong."""
    if name == STANDARD_INPUT:
        return None
    with _naming(name):
        found = Path(name).stat()
        if stat.S_ISFIFO(found.st_mode) or stat.S_ISCHR(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            return None
        with Path(name).open("rb") as file:
            _check_kind(b"".join(_first_pieces(file)), name)
        return found.st_size if stat.S_ISREG(found.st_mode) else None


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Turn an OSError inside into an UnreadableFile that names the file."""
    try:
        yield
    except OSError as error:
        raise UnreadableFile(f"{shown_name(name)} cannot be read: {error.strerror}.") from error
