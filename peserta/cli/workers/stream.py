"""`peserta worker recorder` and `peserta worker bookkeeper`."""

import sys

import typer

from peserta.cli.exit_codes import ExitCode
from peserta.cli.workers.options import BookGeneration
from peserta.operations.discovery import find_installation
from peserta.operations.workers.stream_worker import run_bookkeeper as keep_book
from peserta.operations.workers.stream_worker import run_recorder as record


def run_recorder() -> None:
    """Inbound topics -> journal and dead letters.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker recorder
    """
    raise typer.Exit(record(find_installation(), _end))


def run_bookkeeper(generation: BookGeneration = None) -> None:
    """Journal -> ledger, snapshots, alerts.

    Example: PESERTA_KAFKA=localhost:9092 peserta worker bookkeeper
    """
    raise typer.Exit(keep_book(find_installation(), _end, generation))


def _end() -> None:
    sys.exit(ExitCode.DONE)
