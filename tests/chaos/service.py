"""The service under chaos: workers with faults or defects, more than one of a role, started again when they end."""

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Final

from deploy.embedded.process import Process
from deploy.service import ROLES, STOP_LIMIT_S
from deploy.settings import Settings
from streams.lane.stop import StopCode
from tests.chaos.points import Fault
from tests.chaos.worker import Asked
from tests.support.installation import RestartingService

RESTARTS_MAX: Final = 60
SECOND: Final = "-2"


class ChaosService(RestartingService):
    """`defects` by role stay; a fault comes once. A worker named `ROLE-2` is a second one of the role."""

    def __init__(self, settings: Settings, folder: Path, defects: dict[str, str] | None = None) -> None:
        super().__init__(settings, folder / "logs")
        self._folder = folder
        self.defects = defects or {}
        self.ends: Counter[tuple[str, int]] = Counter()

    def start(self, *roles: str, fault: Fault | None = None) -> None:
        """Start these workers, all when none is named; the fault is for each of them."""
        for name in roles or ROLES:
            role = name.removesuffix(SECOND)
            asked = Asked(fault, self.defects.get(role, ""))
            command = [sys.executable, "-m", "tests.chaos.worker", role, asked.text()]
            environment = self._environment
            if name != role:
                environment = {**environment, "PESERTA_DATA_DIR": os.fspath(self._folder / name)}
            log = self._log_dir / f"{name}.log"
            self.processes[name] = Process.start(name, command, log=log, env=environment)

    def again(self, role: str, fault: Fault) -> None:
        """`kill -9`, and start again with a fault."""
        self.kill(role)
        self.start(role, fault=fault)

    def check(self) -> None:
        """Start again what has ended; CommandFailed when it refuses to run, or ends again and again."""
        for name, code in self.ended().items():
            self.ends[name, code] += 1
            if code == StopCode.REFUSE or self.restarts >= RESTARTS_MAX:
                super(RestartingService, self).check()
            self.restarts += 1
            self.start(name)

    def signal(self, name: str, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT."""
        self.processes[name].send_signal(number)

    def leave(self, name: str) -> int:
        """A worker stops in order; its exit code."""
        return self.processes.pop(name).stop(STOP_LIMIT_S)

    def kill_all(self) -> None:
        """`kill -9` of every worker."""
        for process in self.processes.values():
            process.kill()

    def stop(self) -> None:
        """Stop all, second ones first."""
        for name in [name for name in self.processes if name.endswith(SECOND)]:
            self.leave(name)
        super().stop()
