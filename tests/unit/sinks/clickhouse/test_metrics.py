"""The sink's metrics, and the moment at which it is ready."""

import pytest
from prometheus_client import CollectorRegistry

from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.readiness import ROUND_LIMIT_S, SinkStatus, Waiting
from sinks.clickhouse.tables.block import Block
from tests.support.metrics import assert_well_described, value
from tests.support.sink_records import kept

TOPIC = "coverage.ledger.v1"


def batch(records: int) -> Batch:
    return Batch.of(Range(TOPIC, 0, 0, 10), kept([b"v"] * records))


def test_a_round_counts_its_records_its_rows_and_what_is_left() -> None:
    registry = CollectorRegistry()
    metrics = SinkMetrics(registry, now=lambda: 1234.5)
    metrics.inserted(Block("ledger_lines", {"a": (1, 2, 3), "b": (1, 2, 3)}), 0.5)
    metrics.carried([batch(2)], {(TOPIC, 0): 7, (TOPIC, 1): 0}, 0.75)
    metrics.carried([], {(TOPIC, 0): 5}, 0.25)
    metrics.retried()
    assert value(registry, "peserta_sink_rows_total", table="ledger_lines") == 3
    assert value(registry, "peserta_sink_insert_seconds_count", table="ledger_lines") == 1
    assert value(registry, "peserta_sink_insert_seconds_sum", table="ledger_lines") == 0.5
    assert value(registry, "peserta_sink_records_total", topic=TOPIC) == 2
    assert value(registry, "peserta_sink_round_seconds_count") == 1, "a round without records is none"
    assert value(registry, "peserta_sink_last_round_timestamp_seconds") == 1234.5
    assert value(registry, "peserta_sink_lag_offsets", topic=TOPIC, partition="0") == 5
    assert value(registry, "peserta_sink_lag_offsets", topic=TOPIC, partition="1") == 0
    assert value(registry, "peserta_sink_retries_total") == 1
    assert_well_described(registry)


READINESS = {
    "before it has begun": (None, 100.0, (Waiting.BEGIN,)),
    "at once after it has begun": (100.0, 100.0, ()),
    "until the limit after its last round": (100.0, 100.0 + ROUND_LIMIT_S, ()),
    "when no round has ended within the limit": (100.0, 100.1 + ROUND_LIMIT_S, (Waiting.ROUND,)),
}


@pytest.mark.parametrize(("carried_at_s", "now_s", "waits"), READINESS.values(), ids=READINESS)
def test_the_sink_waits_for(carried_at_s: float | None, now_s: float, waits: tuple[Waiting, ...]) -> None:
    clock = [0.0 if carried_at_s is None else carried_at_s]
    status = SinkStatus(now=lambda: clock[0])
    if carried_at_s is not None:
        status.carry()
    clock[0] = now_s
    assert status.waits_for() == waits
