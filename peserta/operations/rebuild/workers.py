"""The workers of a candidate: child processes of this command, which end when it ends, for whatever reason."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from deploy.embedded.process import Process
from peserta.operations.failure import of_process
from peserta.settings import PREFIX, Settings
from streams.lane.stop_code import StopCode

STOP_LIMIT_S: Final = 15.0
RESTARTS_MAX: Final = 10
LOG_LINES_SHOWN: Final = 5


class Workers:
    """The book-keepers of one generation, and its sink if ClickHouse is configured."""

    def __init__(self, settings: Settings, bookkeepers: int, folder: Path) -> None:
        self._settings, self._folder, self._restarts = settings, folder, 0
        self._roles = {f"bookkeeper-{number}": "bookkeeper" for number in range(1, bookkeepers + 1)}
        if settings.clickhouse_url:
            self._roles["sink"] = "sink"
        self._processes: dict[str, Process] = {}

    def start(self) -> None:
        for name in self._roles:
            self._start(name)

    def _start(self, name: str) -> None:
        # Each worker has its own folder, for its state and the address of its health endpoint.
        own = {f"{PREFIX}DATA_DIR": str(self._folder / name), f"{PREFIX}HEALTH_PORT": "0"}
        environment = {**os.environ, **self._settings.environment(), **own}
        keeps = ["--generation", str(self._settings.generation)]
        command = [sys.executable, "-m", "peserta", "worker", self._roles[name], *keeps]
        self._processes[name] = Process.start(name, command, log=self._folder / f"{name}.log", env=environment)

    def check(self) -> None:
        """Restart workers that ask for it. Raises Failed if a worker refuses to run, or ends again and again."""
        for name, process in self._processes.items():
            code = process.poll()
            if code is None:
                continue
            self._restarts += 1
            if code != StopCode.RESTART or self._restarts > RESTARTS_MAX:
                raise of_process(
                    f"The {name} of generation {self._settings.generation} ended with exit code {code}; nothing was "
                    f"switched. Its last lines ({process.log}):\n{process.log_tail(LOG_LINES_SHOWN)}",
                    code,
                )
            self._start(name)

    def stop(self) -> None:
        with ExitStack() as stopping:
            for process in self._processes.values():
                stopping.callback(process.stop, STOP_LIMIT_S)
        self._processes.clear()


@contextmanager
def working(settings: Settings, bookkeepers: int) -> Iterator[Workers]:
    """Run the workers while inside the context."""
    workers = Workers(settings, bookkeepers, settings.data_dir / "rebuild" / f"g{settings.generation}")
    try:
        workers.start()
        yield workers
    finally:
        workers.stop()
