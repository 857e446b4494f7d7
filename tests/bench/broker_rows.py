"""The rows that need a broker: the simple work in every way, and the service itself."""

from collections.abc import Iterator
from typing import Any, Final

from tests.bench.row import Row
from tests.bench.simple.way import RECOVERIES, WAYS

SIMPLE: Final = "tests.bench.simple.row"
SERVICE: Final = "tests.bench.service.row"
HTTP: Final = "tests.bench.http_door"
SHEETS: Final = "tests.bench.sheets"
NOTICES: Final = "tests.bench.notifier"
FACTS: Final = "facts/s"
CPU: Final = "CPU-s/M facts"
MIB: Final = "MiB"
FLOWS: Final = ((8, 100), (8, 1_000), (8, 5_000), (2, 1_000), (2, 5_000))  # partitions, facts/s
DISK: Final = "MB/M facts"
ON_DISK: Final = (
    "workforce.facts.v1",
    "coverage.journal.v1",
    "coverage.ledger.v1",
    "coverage.snapshots.v1",
    "peserta-bookkeeper-book-changelog",
    "ClickHouse",
)
STATE_ON_DISK: Final = "book-keeper, state on disk"
WHOLE: Final = "whole way"
WORKERS: Final = ("recorder", "bookkeeper", "sink")
LATENCY_TARGETS_MS: Final = {1_000: 100.0, 5_000: 250.0}


def _simple() -> Iterator[Row]:
    for way in WAYS:
        name = f"simple work: {way.name}"
        yield _row(name, FACTS, SIMPLE, 3, way=way.name, figure="per s")
        yield _row(f"{name}, CPU", CPU, SIMPLE, 3, way=way.name, figure="CPU-s per million")
    for way, target in zip(RECOVERIES, (400_000.0, None), strict=True):
        name = f"recovery: {way.name}"
        yield _row(name, "records/s", SIMPLE, 2, target, way=way.name, figure="per s", recovery=True)


def _stages() -> Iterator[Row]:
    for run, target in (("recorder", 80_000.0), ("book-keeper", 40_000.0), (STATE_ON_DISK, 20_000.0)):
        yield _row(f"{run} on Kafka", FACTS, SERVICE, 2, target, run=run, figure="facts/s")
        yield _row(f"{run} on Kafka, CPU", CPU, SERVICE, 2, run=run, figure="CPU-s per million facts")
        yield _row(f"{run} on Kafka, memory", MIB, SERVICE, 2, run=run, figure="MiB")
    # The state on disk is read from its files when a fact needs it.
    yield _row(f"recovery: {STATE_ON_DISK} ready", "s", SERVICE, 2, run=STATE_ON_DISK, figure="recovery: ready s")
    yield _row("recovery: book-keeper", "records/s", SERVICE, 2, run="book-keeper", figure="recovery: records/s")
    yield _row("recovery: book-keeper ready", "s", SERVICE, 2, run="book-keeper", figure="recovery: ready s")
    yield _row("sink alone", "rows/s", SERVICE, 2, 250_000.0, run="sink", figure="rows/s")
    yield _row("sink alone, CPU", CPU, SERVICE, 2, run="sink", figure="CPU-s per million facts")
    yield _row("sink alone, memory", MIB, SERVICE, 2, run="sink", figure="MiB")
    for way in ("rows", "columns", "Arrow"):
        yield _row(f"insert as {way}", "rows/s", SERVICE, 2, run=f"insert, {way}", figure="rows/s")


def _whole() -> Iterator[Row]:
    yield _row("recorder and book-keeper", FACTS, SERVICE, 2, run="both", figure="to the ledger: facts/s")
    for end in ("the ledger", "ClickHouse"):
        yield _row(f"whole way to {end}", FACTS, SERVICE, 2, 20_000.0, run=WHOLE, figure=f"to {end}: facts/s")
    for part in (*WORKERS, "Kafka", "ClickHouse"):
        yield _row(f"whole way, CPU of {part}", CPU, SERVICE, 2, run=WHOLE, figure=f"{part}: CPU-s per million facts")
    for part in WORKERS:
        yield _row(f"whole way, memory of {part}", MIB, SERVICE, 2, run=WHOLE, figure=f"{part}: MiB")
    for what in ON_DISK:
        yield _row(
            f"whole way, on disk: {what}", DISK, SERVICE, 2, run=WHOLE, figure=f"on disk, {what}: MB per million facts"
        )


def _delays() -> Iterator[Row]:
    for partitions, rate in FLOWS:
        for figure in ("p50", "p99", "max"):
            target = LATENCY_TARGETS_MS.get(rate) if figure == "p99" else None
            name = f"append to alert, {flow(partitions, rate)}, {figure}"
            yield _row(name, "ms", SERVICE, 1, target, run=flow(partitions, rate), figure=f"{figure} ms")


def _http() -> Iterator[Row]:
    yield _row("HTTP, NDJSON bodies of 1,000", FACTS, HTTP, 2, 5_000.0, run="batches", figure="facts/s")
    for figure, target in (("p50", None), ("p99", 100.0)):
        name = f"HTTP, single facts at 50/s, {figure}"
        yield _row(name, "ms", HTTP, 2, target, run="singles", figure=f"{figure} ms")


def _notices() -> Iterator[Row]:
    yield _row("notices, 10,000 alerts at once", "notices/s", NOTICES, 2, 200.0, run="many", figure="notices/s")
    yield _row("notices, memory of the notifier after them", MIB, NOTICES, 2, run="many", figure="MiB")
    for figure, target in (("p50", None), ("p99", 500.0)):
        name = f"commit of an alert to its receiver, 10 alerts/s, {figure}"
        yield _row(name, "ms", NOTICES, 2, target, run="singles", figure=f"{figure} ms")


def _sheets() -> Iterator[Row]:
    yield _row("sheet of 100,000 rows, preview", "s", SHEETS, 2, 30.0, figure="s")
    yield _row("sheet of 100,000 rows, memory", "MB", SHEETS, 2, 500.0, figure="MB")


def flow(partitions: int, rate: int) -> str:
    """The name of a steady flow."""
    return f"{partitions} partitions, {rate:,} facts/s"


def _scale() -> Iterator[Row]:
    for run in ("one book-keeper", "two book-keepers"):
        yield _row(f"scale out: {run}", FACTS, SERVICE, 2, run=run, figure="facts/s")
    for run in ("rebalance", "rebalance with a standby"):
        for event in ("joins", "leaves", "is killed"):
            yield _row(f"{run}: longest wait when a worker {event}", "s", SERVICE, 1, run=run, figure=event)


def _row(name: str, unit: str, module: str, rounds: int, target: float | None = None, **options: Any) -> Row:
    """A row in wall-clock time. For rates more is better, for all other figures less."""
    is_rate = unit.endswith("/s")
    return Row(name, unit, module, options, is_rate, target=target, rounds_max=rounds, on_wall=True)


BROKER_ROWS: Final = (*_simple(), *_stages(), *_whole(), *_delays(), *_scale(), *_http(), *_notices(), *_sheets())
