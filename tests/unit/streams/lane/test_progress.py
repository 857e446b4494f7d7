"""Contiguity, commits and back-pressure of one source partition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.lane.progress import Hole, SourceProgress
from tests.support.lane_records import batch


def progress(expected: int = 0) -> SourceProgress:
    return SourceProgress("in-0", expected)


def test_batches_that_touch_follow_each_other_also_over_markers() -> None:
    source = progress(10)
    source.follow(batch([10, 11], next_offset=13))
    source.follow(batch([15], start=13))
    assert source.expected == 16


def test_a_batch_that_starts_later_is_a_hole() -> None:
    source = progress(10)
    with pytest.raises(Hole, match="in-0: batch starts at 11, expected 10"):
        source.follow(batch([11]))


def test_a_repeated_batch_is_no_hole_and_moves_nothing_back() -> None:
    source = progress(10)
    source.follow(batch([10, 11, 12]))
    source.follow(batch([10, 11]))
    assert source.expected == 13


def test_nothing_is_committable_past_a_batch_that_is_not_acknowledged() -> None:
    source = progress()
    for offset in (0, 1, 2):
        source.deliver(batch([offset]), 0.0)
    source.acknowledge(3)
    source.acknowledge(1)
    assert source.committable() == 1
    assert source.committable() is None
    source.acknowledge(2)
    assert source.committable() == 3


@given(st.permutations(range(6)))
def test_whatever_the_order_of_acknowledgements_the_commit_is_the_end_of_the_first_without_a_gap(
    order: list[int],
) -> None:
    source = progress()
    for offset in range(6):
        source.deliver(batch([offset]), 0.0)
    committed, done = 0, set()
    for offset in order:
        source.acknowledge(offset + 1)
        done.add(offset)
        committed = source.committable() or committed
        assert committed == next((number for number in range(6) if number not in done), 6)


def test_an_acknowledgement_of_an_earlier_assignment_is_passed_over() -> None:
    source = progress()
    source.acknowledge(7)
    assert source.committable() is None


def test_a_partition_with_enough_batches_under_way_is_not_fetched() -> None:
    source = progress()
    assert not busy(source, now_s=0.0)
    source.deliver(batch([0]), 0.0)
    assert not busy(source, now_s=0.0)
    source.deliver(batch([1]), 0.0)
    assert busy(source, now_s=0.0)
    source.acknowledge(1)
    assert not busy(source, now_s=0.0)


def test_a_partition_waits_for_its_interval() -> None:
    source = progress()
    source.deliver(batch([0]), 5.0)
    assert busy(source, now_s=5.4, interval_s=0.5)
    assert not busy(source, now_s=5.6, interval_s=0.5)


def busy(source: SourceProgress, *, now_s: float, interval_s: float = 0.0) -> bool:
    return source.busy(in_flight_max=2, interval_s=interval_s, now_s=now_s)
