"""A process of the simulation: a context of its own that can die or be suspended between two steps."""

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, NoReturn, Optional

from sinks.clickhouse.refusals import Refused as SinkRefused
from streams.lane.stop import Refused as LaneRefused
from streams.lane.stop_code import StopCode

PROCESS: ContextVar[Optional["Process"]] = ContextVar("process", default=None)


class Ended(BaseException):
    """Unwinds the code of a process that has just ended."""


class Process:
    """`on_end(process, code)` is called once: 137 for a kill, 0 for a clean end, others as in `streams.lane.stop`."""

    def __init__(self, name: str, on_end: Callable[["Process", int], None]) -> None:
        self.name = name
        self.is_running = True
        self.is_stopped = False
        self.parked: list[Any] = []
        self.code: int | None = None
        self.error: Exception | None = None
        self._on_end = on_end
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: Any, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `main` in a context of its own; the process ends with it."""
        context = copy_context()
        context.run(PROCESS.set, self)
        self._task = loop.create_task(self._run(main), context=context)

    async def _run(self, main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await main()
        except Exception as error:
            self.error = error
            self.end(StopCode.REFUSE if isinstance(error, SinkRefused | LaneRefused) else StopCode.RESTART)
            raise Ended from error
        self.end(0)

    def stop(self) -> None:
        """SIGSTOP; the loop continues it later."""
        self.is_running, self.is_stopped = False, True

    def end(self, code: int) -> None:
        """End the process: it takes no more steps. Requests that it has sent still arrive."""
        if self.code is None:
            self.is_running = self.is_stopped = False
            self.parked.clear()
            self.code = code
            self._on_end(self, code)


def exit_process(code: int) -> NoReturn:
    """The replacement for `os._exit`: ends the process whose step this is."""
    process = PROCESS.get()
    assert process is not None, f"exit {code} outside of a process"
    process.end(code)
    raise Ended(code)
