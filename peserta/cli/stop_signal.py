"""Ctrl-C and SIGTERM: the first asks for an end in order and is answered at once, the second ends the process."""

import os
import signal
import threading
from typing import Final, NoReturn

ANSWER: Final = b"\nStopping. Ctrl-C again ends it at once; nothing is lost by that.\n"
ENDED_AT_ONCE: Final = 130  # as shells say it of a process that Ctrl-C has ended


def stop_on_signal() -> threading.Event:
    """Set by the first SIGINT or SIGTERM from now on. At the second the process ends where it is: its children end with
    it, and what they had not committed is done again at the next start."""
    stopping = threading.Event()

    def stop(number: int, frame: object) -> None:
        if stopping.is_set():
            _end_at_once()
        stopping.set()
        # Not through a console: this may interrupt the main thread in the middle of a print.
        os.write(2, ANSWER)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return stopping


def _end_at_once() -> NoReturn:
    os._exit(ENDED_AT_ONCE)
