"""The process of a Faust app: its output, and how a signal ends it."""

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

import faust

if TYPE_CHECKING:
    from streams.lane.hooks.app import LaneApp


class LaneWorker(faust.Worker):
    """A Faust worker that prints nothing. On SIGTERM or SIGINT it calls `on_signal`, then stops."""

    def __init__(self, app: "LaneApp", *, on_signal: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(app, loop=loop, quiet=True, redirect_stdouts=False, override_logging=False)
        self.spinner = None
        self._on_signal = on_signal

    def install_signal_handlers(self) -> None:
        """Handle two signals only: mode would also start a debugger on SIGUSR2 (mode/worker.py)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.add_signal_handler(number, self._end, number)

    def _end(self, number: signal.Signals) -> None:
        self._on_signal()
        self._schedule_shutdown(number)

    async def _sentinel_task(self) -> None:
        """Nothing: mode lets the loop run for another second at the end, when every service has stopped and every
        task has ended (mode/worker.py _shutdown_loop)."""
