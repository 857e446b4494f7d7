"""`peserta worker`: one worker of the service in this process."""

import logging
import sys
from typing import Annotated, Final

import typer

from peserta.cli.deferred import extras_named
from peserta.cli.exit_codes import ExitCode
from peserta.operations.discovery import find_installation
from peserta.operations.worker import run_bookkeeper as keep_book
from peserta.operations.worker import run_notifier, run_sink, sink_settings
from peserta.operations.worker import run_recorder as record

worker = typer.Typer(no_args_is_help=True, help="Run one worker of the service in this process, until SIGTERM.")

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

BookGeneration = Annotated[
    int | None,
    typer.Option(hidden=True, min=1, help="Work on this generation of the book instead of the current one."),
]


@worker.command("recorder")
def run_recorder() -> None:
    """Inbound topics -> journal and dead letters.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker recorder
    """
    raise typer.Exit(record(find_installation(), _end))


@worker.command("bookkeeper")
def run_bookkeeper(generation: BookGeneration = None) -> None:
    """Journal -> ledger, snapshots, alerts.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker bookkeeper
    """
    raise typer.Exit(keep_book(find_installation(), _end, generation))


@worker.command("sink")
def run_sink_worker(generation: BookGeneration = None) -> None:
    """Journal, ledger, snapshots, alerts, dead letters -> ClickHouse.

    Example: PESERTA_KAFKA=localhost:9092 PESERTA_CLICKHOUSE_URL=http://localhost:8123 peserta worker sink
    """
    settings = sink_settings(find_installation())
    _log_to_stderr()
    run_sink(settings, generation)


@worker.command("notifier")
def run_notifier_worker() -> None:
    """Alerts -> the people who subscribe to them, by webhook, e-mail, chat or Alertmanager.

    Several may run: one sends, the others stand by. Needs the extra `notices`.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker notifier
    """
    settings = find_installation()
    _log_to_stderr()
    with extras_named("worker notifier"):
        run_notifier(settings)


def _log_to_stderr() -> None:
    logging.basicConfig(stream=sys.stderr, format=LOG_FORMAT, level=logging.WARNING)
    for name in ("sinks", "peserta"):
        logging.getLogger(name).setLevel(logging.INFO)


def _end() -> None:
    sys.exit(ExitCode.DONE)
