"""The metrics of recorder and book-keeper, driven by their callbacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from schemas.codec import InboundCodec, JournalCodec
from schemas.dates import day
from schemas.records import Coordinates, Entry, PolicySet
from schemas.topics import TopicNames
from streams.bookkeeper import Bookkeeper, Folded
from streams.core.timeline import LONG_AGO
from streams.lane.records import Committed, Recovered
from streams.metrics import BookkeeperMetrics, LaneMetrics, RecorderMetrics
from streams.recorder import Recorder
from streams.settings import REPLAY, StreamSettings
from tests.support.facts import FACTS_TOPIC, enrollment, entry, hire, level, noon, tick
from tests.support.lane_records import PlainRecord
from tests.support.metrics import assert_well_described, labels_of, value

JOURNAL = "coverage.journal.v1"
POLICY = PolicySet(Coordinates("coverage.policies.v1", 0, 0), noon("2025-08-01"), level())
IDS = {"C1", "other", "w1", "w2", "3174012345678901", "e1", "e2", "e3", "e4", "P"}


def committed(partition: int = 0, *, records: int = 10, written: int = 12, at: int = 10, end: int = 30) -> Committed:
    return Committed(JOURNAL, partition, at, end, records, written, step_seconds=0.25, seconds=0.5)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_a_batch_is_counted_when_its_effect_is_durable(registry: CollectorRegistry) -> None:
    metrics = LaneMetrics(registry)
    metrics.taken()
    assert value(registry, "peserta_lane_batches_under_way") == 1
    metrics.committed(committed(3))
    found = {
        name: value(registry, f"peserta_lane_{name}", topic=JOURNAL)
        for name in ("records_total", "batch_records_count", "batch_records_sum", "step_seconds_sum")
    }
    assert found == {"records_total": 10, "batch_records_count": 1, "batch_records_sum": 10, "step_seconds_sum": 0.25}
    assert value(registry, "peserta_lane_commit_seconds_sum", topic=JOURNAL) == 0.5
    assert value(registry, "peserta_lane_written_records_total") == 12
    assert value(registry, "peserta_lane_lag_offsets", topic=JOURNAL, partition="3") == 20
    assert value(registry, "peserta_lane_batches_under_way") == 0


def test_a_batch_of_markers_is_no_batch_and_no_transaction(registry: CollectorRegistry) -> None:
    metrics = BookkeeperMetrics(registry)
    metrics.taken()
    metrics.committed(committed(records=0, written=0, at=30))
    assert value(registry, "peserta_lane_batch_records_count", topic=JOURNAL) is None
    assert value(registry, "peserta_bookkeeper_transactions_total") == 0
    assert value(registry, "peserta_lane_lag_offsets", topic=JOURNAL, partition="0") == 0


def test_busy_is_the_time_with_something_under_way_and_overlaps_count_once(registry: CollectorRegistry) -> None:
    times = iter([100.0, 107.0, 200.0, 201.0])  # read when the first batch starts, and when the last is done
    metrics = LaneMetrics(registry, now=lambda: next(times))
    metrics.taken()
    metrics.taken()
    metrics.committed(committed(0))
    metrics.committed(committed(1))
    metrics.taken()
    metrics.committed(committed(0))
    assert value(registry, "peserta_lane_busy_seconds_total") == 8


def test_partitions_that_another_worker_has_now_are_not_spoken_of(registry: CollectorRegistry) -> None:
    metrics = BookkeeperMetrics(registry)
    metrics.assigned(frozenset({0, 1}))
    for partition in (0, 1):
        metrics.folded(Folded(partition, 5, day("2025-09-01")))
        metrics.taken()
        metrics.committed(committed(partition))
    metrics.assigned(frozenset({1}))
    assert value(registry, "peserta_lane_partitions") == 1
    assert {found["partition"] for found in labels_of(registry) if "partition" in found} == {"1"}
    assert value(registry, "peserta_lane_records_total", topic=JOURNAL) == 20, "what was done stays counted"


def test_a_recovery_counts_with_its_seconds(registry: CollectorRegistry) -> None:
    BookkeeperMetrics(registry).recovered(Recovered(0, rows=7, seconds=1.5))
    assert value(registry, "peserta_bookkeeper_recovery_seconds_count") == 1
    assert value(registry, "peserta_bookkeeper_recovery_seconds_sum") == 1.5


def test_a_book_without_a_date_has_no_number_for_it(registry: CollectorRegistry) -> None:
    BookkeeperMetrics(registry).folded(Folded(0, 0, LONG_AGO))
    found = value(registry, "peserta_bookkeeper_business_date_days", partition="0")
    assert found is not None
    assert found != found


def recorder(registry: CollectorRegistry, folder: Path) -> Recorder:
    settings = StreamSettings("127.0.0.1:9", folder, partitions=2, clock=REPLAY)
    return Recorder(settings, lambda: 0, RecorderMetrics(registry).recorded)


def inbound() -> Iterator[PlainRecord]:
    """Two valid facts, one with a wrong key, one with a national id, and a record that is not Avro."""
    at = noon("2025-09-01")
    values = [hire("e1", "2025-09-01"), hire("e2", "2025-09-01"), hire("e3", "2025-09-01")]
    national = hire("e4", "2025-09-01", worker="3174012345678901")
    encode = InboundCodec().encode
    for offset, (fact, key) in enumerate(zip([*values, national], (b"C1", b"C1", b"other", b"C1"), strict=True)):
        yield PlainRecord(offset, key, encode(fact), FACTS_TOPIC, timestamp=at)
    yield PlainRecord(4, b"C1", b"none", FACTS_TOPIC, timestamp=at)


def test_the_recorder_counts_each_record_once_by_what_became_of_it(registry: CollectorRegistry, tmp_path: Path) -> None:
    steps = recorder(registry, tmp_path)
    records = list(inbound())
    steps.step(FACTS_TOPIC, 0, records[:3])
    steps.step(FACTS_TOPIC, 0, records[3:])
    found = {
        what: value(registry, "peserta_recorder_records_total", topic=FACTS_TOPIC, disposition=what)
        for what in ("recorded", "dead_letter:key_mismatch", "dead_letter:national_id", "dead_letter:bad_magic")
    }
    assert list(found.values()) == [2, 1, 1, 1]


def journal() -> list[Entry]:
    """Facts with the dispositions applied, duplicate, no_effect and conflict; a Tick; and a repeat by the recorder."""
    first = hire("e1", "2025-09-01")
    return [
        entry(first, 0),
        entry(first, 1),
        entry(enrollment("e2", "2025-09-01", "JHT", worker="w2"), 2),
        entry(hire("e1", "2025-09-02"), 3),
        tick("2025-09-05"),
        entry(first, 1),
    ]


def fold(metrics: BookkeeperMetrics, entries: list[Entry]) -> dict[bytes, bytes]:
    bookkeeper = Bookkeeper(TopicNames(), 30, metrics.folded)
    rows: dict[bytes, bytes] = {}
    bookkeeper.open(0, rows)
    codec = JournalCodec()
    records = [PlainRecord(offset, b"C1", codec.encode(each), JOURNAL) for offset, each in enumerate(entries)]
    bookkeeper.step(0, JOURNAL, records[:2], rows)
    bookkeeper.step(0, JOURNAL, records[2:], rows)
    return rows


def test_the_book_keeper_counts_each_fact_once_by_its_disposition_and_repeats_apart(
    registry: CollectorRegistry,
) -> None:
    rows = fold(BookkeeperMetrics(registry), journal())
    found = {
        what: value(registry, "peserta_bookkeeper_facts_total", disposition=what)
        for what in ("applied", "duplicate", "no_effect", "dead_letter:id_conflict")
    }
    assert found == {"applied": 1, "duplicate": 1, "no_effect": 1, "dead_letter:id_conflict": 1}
    assert value(registry, "peserta_bookkeeper_repeats_total") == 1
    assert value(registry, "peserta_bookkeeper_state_rows", partition="0") == len(rows)
    assert value(registry, "peserta_bookkeeper_business_date_days", partition="0") == day("2025-09-05")


def test_the_book_keeper_counts_alerts_by_status(registry: CollectorRegistry) -> None:
    facts = [hire("e1", "2025-09-01"), enrollment("e2", "2025-09-02")]
    fold(BookkeeperMetrics(registry), [POLICY, *(entry(fact, offset) for offset, fact in enumerate(facts))])
    assert value(registry, "peserta_bookkeeper_alerts_total", status="firing") == 1
    assert value(registry, "peserta_bookkeeper_alerts_total", status="resolved") == 1


def make_all_count(metrics: LaneMetrics) -> None:
    metrics.taken()
    metrics.committed(committed())


def test_every_metric_of_the_recorder_is_described_and_no_label_holds_an_id(
    registry: CollectorRegistry, tmp_path: Path
) -> None:
    metrics = RecorderMetrics(registry)
    settings = StreamSettings("127.0.0.1:9", tmp_path, partitions=2, clock=REPLAY)
    Recorder(settings, lambda: 0, metrics.recorded).step(FACTS_TOPIC, 0, list(inbound()))
    make_all_count(metrics)
    assert_well_described(registry)
    assert IDS.isdisjoint(label for found in labels_of(registry) for label in found.values())


def test_every_metric_of_the_book_keeper_is_described_and_no_label_holds_an_id(registry: CollectorRegistry) -> None:
    metrics = BookkeeperMetrics(registry)
    fold(metrics, [POLICY, *journal()])
    make_all_count(metrics)
    metrics.recovered(Recovered(0, 1, 1.0))
    assert_well_described(registry)
    assert IDS.isdisjoint(label for found in labels_of(registry) for label in found.values())
