"""One Kafka and one ClickHouse for all rows that need a broker. The first of these rows starts them."""

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
    """The running stack, its folder, and unused name prefixes. All prefixes have the same length, so records that
    contain a topic's name have the same length in every round."""

    stack: Stack
    folder: Path
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def prefix(self) -> str:
        """An unused prefix for the names of topics, groups and a database."""
        return f"b{next(self._numbers):0{PREFIX_DIGITS}}."

    @property
    def kafka_data(self) -> Path:
        """The folder of the broker's logs."""
        return self.folder / "stack" / "kafka" / "node-1" / "data"

    def cpu_s(self) -> dict[str, float]:
        """CPU time of Kafka and of ClickHouse since their start."""
        times = ((process.name, psutil.Process(process.pid).cpu_times()) for process in self.stack.processes)
        return {name: used.user + used.system for name, used in times}


@cache
def place() -> Place:
    """The place. The first call starts it; it stops when this process ends."""
    # aiokafka warns about topics that have just been created.
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
