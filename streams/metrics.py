"""The Prometheus metrics of recorder and book-keeper, updated by callbacks of the lane and of the workers.

Counters start at 0 with each process. A label is a topic, a partition number, a disposition or a status. Nothing that
identifies a company or a person is ever a label.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.bookkeeper import Folded
from streams.core.timeline import LONG_AGO
from streams.lane.records import Committed, Recovered

RECORDS_BUCKETS: Final = (1, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000)
SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
RECOVERY_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class LaneMetrics:
    """The metrics of every worker on the lane. The methods are the lane's callbacks. `now`: monotonic seconds."""

    def __init__(self, registry: CollectorRegistry | None = None, now: Callable[[], float] = time.monotonic) -> None:
        registry = CollectorRegistry() if registry is None else registry
        self._now, self._busy_since_s, self._taken = now, 0.0, 0
        self._read: set[tuple[str, int]] = set()
        self._records = Counter(
            "peserta_lane_records_total",
            "Records of the source topics whose effect is durable.",
            ["topic"],
            registry=registry,
        )
        self._written = Counter(
            "peserta_lane_written_records_total",
            "Records written because of them, to all topics, including those of the state.",
            registry=registry,
        )
        self._lag = Gauge(
            "peserta_lane_lag_offsets",
            "Offsets of a source partition still to process when its last batch was done, with transaction markers.",
            ["topic", "partition"],
            registry=registry,
        )
        self._partitions = Gauge(
            "peserta_lane_partitions",
            "Number of partitions that this worker reads.",
            registry=registry,
        )
        self._batch_records = Histogram(
            "peserta_lane_batch_records",
            "Records of a batch; the count is the number of batches that had any.",
            ["topic"],
            buckets=RECORDS_BUCKETS,
            registry=registry,
        )
        self._step = Histogram(
            "peserta_lane_step_seconds",
            "Computing the effect of a batch.",
            ["topic"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._commit = Histogram(
            "peserta_lane_commit_seconds",
            "From a batch's step until its effect is durable, including the wait for the batch before it.",
            ["topic"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._under_way = Gauge(
            "peserta_lane_batches_under_way",
            "Batches taken and not yet durable.",
            registry=registry,
        )
        self._busy = Counter(
            "peserta_lane_busy_seconds_total",
            "Time in which at least one batch was in its step or waiting for the broker.",
            registry=registry,
        )

    def taken(self) -> None:
        """Count a batch that goes into its step."""
        if self._taken == 0:
            self._busy_since_s = self._now()
        self._taken += 1
        self._under_way.set(self._taken)

    def committed(self, done: Committed) -> None:
        """A batch's effect is durable."""
        self._taken -= 1
        self._under_way.set(self._taken)
        if self._taken == 0:
            self._busy.inc(self._now() - self._busy_since_s)
        self._read.add((done.topic, done.partition))
        self._lag.labels(done.topic, done.partition).set(done.lag)
        self._records.labels(done.topic).inc(done.records)
        self._written.inc(done.written)
        if done.records:
            self._batch_records.labels(done.topic).observe(done.records)
            self._step.labels(done.topic).observe(done.step_seconds)
            self._commit.labels(done.topic).observe(done.seconds)

    def assigned(self, partitions: frozenset[int]) -> None:
        """This worker reads these partitions from now on. Remove the gauges of others: their new worker reports
        them."""
        self._partitions.set(len(partitions))
        for topic, partition in [at for at in self._read if at[1] not in partitions]:
            self._lag.remove(topic, partition)
            self._read.discard((topic, partition))


class RecorderMetrics(LaneMetrics):
    """The recorder's metrics."""

    def __init__(self, registry: CollectorRegistry | None = None, now: Callable[[], float] = time.monotonic) -> None:
        registry = CollectorRegistry() if registry is None else registry
        super().__init__(registry, now)
        self._dispositions = Counter(
            "peserta_recorder_records_total",
            "Records read, by outcome: recorded in the journal, or dead_letter:<reason>.",
            ["topic", "disposition"],
            registry=registry,
        )

    def recorded(self, topic: str, counts: Mapping[str, int]) -> None:
        """Count the outcomes of a step's records."""
        for disposition, count in counts.items():
            self._dispositions.labels(topic, disposition).inc(count)


class BookkeeperMetrics(LaneMetrics):
    """The book-keeper's metrics."""

    def __init__(self, registry: CollectorRegistry | None = None, now: Callable[[], float] = time.monotonic) -> None:
        registry = CollectorRegistry() if registry is None else registry
        super().__init__(registry, now)
        self._owned: set[int] = set()
        self._transactions = Counter(
            "peserta_bookkeeper_transactions_total",
            "Transactions committed. A failed one ends the process and shows as a new process_start_time_seconds.",
            registry=registry,
        )
        self._recovery = Histogram(
            "peserta_bookkeeper_recovery_seconds",
            "From taking a partition over until its state is complete; the count is the number of recoveries.",
            buckets=RECOVERY_BUCKETS_S,
            registry=registry,
        )
        self._facts = Counter(
            "peserta_bookkeeper_facts_total",
            "Facts of the journal by disposition: applied, no_effect, duplicate or dead_letter:<reason>.",
            ["disposition"],
            registry=registry,
        )
        self._repeats = Counter(
            "peserta_bookkeeper_repeats_total",
            "Journal entries skipped because the recorder had written them before.",
            registry=registry,
        )
        self._alerts = Counter(
            "peserta_bookkeeper_alerts_total",
            "Alerts by status: firing or resolved.",
            ["status"],
            registry=registry,
        )
        self._rows = Gauge(
            "peserta_bookkeeper_state_rows",
            "Rows of state of an owned partition.",
            ["partition"],
            registry=registry,
        )
        self._business_date = Gauge(
            "peserta_bookkeeper_business_date_days",
            "Business date of an owned partition by its Ticks and policies, in days since 1970-01-01.",
            ["partition"],
            registry=registry,
        )

    def committed(self, done: Committed) -> None:
        """A batch's effect is durable."""
        super().committed(done)
        if done.written:
            self._transactions.inc()

    def assigned(self, partitions: frozenset[int]) -> None:
        """This worker reads these partitions from now on."""
        super().assigned(partitions)
        for partition in self._owned - partitions:
            self._rows.remove(partition)
            self._business_date.remove(partition)
        self._owned &= partitions

    def recovered(self, partition: Recovered) -> None:
        """Count a recovered partition."""
        self._recovery.observe(partition.seconds)

    def folded(self, batch: Folded) -> None:
        """Count a folded batch or an opened partition."""
        self._owned.add(batch.partition)
        self._rows.labels(batch.partition).set(batch.rows)
        days = float("nan") if batch.today == LONG_AGO else batch.today
        self._business_date.labels(batch.partition).set(days)
        self._repeats.inc(batch.repeats)
        for disposition, count in batch.dispositions.items():
            self._facts.labels(disposition).inc(count)
        for status, count in batch.alerts.items():
            self._alerts.labels(status).inc(count)
