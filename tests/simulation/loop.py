"""An event loop whose time is a number: nothing waits, and the same program takes the same steps every time.

Ready callbacks run in the order in which they became ready, as asyncio promises. If none is ready, the next timer sets
the time. A step belongs to the process in whose context it was created. A dead process takes no more steps; a stopped
one takes them when it continues.
"""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar, cast

from tests.simulation.process import PROCESS, Process

THREAD_S: Final = 0.01  # virtual; long enough for other tasks to run in between
STEPS_MAX: Final = 2_000_000  # of one schedule; more means an endless loop
_T = TypeVar("_T")


class Stalled(AssertionError):
    """A condition was not met: nothing is left to run, or the time limit has passed."""


class Step:
    """A callback with the process that it belongs to; asyncio calls it a handle."""

    __slots__ = ("_args", "_callback", "_context", "_is_cancelled", "_when", "process")

    def __init__(self, when: float, callback: Any, args: Any, context: Context | None) -> None:
        self._when, self._callback, self._args = when, callback, args
        self._context = copy_context() if context is None else context
        self._is_cancelled = False
        self.process: Process | None = self._context.get(PROCESS)

    def take(self) -> None:
        self._context.run(self._callback, *self._args)

    def cancel(self) -> None:
        self._is_cancelled = True

    def cancelled(self) -> bool:
        return self._is_cancelled

    def when(self) -> float:
        return self._when


class VirtualLoop:
    """The part of an event loop that tasks, futures, timeouts and locks need. It does not inherit from asyncio's loops,
    because those need sockets."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._ready: deque[Step] = deque()
        self._timers: list[tuple[float, int, Step]] = []
        self._numbers = itertools.count()
        self._tasks: list[asyncio.Task[Any]] = []
        self.steps = 0

    @property
    def _as_asyncio(self) -> asyncio.AbstractEventLoop:
        return cast(asyncio.AbstractEventLoop, self)

    def time(self) -> float:
        return self._now_s

    def run_until(self, holds: Callable[[], bool], limit_s: float) -> None:
        """Take steps until `holds()` is true; it is checked whenever the time changes. Raises Stalled."""
        end_s = self._now_s + limit_s
        asyncio.events._set_running_loop(self._as_asyncio)
        try:
            while True:
                self._run_ready()
                if holds():
                    return
                self._advance(end_s)
        finally:
            asyncio.events._set_running_loop(None)

    def _run_ready(self) -> None:
        ready = self._ready
        while ready:
            step = ready.popleft()
            if not step.cancelled():
                self._take(step)

    def _take(self, step: Step) -> None:
        process = step.process
        if process is None or process.is_running:
            self.steps += 1
            step.take()
        elif process.is_stopped:
            process.parked.append(step)

    def _advance(self, end_s: float) -> None:
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers or self._timers[0][0] > end_s or self.steps > STEPS_MAX:
            raise Stalled(f"nothing came of it by {self._now_s:.1f} s")
        self._now_s = max(self._now_s, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._now_s:
            self._ready.append(heapq.heappop(self._timers)[2])

    def go_on(self, process: Process) -> None:
        """Continue a stopped process with the steps that it missed."""
        if process.is_stopped:
            process.is_running, process.is_stopped = True, False
            self._ready.extend(process.parked)
            process.parked = []

    def forget(self) -> None:
        """Discard the loop without reporting unfinished tasks."""
        for task in self._tasks:
            if not task.done():
                task._log_destroy_pending = False  # type: ignore[attr-defined]
                task.get_coro().close()

    # ------------------------------------------------------------------------------------------------ asyncio's part

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> Step:
        step = Step(self._now_s, callback, args, context)
        self._ready.append(step)
        return step

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Step:
        return self.call_at(self._now_s + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> Step:
        step = Step(when, callback, args, context)
        heapq.heappush(self._timers, (when, next(self._numbers), step))
        return step

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self._as_asyncio)

    def create_task(
        self,
        coro: Generator[Any, None, _T] | Coroutine[Any, Any, _T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> "asyncio.Task[_T]":
        task: asyncio.Task[_T] = asyncio.Task(coro, loop=self._as_asyncio, name=name, context=context)
        self._tasks.append(task)
        return task

    def run_in_executor(self, _executor: object, work: Callable[..., _T], *args: Any) -> "asyncio.Future[_T]":
        """Run a thread's work in one step, after the callbacks that are ready now."""

        async def run() -> _T:
            await asyncio.sleep(THREAD_S)
            return work(*args)

        return self.create_task(run())

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Ignore errors of dead processes; an error outside all processes is one of the simulation."""
        error = context.get("exception")
        if PROCESS.get() is None and isinstance(error, Exception) and "never retrieved" not in str(context["message"]):
            raise AssertionError(context["message"]) from error
