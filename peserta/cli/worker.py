"""`peserta worker`: one worker of the service in this process."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Annotated, Final, TypeVar

import typer

from peserta.cli.exit_codes import ExitCode
from peserta.operations.discovery import installation, with_kafka
from peserta.operations.failure import Unfit
from peserta.operations.generations import book_or_stop, end_when_superseded, standing_patiently
from peserta.operations.health.endpoint import Told
from peserta.operations.health.serving import serving
from peserta.settings import Settings
from sinks.clickhouse.faults import Refused
from sinks.clickhouse.loop import run_sink
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.readiness import Standing
from streams.lane.hooks.app import LaneApp
from streams.lane.readiness import WorkerStatus, waits_for
from streams.lane.stop import Refused as LaneRefused
from streams.lane.worker import run_worker
from streams.metrics import BookkeeperMetrics, LaneMetrics, RecorderMetrics
from streams.settings import StreamSettings
from streams.workers import bookkeeper_app, recorder_app

worker = typer.Typer(no_args_is_help=True, help="Run one worker of the service in this process, until SIGTERM.")

BROKER_WAIT_S: Final = 60.0
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

Metrics = TypeVar("Metrics", bound=LaneMetrics)

BookGeneration = Annotated[
    int | None,
    typer.Option(hidden=True, min=1, help="Keep this generation of the book, not the standing one."),
]


@worker.command("recorder")
def run_recorder() -> None:
    """Inbound topics -> journal and dead letters.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker recorder
    """
    _run("recorder", recorder_app, RecorderMetrics, lambda settings, _: settings)


@worker.command("bookkeeper")
def run_bookkeeper(generation: BookGeneration = None) -> None:
    """Journal -> ledger, snapshots, alerts.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker bookkeeper
    """

    def book(settings: Settings, told: Told) -> Settings | None:
        found = asyncio.run(_book(settings, told, generation))
        if found is not None:
            end_when_superseded(found)
        return found

    _run("bookkeeper", bookkeeper_app, BookkeeperMetrics, book)


@worker.command("sink")
def run_sink_worker(generation: BookGeneration = None) -> None:
    """Journal, ledger, snapshots, alerts, dead letters -> ClickHouse.

    Example: PESERTA_KAFKA=localhost:9092 PESERTA_CLICKHOUSE_URL=http://localhost:8123 peserta worker sink
    """
    settings = with_kafka(installation())
    if not settings.clickhouse_url:
        raise Unfit("The sink needs PESERTA_CLICKHOUSE_URL.")
    logging.basicConfig(stream=sys.stderr, format=LOG_FORMAT, level=logging.WARNING)
    for name in ("sinks", "peserta"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        asyncio.run(_sink_until_signal(settings, generation))
    except Refused as error:
        raise Unfit(str(error)) from error


async def _sink_until_signal(settings: Settings, generation: int | None) -> None:
    stop = _stop_on_signal()
    standing = Standing()
    told = Told("sink", standing.waits_for)
    with _health(settings, told) as say:
        say()
        told.pulse.start(asyncio.get_running_loop())
        book = await book_or_stop(settings, generation, stop)
        if book is None:
            return
        end_when_superseded(book)
        # Analysts see what stands: a generation that is only being built is shown nowhere else.
        shown_in = settings.clickhouse_database if generation is None and book.generation > 1 else ""
        carried = replace(book.sink_settings(), shown_in=shown_in)

        async def may_show() -> bool:
            """One that wakes up late must not put its own before analysts again."""
            return (await standing_patiently(settings, None)).number == book.generation

        metrics = SinkMetrics(told.registry)
        await run_sink(carried, stop=stop, metrics=metrics, standing=standing, may_show=may_show)


async def _book(settings: Settings, told: Told, generation: int | None) -> Settings | None:
    """The generation to keep; None when a signal came before the broker answered."""
    told.pulse.start(asyncio.get_running_loop())
    return await book_or_stop(settings, generation, _stop_on_signal(), BROKER_WAIT_S, folds=True)


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def _run(
    role: str,
    make: Callable[[StreamSettings, Metrics], LaneApp],
    metrics: type[Metrics],
    of_book: Callable[[Settings, Told], Settings | None],
) -> None:
    settings = with_kafka(installation())
    apps: list[LaneApp] = []
    _end_on_signal()
    told = Told(role, lambda: waits_for(apps[0].status() if apps else WorkerStatus()))
    with _health(settings, told) as say:
        book = of_book(settings, told)
        if book is None:
            return
        _end_on_signal()
        app = _app(make, book.stream_settings(), metrics(told.registry))
        apps.append(app)

        def on_loop(loop: asyncio.AbstractEventLoop) -> None:
            say()
            told.pulse.start(loop)

        code = run_worker(app, on_loop=on_loop)
    raise typer.Exit(code)


def _end_on_signal() -> None:
    """Until the worker's own loop takes the signals: nothing is begun, so nothing is left behind."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(ExitCode.DONE))


def _app(make: Callable[[StreamSettings, Metrics], LaneApp], streams: StreamSettings, metrics: Metrics) -> LaneApp:
    streams.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        return make(streams, metrics)
    except (LaneRefused, ValueError) as error:
        raise Unfit(str(error)) from error


def _health(settings: Settings, told: Told) -> AbstractContextManager[Callable[[], None]]:
    return serving(told, bind=str(settings.health_bind), port=settings.health_listens_on, data_dir=settings.data_dir)
