"""What every worker's process has: a stop on a signal, and its health endpoint."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final

from peserta.operations.health.endpoint import Probe
from peserta.operations.health.serving import serving
from peserta.settings import Settings

BROKER_WAIT_S: Final = 60.0
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def stop_on_signal() -> asyncio.Event:
    """Set by SIGTERM and SIGINT, from now on."""
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def served(settings: Settings, probe: Probe) -> AbstractContextManager[Callable[[], None]]:
    """Serve the probe while the context lasts. What it yields is to be called when the worker is ready to be asked."""
    return serving(probe, bind=str(settings.health_bind), port=settings.health_listens_on, data_dir=settings.data_dir)
