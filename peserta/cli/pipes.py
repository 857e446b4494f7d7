"""Standard output and error whose reader may close the pipe: `peserta ... | head` ends quietly, whatever writes."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, TextIO

from peserta.cli.exit_codes import ExitCode
from peserta.operations.failure import NotAsAsked

OUTPUT: Final = 1
ERRORS: Final = 2


class ReaderLeft(SystemExit):
    """The reader of standard output has closed it; the command ends without a message."""

    def __init__(self) -> None:
        super().__init__(int(ExitCode.READER_LEFT))


@contextmanager
def quiet_pipes() -> Iterator[None]:
    """Handle closed pipes and full disks while inside the context, also for libraries that write to standard output.

    If the reader of standard output closes it, the command ends (ReaderLeft). If standard output cannot be written, for
    example on a full disk, it raises Failed. Errors of standard error are ignored. Everything is flushed.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _opened(_Output, OUTPUT, before[0]), _opened(_Errors, ERRORS, before[1])
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    finally:
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


class _Output(io.FileIO):
    """The bytes of standard output. After the first failed write, all others are discarded, also at exit."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            _to_nowhere(self.fileno())
            _say(error)


def _say(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):
        raise ReaderLeft from None
    raise NotAsAsked(f"Standard output cannot be written: {error.strerror}.") from error


class _Errors(io.FileIO):
    """The bytes of standard error: a failed write is discarded, and the command continues."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            _to_nowhere(self.fileno())
            return len(data)


def _opened(kind: type[io.FileIO], number: int, before: TextIO | None) -> TextIO:
    """The stream as Python opens it. If it was closed when the program began (None), its output is discarded."""
    if before is None:
        _to_nowhere(number)
    raw = kind(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding="utf-8" if before is None else before.encoding,
        errors="backslashreplace" if number == ERRORS else "replace",
        line_buffering=number == ERRORS or raw.isatty(),
    )


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
