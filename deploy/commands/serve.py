"""`peserta worker`, `peserta topics` and `peserta up`: running the service."""

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Annotated, Final, TypeVar

import typer

from deploy.commands.screen import err, out, table
from deploy.embedded.stack import Stack
from deploy.failure import CommandFailed, ExitCode
from deploy.health.asking import ask
from deploy.health.endpoint import Told
from deploy.health.serving import serving
from deploy.running import announce, installation, with_kafka
from deploy.service import Service
from deploy.settings import Settings, read_settings
from deploy.topics import TopicError, create_topics, topic_table
from sinks.faults import Fault, Refused
from sinks.loop import run_sink
from sinks.metrics import SinkMetrics
from sinks.readiness import Standing
from streams.lane import LaneApp, run_worker, waits_for
from streams.lane.stop import Refused as LaneRefused
from streams.metrics import BookkeeperMetrics, LaneMetrics, RecorderMetrics
from streams.settings import REPLAY, StreamSettings
from streams.workers import bookkeeper_app, recorder_app

worker = typer.Typer(no_args_is_help=True, help="Run one worker of the service in this process, until SIGTERM.")
topics = typer.Typer(no_args_is_help=True, help="The Kafka topics of the installation.")

LOOK_EVERY_S: Final = 0.5
READY_LIMIT_S: Final = 60.0
LOG_LINES_SHOWN: Final = 5
RESTART_PAUSES_S: Final = (1, 2, 5, 10, 30)  # after one, two, ... ends within RESTART_FORGIVEN_S
RESTART_FORGIVEN_S: Final = 300.0
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

Metrics = TypeVar("Metrics", bound=LaneMetrics)


@worker.command("recorder")
def run_recorder() -> None:
    """Inbound topics -> journal and dead letters.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker recorder
    """
    _run("recorder", recorder_app, RecorderMetrics)


@worker.command("bookkeeper")
def run_bookkeeper() -> None:
    """Journal -> ledger, snapshots, alerts.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker bookkeeper
    """
    _run("bookkeeper", bookkeeper_app, BookkeeperMetrics)


@worker.command("sink")
def run_sink_worker() -> None:
    """Journal, ledger, snapshots, alerts, dead letters -> ClickHouse.

    Example: PESERTA_KAFKA=localhost:9092 PESERTA_CLICKHOUSE_URL=http://localhost:8123 peserta worker sink
    """
    settings = with_kafka(installation())
    if not settings.clickhouse_url:
        raise CommandFailed("The sink needs PESERTA_CLICKHOUSE_URL.", ExitCode.WRONG_SETTINGS)
    logging.basicConfig(stream=sys.stderr, format=LOG_FORMAT, level=logging.WARNING)
    for name in ("sinks", "deploy"):
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        asyncio.run(_sink_until_signal(settings))
    except (Refused, Fault) as error:
        raise CommandFailed(str(error), ExitCode(error.exit_code)) from error


async def _sink_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    standing = Standing()
    told = Told("sink", standing.waits_for)
    with _health(settings, told) as say:
        say()
        told.pulse.start(loop)
        await run_sink(settings.sink_settings(), stop=stop, metrics=SinkMetrics(told.registry), standing=standing)


def _run(role: str, make: Callable[[StreamSettings, Metrics], LaneApp], metrics: type[Metrics]) -> None:
    settings = with_kafka(installation())
    streams = settings.stream_settings()
    streams.data_dir.mkdir(parents=True, exist_ok=True)
    told = Told(role, lambda: waits_for(app.standing()))
    try:
        app = make(streams, metrics(told.registry))
    except (LaneRefused, ValueError) as error:
        raise CommandFailed(str(error), ExitCode.WRONG_SETTINGS) from error

    with _health(settings, told) as say:

        def on_loop(loop: asyncio.AbstractEventLoop) -> None:
            say()
            told.pulse.start(loop)

        code = run_worker(app, on_loop=on_loop)
    raise typer.Exit(code)


def _health(settings: Settings, told: Told) -> AbstractContextManager[Callable[[], None]]:
    return serving(told, bind=str(settings.health_bind), port=settings.health_listens_on, data_dir=settings.data_dir)


@topics.command("create")
def create() -> None:
    """Make the topics that are missing, each with its settings; what is there stays as it is.

    Example: peserta topics create
    """
    settings = with_kafka(installation())
    made = make_topics(settings)
    out.print(f"{len(made)} topics with {settings.partitions} partitions each")


@topics.command("list")
def list_topics() -> None:
    """Show what each topic keeps, for how long.

    Example: peserta topics list
    """
    settings = installation()
    rows = []
    for topic in _table(settings):
        kept = "the last of each key" if topic.cleanup == "compact" else "for ever"
        if topic.cleanup == "delete" and topic.retention_ms >= 0:
            kept = f"{topic.retention_ms // 86_400_000} days"
        rows.append((topic.name, kept, topic.batch_bytes))
    out.print(table("Topics", ("topic", "keeps", "largest batch, bytes"), rows, right=("largest batch, bytes",)))


def _table(settings: Settings):  # type: ignore[no-untyped-def]
    return topic_table(prefix=settings.topic_prefix, inbound=[topic.name for topic in settings.inbound_topics])


def make_topics(settings: Settings) -> tuple[object, ...]:
    """Create what is missing; CommandFailed when the cluster's topics do not fit."""
    try:
        return asyncio.run(
            create_topics(
                settings.kafka,
                prefix=settings.topic_prefix,
                partitions=settings.partitions,
                replication=settings.replication,
                inbound=[topic.name for topic in settings.inbound_topics],
                history=settings.clock == REPLAY,
            )
        )
    except TopicError as error:
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error


def up(
    clock: Annotated[str | None, typer.Option(help="wall, or replay for a book of history.")] = None,
) -> None:
    """Run the whole service here: Kafka, ClickHouse, recorder, book-keeper, sink, until Ctrl-C.

    What PESERTA_KAFKA and PESERTA_CLICKHOUSE_URL name is used; what is not configured is started, on loopback, with its
    data in PESERTA_DATA_DIR. Other commands find the running service by themselves.

    Example: peserta up
    """
    configured = read_settings(clock=clock)
    if configured.health_port > 0:
        raise CommandFailed(
            "PESERTA_HEALTH_PORT names one port, but three workers run here. Leave it out: each takes a free port, and "
            "`peserta health` finds it.",
            ExitCode.WRONG_SETTINGS,
        )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    kafka, clickhouse = not configured.kafka, not configured.clickhouse_url
    with Stack(configured.data_dir / "stack", kafka=kafka, clickhouse=clickhouse, console=err) as stack:
        settings = read_settings(
            clock=clock,
            kafka=stack.kafka_address if kafka else None,
            clickhouse_url=stack.clickhouse_url if clickhouse else None,
        )
        make_topics(settings)
        announced = announce(settings)
        try:
            with Service(settings, configured.data_dir / "logs") as service:
                service.start()
                with err.status("Waiting until the workers are ready"):
                    _wait_until_ready(settings, service, stopping)
                if not stopping.is_set():
                    service.check()
                    _say_up(settings)
                _keep_up(service, stopping, stack)
        finally:
            announced.unlink(missing_ok=True)


def _wait_until_ready(settings: Settings, service: Service, stopping: threading.Event) -> None:
    """Until every worker says so, or one has ended, or patience has: then it says what is lacking."""
    if settings.health_listens_on is None:
        return  # without endpoints nobody can be asked
    until_s = time.monotonic() + READY_LIMIT_S
    while not stopping.wait(LOOK_EVERY_S) and not service.ended():
        waiting = [health for health in ask(settings) if not health.ready]
        if not waiting:
            return
        if time.monotonic() > until_s:
            names = ", ".join(health.role for health in waiting)
            err.print(f"Not ready after {READY_LIMIT_S:.0f} s: {names}. `peserta health` says what they wait for.")
            return


def _say_up(settings: Settings) -> None:
    out.print(f"Kafka       {settings.kafka}\nClickHouse  {settings.clickhouse_url.rpartition('@')[2]}")
    out.print(f"Logs        {settings.data_dir / 'logs'}\nTry         peserta publish FILE.ndjson · peserta coverage")
    out.print("[bold]Peserta is up.[/bold] Ctrl-C ends it.")


def _check_parts(stack: Stack) -> None:
    """CommandFailed when the Kafka or the ClickHouse that was started here has ended."""
    for process in stack.processes:
        if process.poll() is not None:
            raise CommandFailed(
                f"{process.name} has ended. Its last lines ({process.log}):\n{process.log_tail(LOG_LINES_SHOWN)}\n"
                "Start `peserta up` again: its data are kept.",
                ExitCode.RESTART_ME,
            )


def _keep_up(service: Service, stopping: threading.Event, stack: Stack) -> None:
    """Start workers again that ended with a code that asks for it; give up on one that refuses to run."""
    ends: dict[str, list[float]] = {}
    while not stopping.wait(LOOK_EVERY_S):
        _check_parts(stack)
        for role, code in service.ended().items():
            if code == ExitCode.WRONG_SETTINGS:
                service.check()
            recent = [at for at in ends.get(role, []) if time.monotonic() - at < RESTART_FORGIVEN_S]
            pause_s = RESTART_PAUSES_S[min(len(recent), len(RESTART_PAUSES_S) - 1)]
            ends[role] = [*recent, time.monotonic()]
            err.print(f"The {role} ended with exit code {code}; it is started again in {pause_s} s.")
            if not stopping.wait(pause_s):
                service.start(role)
