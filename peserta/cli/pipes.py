"""Standard output and error whose reader may go: `peserta ... | head` ends quietly, whatever writes and whenever."""

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
    """Nobody reads standard output any more: the command ends, and there is nobody to tell."""

    def __init__(self) -> None:
        super().__init__(int(ExitCode.READER_LEFT))


@contextmanager
def quiet_pipes() -> Iterator[None]:
    """Inside, a standard output that nobody reads ends the command (ReaderLeft), and one that cannot be written, on a
    full disk say, is a Failed; standard error that nobody reads is written nowhere. Everything is flushed.

    For libraries too: they write to `sys.stdout` and `sys.stderr`.
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
    """The bytes of standard output. After the first that cannot be written all others go nowhere, also at exit."""

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
    """The bytes of standard error: what cannot be written is written nowhere, and the command goes on."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            _to_nowhere(self.fileno())
            return len(data)


def _opened(kind: type[io.FileIO], number: int, before: TextIO | None) -> TextIO:
    """The stream as Python opens it; one that was closed when the program began (None) leads nowhere."""
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
