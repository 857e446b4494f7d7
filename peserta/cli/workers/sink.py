"""`peserta worker sink`."""

from peserta.cli.workers.options import BookGeneration, log_to_stderr
from peserta.operations.discovery import find_installation
from peserta.operations.workers.sink_worker import run_sink, sink_settings


def run_sink_worker(generation: BookGeneration = None) -> None:
    """Journal, ledger, snapshots, alerts, dead letters -> ClickHouse.

    Example: PESERTA_KAFKA=localhost:9092 PESERTA_CLICKHOUSE_URL=http://localhost:8123 peserta worker sink
    """
    settings = sink_settings(find_installation())
    log_to_stderr()
    run_sink(settings, generation)
