"""How a lane ends when it must not go on: at once, without committing, saying why and where."""

import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn

from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from streams.lane.stop_code import StopCode

FRAMES_SHOWN_MAX = 5


class LaneFault(Exception):
    """Something that must not happen did: the process ends, to be started again. Quotes no record's contents."""


class Refused(Exception):
    """Topics, state or settings do not fit each other; the message says what is wrong and how to mend it."""


# What these say is made of topics, offsets, sizes and addresses; any other error may quote a record.
_TELLABLE = (LaneFault, Refused, KafkaError, OSError)


def fail_stop(where: str, error: BaseException, code: StopCode | None = None) -> NoReturn:
    """Leave at once with `code` (default: REFUSE for a Refused, else RESTART).

    No handler runs and nothing is committed: an open transaction is ended by the successor's start, what was not
    acknowledged is done again. One line on standard error; the error's own words only if they cannot hold a record's.
    """
    if code is None:
        code = StopCode.REFUSE if isinstance(error, Refused) else StopCode.RESTART
    sys.stderr.write(stop_line(where, error, code) + "\n")
    sys.stderr.flush()
    os._exit(code)


class Stopping:
    """`with Stopping(where):` any Exception inside ends the process there; a cancellation passes."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            fail_stop(self._where, error)


def stop_line(where: str, error: BaseException, code: StopCode) -> str:
    """The one line that fail_stop leaves behind: code, place, kind of error, its words or its place in the code."""
    said = f": {error}" if isinstance(error, _TELLABLE) else f" at {_frames(error)}"
    return " ".join(f"lane stopped, exit {int(code)} ({code.name}), in {where}: {type(error).__name__}{said}".split())


def _frames(error: BaseException) -> str:
    """Where the error was raised, innermost last; code places only, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_SHOWN_MAX:]
    return " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames) or "an unknown place"
