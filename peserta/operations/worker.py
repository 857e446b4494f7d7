"""One worker of the service in this process: its health endpoint, its generation, and its work until a signal."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final, TypeVar

from peserta.operations.discovery import with_kafka
from peserta.operations.failure import Interrupted, Unfit
from peserta.operations.generations import book_or_stop, end_when_superseded, wait_for_current
from peserta.operations.health.endpoint import Probe
from peserta.operations.health.serving import serving
from peserta.settings import Settings
from sinks.clickhouse.loop import run_sink as carry
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.moving import MoveFailedError
from sinks.clickhouse.readiness import SinkStatus
from sinks.clickhouse.refusals import Refused
from sinks.notices.metrics import NotifierMetrics
from sinks.notices.readiness import NotifierStatus
from streams.lane.hooks.app import LaneApp
from streams.lane.readiness import WorkerStatus, waits_for
from streams.lane.stop import Refused as LaneRefused
from streams.lane.worker import run_worker
from streams.metrics import BookkeeperMetrics, LaneMetrics, RecorderMetrics
from streams.settings import StreamSettings
from streams.workers import bookkeeper_app, recorder_app

BROKER_WAIT_S: Final = 60.0
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

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


def run_sink(settings: Settings, generation: int | None = None) -> None:
    """Run the sink (journal, ledger, snapshots, alerts, dead letters -> ClickHouse) until a signal.

    It copies `generation`, by default the current one. `settings` come from `sink_settings`. Raises Failed if Kafka or
    ClickHouse refuses for good, or if other processes kept its migration from coming to an end.
    """
    try:
        asyncio.run(_sink_until_signal(settings, generation))
    except Refused as error:
        raise Unfit(str(error)) from error
    except MoveFailedError as error:
        raise Interrupted(str(error)) from error


def run_notifier(settings: Settings) -> None:
    """Run the notifier (alerts -> people) until a signal. Raises Failed, see `notifying.notify`."""
    asyncio.run(_notify_until_signal(with_kafka(settings)))


async def _notify_until_signal(settings: Settings) -> None:
    # The libraries of the channels are an extra, and no other worker needs them.
    from peserta.operations.notifying import notify

    stop = _stop_on_signal()
    status = NotifierStatus()
    probe = Probe("notifier", status.waits_for)
    with _health(settings, probe) as say:
        say()
        probe.pulse.start(asyncio.get_running_loop())
        # The book has topics from here on. Which generation is current, the notifier watches itself.
        book = await book_or_stop(settings, None, stop, BROKER_WAIT_S)
        if book is not None:
            await notify(book, stop, NotifierMetrics(probe.registry, status), status.turn)


def sink_settings(settings: Settings) -> Settings:
    """Return the settings. Raises Failed if they name no broker or no ClickHouse."""
    if not with_kafka(settings).clickhouse_url:
        raise Unfit("The sink needs PESERTA_CLICKHOUSE_URL.")
    return settings


async def _sink_until_signal(settings: Settings, generation: int | None) -> None:
    stop = _stop_on_signal()
    status = SinkStatus()
    probe = Probe("sink", status.waits_for)
    with _health(settings, probe) as say:
        say()
        probe.pulse.start(asyncio.get_running_loop())
        book = await book_or_stop(settings, generation, stop)
        if book is None:
            return
        end_when_superseded(book)
        # Analysts see the current generation. The views of one that is still being built are hidden from them.
        published_in = settings.clickhouse_database if generation is None and book.generation > 1 else ""
        carried = replace(book.sink_settings(), published_in=published_in)

        async def may_publish() -> bool:
            """Whether this generation is still current: a sink that was suspended must not publish its views again."""
            return (await wait_for_current(settings, None)).number == book.generation

        metrics = SinkMetrics(probe.registry)
        await carry(carried, stop=stop, metrics=metrics, status=status, may_publish=may_publish)


async def _book(settings: Settings, probe: Probe, generation: int | None) -> Settings | None:
    """The settings of the generation to work on; None if a signal came before the broker answered."""
    probe.pulse.start(asyncio.get_running_loop())
    return await book_or_stop(settings, generation, _stop_on_signal(), BROKER_WAIT_S, folds=True)


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


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
    with _health(settings, probe) as say:
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


def _health(settings: Settings, probe: Probe) -> AbstractContextManager[Callable[[], None]]:
    return serving(probe, bind=str(settings.health_bind), port=settings.health_listens_on, data_dir=settings.data_dir)
