"""The service: recorder, book-keeper and sink as processes of this installation, started and stopped together."""

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from deploy.embedded.process import Process
from peserta.operations.failure import of_process
from peserta.settings import Settings

ROLES: Final = ("recorder", "bookkeeper", "sink")
# These are started by name only, and need libraries of extras.
NOTIFIER: Final = "notifier"
API: Final = "api"  # the HTTP door, which has its own command
STOP_LIMIT_S: Final = 15.0
LOG_LINES_SHOWN: Final = 5


class Service:
    """The workers of one installation. They end when this process ends, for whatever reason."""

    def __init__(
        self,
        settings: Settings,
        log_dir: Path,
        *,
        environment: Mapping[str, str] | None = None,
        keep: Sequence[int] = (),
        on_waiting: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """`keep`: see Process. `on_waiting` is called with the workers that a stop still waits for."""
        self._settings = settings
        self._log_dir = log_dir
        self._keep, self._on_waiting = keep, on_waiting
        self._environment = {**os.environ, **settings.environment(), **(environment or {})}
        self.processes: dict[str, Process] = {}

    def start(self, *roles: str) -> None:
        """Start these workers; without arguments, all of ROLES."""
        for role in roles or ROLES:
            command = [sys.executable, "-m", "peserta", *([role] if role == API else ["worker", role])]
            log = self._log_dir / f"{role}.log"
            self.processes[role] = Process.start(role, command, log=log, env=self._environment, keep=self._keep)

    def ended(self) -> dict[str, int]:
        """Exit codes of the workers that have ended by themselves, by role."""
        codes = {role: process.poll() for role, process in self.processes.items()}
        return {role: code for role, code in codes.items() if code is not None}

    def check(self) -> None:
        """Raises Failed if a worker has ended. The message says which, why, and where its log is."""
        for role, code in self.ended().items():
            process = self.processes[role]
            said = process.log_tail(LOG_LINES_SHOWN)
            raise of_process(f"The {role} ended with exit code {code}. Its last lines ({process.log}):\n{said}", code)

    def stop(self) -> None:
        """Stop all workers at the same time, and kill any that does not end within STOP_LIMIT_S.

        A reader reads the last records of a writer at its next start.
        """
        for process in self.processes.values():
            process.send_signal(process.stop_signal)
        until_s = time.monotonic() + STOP_LIMIT_S
        for role in list(self.processes):
            self._on_waiting([role for role, process in self.processes.items() if process.poll() is None])
            self.processes.pop(role).end(max(0.0, until_s - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
