"""A running `peserta up` of one folder of code: its settings, and what its processes use."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import psutil  # type: ignore[import-untyped]

from deploy.embedded.process import Process
from peserta.operations.discovery import find_installation
from peserta.settings import PREFIX, Settings
from tests.support.waiting import wait_until

START_LIMIT_S: Final = 180.0
STOP_LIMIT_S: Final = 60.0
IS_UP: Final = "Peserta is up."

# What the command line of a process ends with, or contains -> its name. The first five are what every book needs.
FIVE: Final = ("Kafka", "ClickHouse", "recorder", "bookkeeper", "sink")
BESIDE: Final = ("notifier", "api")
REST: Final = "peserta up"


class Spent(NamedTuple):
    """What a process has used since it started: seconds of CPU, and how often one of its threads went to sleep."""

    cpu_s: float
    sleeps: int
    rss_bytes: int


class Up:
    """One installation that runs. Its processes are found among the descendants of the command."""

    def __init__(self, settings: Settings, process: Process) -> None:
        self.settings, self.process = settings, process

    def pids(self) -> dict[str, int]:
        """The process of each part. Leashes are left out: they sleep."""
        found = {REST: self.process.pid}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            name = _part(child.cmdline())
            if name:
                found[name] = child.pid
        return found

    def spent(self) -> dict[str, Spent]:
        """What each part has used so far."""
        return {name: _spent(pid) for name, pid in self.pids().items()}


def _part(command: list[str]) -> str | None:
    if "--orders" in command:
        return None  # a leash, whose arguments end with the command that it holds
    if "kafka.Kafka" in command:
        return "Kafka"
    if "deploy.embedded.clickhouse" in command:
        return "ClickHouse"
    return command[-1] if "peserta" in command else None


def _spent(pid: int) -> Spent:
    process = psutil.Process(pid)
    times, sleeps = process.cpu_times(), 0
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        text = status.read_text() if status.exists() else ""
        sleeps += int(text.rpartition("\nvoluntary_ctxt_switches:")[2].split()[0]) if text else 0
    return Spent(times.user + times.system, sleeps, process.memory_info().rss)


@contextmanager
def up(tree: Path, partitions: int, more: Mapping[str, str] | None = None) -> Iterator[Up]:
    """`peserta up` of the code in `tree`, with data of its own, while inside the context. `more`: further variables."""
    with TemporaryDirectory(prefix="peserta-quiet-") as name:
        data = Path(name) / "data"
        own = {"DATA_DIR": data, "KAFKA_PORT": 0, "CLICKHOUSE_PORT": 0, "API_PORT": 0, "PARTITIONS": partitions}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        environment = {**inherited, **{f"{PREFIX}{name}": str(value) for name, value in own.items()}, **(more or {})}
        command = [sys.executable, "-m", "peserta", "up"]
        log = Path(name) / "up.log"
        with Process.start("peserta up", command, log=log, env=environment, cwd=tree) as process:

            def is_up() -> bool:
                if process.poll() is not None:
                    raise RuntimeError(f"`peserta up` of {tree} ended:\n{process.log_tail()}")
                return IS_UP in process.log_tail()

            try:
                wait_until(is_up, START_LIMIT_S)
                yield Up(find_installation(data_dir=data), process)
            finally:
                process.stop(STOP_LIMIT_S)
