"""Where rows run that need a broker: one Kafka and one ClickHouse for all of them, started when the first asks."""

import asyncio
import atexit
import logging
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Final

import psutil  # type: ignore[import-untyped]

from deploy.embedded.stack import Stack

PREFIX_DIGITS: Final = 4


@dataclass(frozen=True)
class Place:
    """The running stack, its folder, and names that nobody has had yet. All prefixes are of one length, so that
    records which name their topic are as long in every round."""

    stack: Stack
    folder: Path
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def prefix(self) -> str:
        """For the names of topics, groups and a database."""
        return f"b{next(self._numbers):0{PREFIX_DIGITS}}."

    @property
    def kafka_data(self) -> Path:
        """Where the broker's logs lie."""
        return self.folder / "stack" / "kafka" / "node-1" / "data"

    def cpu_s(self) -> dict[str, float]:
        """CPU time of Kafka and of ClickHouse since their start."""
        times = ((process.name, psutil.Process(process.pid).cpu_times()) for process in self.stack.processes)
        return {name: used.user + used.system for name, used in times}


@cache
def place() -> Place:
    """The place, started at the first call; it ends with this process."""
    # Warnings about topics that were made just now.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    closing = ExitStack()
    atexit.register(closing.close)
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="peserta-bench-")))
    return Place(closing.enter_context(Stack(folder / "stack")), folder)


@cache
def loop() -> asyncio.Runner:
    """One event loop for all rows."""
    runner = asyncio.Runner()
    atexit.register(runner.close)
    return runner
