"""Lines read in a separate thread, so that waiting for a slow pipe does not block the event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Final

LINES_AHEAD_MAX: Final = 5_000  # read and not yet consumed
SILENCE_S: Final = 0.5  # without a line, until the consumer gets an empty batch

Line = tuple[int, bytes]


class LinesAhead:
    """Lines as they arrive. An error in reading is raised in the consumer, after the lines before it."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines
        self._read: deque[Line] = deque()
        self._changed = threading.Condition()
        self._is_over = False  # nothing more will be read
        self._is_left = False  # the consumer has stopped
        self._error: BaseException | None = None
        self._news = asyncio.Event()

    async def batches(self) -> AsyncGenerator[list[Line], None]:
        """All lines, in batches of those read in the meantime; an empty batch if none was read for SILENCE_S."""
        loop = asyncio.get_running_loop()
        # The thread may wait for ever for a pipe, and must not keep this process from ending.
        threading.Thread(target=self._read_all, args=(loop,), name="lines", daemon=True).start()
        try:
            while (batch := await self._next()) is not None:
                yield batch
        finally:
            with self._changed:
                self._is_left = True
                self._changed.notify()
        if self._error is not None:
            raise self._error

    async def _next(self) -> list[Line] | None:
        """The lines that have been read, perhaps none; None at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SILENCE_S):
                await self._news.wait()
        with self._changed:
            self._news.clear()
            batch = list(self._read)
            self._read.clear()
            self._changed.notify()
            if self._is_over:
                self._news.set()
                return batch or None
            return batch

    def _read_all(self, loop: asyncio.AbstractEventLoop) -> None:
        with ExitStack() as reading:
            reading.push(partial(self._end, loop))
            for line in self._lines:
                with self._changed:
                    self._changed.wait_for(lambda: len(self._read) < LINES_AHEAD_MAX or self._is_left)
                    if self._is_left:
                        return
                    self._read.append(line)
                    if len(self._read) == 1:
                        loop.call_soon_threadsafe(self._news.set)

    def _end(
        self,
        loop: asyncio.AbstractEventLoop,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> bool:
        """End the reading, and keep its error for the consumer."""
        with self._changed:
            self._is_over, self._error = True, error
            if not self._is_left:  # else the loop may be closed
                loop.call_soon_threadsafe(self._news.set)
        return True
