"""State from a changelog: the last value of each key, no hole, nobody else's writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.lane.cursors import cursor_row
from streams.lane.records import Batch
from streams.lane.state import PartitionState, StateInMemory
from streams.lane.stop import LaneFault
from tests.unit.streams.lane.records import PlainRecord, batch

Line = tuple[bytes | None, bytes | None]


def stretch(start: int, lines: list[Line], markers: int = 0) -> Batch:
    records = [PlainRecord(start + number, key, value) for number, (key, value) in enumerate(lines)]
    return Batch(list(records), start, start + len(lines) + markers)


def test_rows_cursors_and_removals_come_back() -> None:
    state = PartitionState()
    state.read(stretch(0, [(b"a", b"1"), (b"b", b"2"), cursor_row("in", 7)], markers=1), "log-0")
    state.read(stretch(4, [(b"a", None), (b"b", b"3"), cursor_row("in", 9)]), "log-0")
    assert (state.rows, state.cursors, state.contained) == ({b"b": b"3"}, {"in": 9}, 6)


@given(
    st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.none() | st.binary(max_size=2)), max_size=30), st.data()
)
def test_any_cut_into_batches_with_any_overlap_gives_the_same_state(lines: list[Line], data: st.DataObject) -> None:
    whole = PartitionState()
    whole.read(stretch(0, lines), "log-0")
    state = PartitionState()
    while state.contained < len(lines) - 1:
        start = data.draw(st.integers(0, state.contained + 1))
        end = data.draw(st.integers(state.contained + 2, len(lines)))
        state.read(stretch(start, lines[start:end]), "log-0")
    assert (state.rows, state.contained) == (whole.rows, whole.contained)


def test_a_stretch_of_markers_only_counts_as_contained() -> None:
    state = PartitionState()
    state.read(Batch([], 0, 5), "log-0")
    assert state.contained == 4


FAULTS = {
    "a hole in the changelog": (PartitionState(contained=4), stretch(6, [(b"a", b"1")]), "read from 6"),
    "a record without a key": (PartitionState(), stretch(0, [(None, b"1")]), "has no key"),
    "a removed cursor": (PartitionState(), stretch(0, [(b"@cursor in", None)]), "cursor was removed"),
    "somebody else wrote": (PartitionState(contained=4, is_open=True), stretch(5, [(b"a", b"1")]), "another worker"),
}


@pytest.mark.parametrize(("state", "log", "words"), FAULTS.values(), ids=FAULTS)
def test_a_changelog_that_cannot_be_right_is_a_fault(state: PartitionState, log: Batch, words: str) -> None:
    with pytest.raises(LaneFault, match=words):
        state.read(log, "log-0")


def test_an_open_partition_may_read_its_own_last_record_and_markers_again() -> None:
    state = PartitionState({b"k": b"v"}, contained=4, is_open=True)
    state.read(batch([4], next_offset=6), "log-0")
    assert (state.rows, state.contained) == ({b"k": b"v"}, 5)


def test_a_changelog_that_begins_late_is_complete_only_for_who_has_nothing_yet() -> None:
    state = PartitionState()
    state.begin_at(50, "log-0")
    assert state.contained == 49
    state.begin_at(40, "log-0")
    with pytest.raises(LaneFault, match="begins at 60, but contained only to 49"):
        state.begin_at(60, "log-0")


def test_what_a_step_changes_is_in_the_rows_and_the_cursor_is_not() -> None:
    state = PartitionState({b"a": b"1", b"b": b"2"})
    state.change({b"a": None, b"c": b"3"}, "in", 12)
    assert (state.rows, state.cursors) == ({b"b": b"2", b"c": b"3"}, {"in": 12})


def test_a_dropped_partition_starts_empty() -> None:
    states = StateInMemory()
    states.part(1).change({b"a": b"1"}, "in", 1)
    states.part(2).change({b"b": b"2"}, "in", 1)
    states.drop(1)
    assert states.part(1) == PartitionState()
    assert dict(states.items()) == {b"b": b"2"}
