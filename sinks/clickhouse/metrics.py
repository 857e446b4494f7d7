"""What the sink counts, for Prometheus. All counts begin anew with the process; a label is a topic, a partition number
or a table, never anything that belongs to a company or a worker."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.tables.block import Block

SECONDS_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class SinkMetrics:
    """Told by the loop. `now` is the wall clock in seconds."""

    def __init__(self, registry: CollectorRegistry | None = None, now: Callable[[], float] = time.time) -> None:
        registry = CollectorRegistry() if registry is None else registry
        self._now = now
        self._records = Counter(
            "peserta_sink_records_total",
            "Records whose rows are in ClickHouse.",
            ["topic"],
            registry=registry,
        )
        self._rows = Counter(
            "peserta_sink_rows_total",
            "Rows inserted, those inserted once more after a restart among them.",
            ["table"],
            registry=registry,
        )
        self._inserts = Histogram(
            "peserta_sink_insert_seconds",
            "An insert until ClickHouse has taken it, repetitions among it; the count is the number of inserts.",
            ["table"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "peserta_sink_retries_total",
            "Attempts at ClickHouse that failed and were made again.",
            registry=registry,
        )
        self._lag = Gauge(
            "peserta_sink_lag_offsets",
            "Offsets of a topic's partition still to carry after the last round; transaction markers count.",
            ["topic", "partition"],
            registry=registry,
        )
        self._rounds = Histogram(
            "peserta_sink_round_seconds",
            "A round that carried records, from having read them to having written down that they are carried.",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._last_round = Gauge(
            "peserta_sink_last_round_timestamp_seconds",
            "When the last round ended, with records or without, in seconds since 1970.",
            registry=registry,
        )

    def retried(self) -> None:
        """An attempt at ClickHouse failed and will be made again."""
        self._retries.inc()

    def inserted(self, block: Block, seconds: float) -> None:
        """A block is in ClickHouse."""
        self._rows.labels(block.table).inc(len(next(iter(block.columns.values()))))
        self._inserts.labels(block.table).observe(seconds)

    def carried(self, batches: Sequence[Batch], lags: Mapping[tuple[str, int], int], seconds: float) -> None:
        """A round has ended."""
        self._last_round.set(self._now())
        if any(batch.records for batch in batches):
            self._rounds.observe(seconds)
        for batch in batches:
            self._records.labels(batch.range.topic).inc(len(batch.records))
        for (topic, partition), offsets in lags.items():
            self._lag.labels(topic, partition).set(offsets)
