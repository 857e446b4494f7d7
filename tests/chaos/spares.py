"""Pre-started processes that can become workers, so that starting costs no time later."""

import sys
from collections import deque
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.embedded.process import Process
from tests.chaos.worker import Asked


class Spares:
    """`ready` processes wait from the constructor's return until `close`. None outlives the book that it works on."""

    def __init__(self, folder: Path, ready: int = 3) -> None:
        self._folder, self._ready = folder, ready
        self._numbers = count(1)
        self._waiting: deque[tuple[Process, Path]] = deque()
        self._fill()

    def become(self, name: str, asked: Asked) -> Process:
        """Turn a waiting process into the requested worker."""
        process, orders = self._waiting.popleft()
        asked.give(orders)
        process.name = name
        self._fill()
        return process

    def _fill(self) -> None:
        while len(self._waiting) < self._ready:
            number = next(self._numbers)
            orders = self._folder / f"worker-{number}.orders"
            command = [sys.executable, "-m", "tests.chaos.worker", str(orders)]
            log = self._folder / f"worker-{number}.log"
            self._waiting.append((Process.start("spare", command, log=log), orders))

    def close(self) -> None:
        """End the waiting processes."""
        with ExitStack() as ending:
            while self._waiting:
                ending.callback(self._waiting.pop()[0].kill)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
