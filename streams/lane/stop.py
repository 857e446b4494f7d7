"""Ending the process when a lane must not continue: at once, without committing, with one line that says why."""

import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn

from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from schemas.kafka.refusal import TurnedAway, forbidden
from schemas.secret_file import SecretFault
from streams.lane.stop_code import StopCode

FRAMES_SHOWN_MAX = 5


class LaneFault(Exception):
    """Something unexpected happened: the process ends and must be restarted. The message quotes no record contents."""


class Refused(Exception):
    """Topics, state or settings do not fit each other. The message says what is wrong and how to repair it."""


# The messages of these contain topics, offsets, sizes and addresses only; any other error may quote a record.
_TELLABLE = (LaneFault, Refused, TurnedAway, KafkaError, OSError)


def fail_stop(where: str, error: BaseException, code: StopCode | None = None) -> NoReturn:
    """Exit at once with `code` (default: REFUSE for what a restart does not mend, else RESTART).

    No handler runs and nothing is committed. The successor's start aborts an open transaction, and batches that were
    not acknowledged are processed again. Writes one line to standard error, with the error's message only if it cannot
    quote a record.
    """
    if code is None:
        code = StopCode.REFUSE if _is_lasting(error) else StopCode.RESTART
    sys.stderr.write(stop_line(where, error, code) + "\n")
    sys.stderr.flush()
    os._exit(code)


class Stopping:
    """`with Stopping(where):` an Exception inside ends the process; a cancellation passes through."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            fail_stop(self._where, error)


def _is_lasting(error: BaseException) -> bool:
    return isinstance(error, Refused | SecretFault | TurnedAway) or forbidden(error) is not None


def stop_line(where: str, error: BaseException, code: StopCode) -> str:
    """The line that fail_stop writes: exit code, place, type of error, and its message or its place in the code."""
    detail = f": {forbidden(error) or error}" if isinstance(error, _TELLABLE) else f" at {_frames(error)}"
    return " ".join(f"lane stopped, exit {int(code)} ({code.name}), in {where}: {type(error).__name__}{detail}".split())


def _frames(error: BaseException) -> str:
    """Where the error was raised, innermost frame last: places in the code, no values."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_SHOWN_MAX:]
    return " > ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames) or "an unknown place"
