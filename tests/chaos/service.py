"""The service under chaos: workers with faults or defects, several of a role, restarted when they end."""

import os
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from peserta.operations.service import ROLES, STOP_LIMIT_S
from peserta.settings import Settings
from streams.lane.stop_code import StopCode
from tests.chaos.points import Fault
from tests.chaos.spares import Spares
from tests.chaos.worker import Asked, fault_of
from tests.support.installation import RestartingService

RESTARTS_MAX: Final = 200
SECOND: Final = "-2"


class ChaosService(RestartingService):
    """`defects` by role are permanent; a fault happens once. A worker named `ROLE-2` is a second one of the role.

    `users`: role -> the variables of its user.
    """

    def __init__(
        self,
        settings: Settings,
        folder: Path,
        spares: Spares,
        users: Mapping[str, Mapping[str, str]],
        defects: dict[str, str] | None = None,
    ) -> None:
        super().__init__(settings, folder / "logs")
        self._users = users
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._spares = folder, spares
        self.defects = defects or {}
        self.ends: Counter[tuple[str, int]] = Counter()

    def start(self, *roles: str, detours: Mapping[int, int] | None = None) -> None:
        """Start these workers; all if none is named."""
        for name in roles or ROLES:
            role = name.removesuffix(SECOND)
            environment = {**self._settings.environment(), **self._users[role]}
            if name != role:
                environment = {**environment, "PESERTA_DATA_DIR": os.fspath(self._folder / name)}
            asked = Asked(role, os.fspath(self._folder), environment, self.defects.get(role, ""), detours or {})
            self.processes[name] = self._spares.become(name, asked)

    def again(self, role: str, detours: Mapping[int, int] | None = None) -> None:
        """`kill -9`, and start again."""
        self.kill(role)
        self.start(role, detours=detours)

    def arm(self, role: str, fault: Fault) -> None:
        """The next worker of the role that reaches the point gets the signal."""
        fault.arm(fault_of(self._folder, role))

    def is_armed(self, role: str) -> bool:
        """Whether no worker has reached the point yet."""
        return fault_of(self._folder, role).exists()

    def check(self) -> None:
        """Restart workers that have ended. Raises Failed if one refuses to run or ends repeatedly."""
        for name, code in self.ended().items():
            self.ends[name, code] += 1
            if code == StopCode.REFUSE or self.restarts >= RESTARTS_MAX:
                super(RestartingService, self).check()
            self.restarts += 1
            self.start(name)

    def moves_to(self, settings: Settings) -> None:
        """Start workers with these settings from now on."""
        self._settings = settings

    def signal(self, name: str, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT."""
        self.processes[name].send_signal(number)

    def leave(self, name: str) -> int:
        """Stop a worker gracefully; returns its exit code."""
        return self.processes.pop(name).stop(STOP_LIMIT_S)

    def kill_all(self) -> None:
        """`kill -9` of every worker."""
        with ExitStack() as killing:
            for process in self.processes.values():
                killing.callback(process.kill)

    def stop(self) -> None:
        """Kill all workers: after the checks no graceful stop is needed."""
        self.kill_all()
        self.processes.clear()
