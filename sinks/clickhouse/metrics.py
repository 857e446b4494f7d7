"""The sink's Prometheus metrics. Counters start at 0 with each process. A label is a topic, a partition number or a
table, and never anything that identifies a company or a person."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.tables.block import Block

SECONDS_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class SinkMetrics:
    """The loop calls the methods. `now` is the wall clock in seconds."""

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
            "Rows inserted, including those inserted again after a restart.",
            ["table"],
            registry=registry,
        )
        self._inserts = Histogram(
            "peserta_sink_insert_seconds",
            "Duration of an insert, including retries; the count is the number of inserts.",
            ["table"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "peserta_sink_retries_total",
            "Requests to ClickHouse that failed and were retried.",
            registry=registry,
        )
        self._lag = Gauge(
            "peserta_sink_lag_offsets",
            "Offsets of a topic's partition still to copy after the last round, with transaction markers.",
            ["topic", "partition"],
            registry=registry,
        )
        self._rounds = Histogram(
            "peserta_sink_round_seconds",
            "Duration of a round with records, from having read them to having marked them as done.",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._last_round = Gauge(
            "peserta_sink_last_round_timestamp_seconds",
            "When the last round ended, with records or without, in seconds since 1970.",
            registry=registry,
        )

    def retried(self) -> None:
        """Count a request to ClickHouse that failed and will be retried."""
        self._retries.inc()

    def inserted(self, block: Block, seconds: float) -> None:
        """Count a block that is in ClickHouse."""
        self._rows.labels(block.table).inc(len(next(iter(block.columns.values()))))
        self._inserts.labels(block.table).observe(seconds)

    def carried(self, batches: Sequence[Batch], lags: Mapping[tuple[str, int], int], seconds: float) -> None:
        """Count a round that has ended."""
        self._last_round.set(self._now())
        if any(batch.records for batch in batches):
            self._rounds.observe(seconds)
        for batch in batches:
            self._records.labels(batch.range.topic).inc(len(batch.records))
        for (topic, partition), offsets in lags.items():
            self._lag.labels(topic, partition).set(offsets)
