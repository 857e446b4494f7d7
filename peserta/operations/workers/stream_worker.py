"""The recorder or the book-keeper in this process: its health endpoint, its generation, and its work until a signal."""

import asyncio
import signal
from collections.abc import Callable
from typing import TypeVar

from peserta.operations.discovery import with_kafka
from peserta.operations.failure import Unfit
from peserta.operations.generations import book_or_stop, end_when_superseded
from peserta.operations.health.endpoint import Probe
from peserta.operations.workers.process import BROKER_WAIT_S, SIGNALS, served, stop_on_signal
from peserta.settings import Settings
from streams.lane.hooks.app import LaneApp
from streams.lane.readiness import WorkerStatus, waits_for
from streams.lane.stop import Refused as LaneRefused
from streams.lane.worker import run_worker
from streams.metrics import BookkeeperMetrics, LaneMetrics, RecorderMetrics
from streams.settings import StreamSettings
from streams.workers import bookkeeper_app, recorder_app

Metrics = TypeVar("Metrics", bound=LaneMetrics)
OnSignal = Callable[[], None]


def run_recorder(settings: Settings, on_early_signal: OnSignal) -> int:
    """Run the recorder (inbound topics -> journal and dead letters) until a signal; return the process's exit code.

    `on_early_signal` is called if SIGTERM or SIGINT arrives before work begins, and ends the process. Raises Failed if
    settings and topics do not fit.
    """
    return _run("recorder", settings, recorder_app, RecorderMetrics, lambda settings, _: settings, on_early_signal)


def run_bookkeeper(settings: Settings, on_early_signal: OnSignal, generation: int | None = None) -> int:
    """Run the book-keeper (journal -> ledger, snapshots, alerts) until a signal, as `run_recorder` does.

    It folds `generation`, by default the current one.
    """

    def book(settings: Settings, probe: Probe) -> Settings | None:
        found = asyncio.run(_book(settings, probe, generation))
        if found is not None:
            end_when_superseded(found)
        return found

    return _run("bookkeeper", settings, bookkeeper_app, BookkeeperMetrics, book, on_early_signal)


async def _book(settings: Settings, probe: Probe, generation: int | None) -> Settings | None:
    """The settings of the generation to work on; None if a signal came before the broker answered."""
    probe.pulse.start(asyncio.get_running_loop())
    return await book_or_stop(settings, generation, stop_on_signal(), BROKER_WAIT_S, folds=True)


def _run(
    role: str,
    settings: Settings,
    make: Callable[[StreamSettings, Metrics], LaneApp],
    metrics: type[Metrics],
    of_book: Callable[[Settings, Probe], Settings | None],
    on_early_signal: OnSignal,
) -> int:
    settings = with_kafka(settings)
    apps: list[LaneApp] = []
    _until_started(on_early_signal)
    probe = Probe(role, lambda: waits_for(apps[0].status() if apps else WorkerStatus()))
    with served(settings, probe) as say:
        book = of_book(settings, probe)
        if book is None:
            return 0
        _until_started(on_early_signal)
        app = _app(make, book.stream_settings(), metrics(probe.registry))
        apps.append(app)

        def on_loop(loop: asyncio.AbstractEventLoop) -> None:
            say()
            probe.pulse.start(loop)

        return run_worker(app, on_loop=on_loop)


def _until_started(on_early_signal: OnSignal) -> None:
    """End the process on a signal until the worker's own loop handles signals: no work has begun yet."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: on_early_signal())


def _app(make: Callable[[StreamSettings, Metrics], LaneApp], streams: StreamSettings, metrics: Metrics) -> LaneApp:
    streams.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        return make(streams, metrics)
    except (LaneRefused, ValueError) as error:
        raise Unfit(str(error)) from error
