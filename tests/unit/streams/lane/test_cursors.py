"""The offsets at which reading starts, and the form of the lane's own rows."""

from collections.abc import Callable

import pytest

from streams.lane.cursors import (
    SourceLog,
    above,
    cursor_row,
    read_cursor,
    refuse_reserved,
    start_after_commit,
    start_after_cursor,
)
from streams.lane.stop import LaneFault, Refused
from tests.support.lane_records import batch


def log(begin: int = 0, end: int = 100, committed: int | None = None) -> SourceLog:
    return SourceLog("in", 3, begin, end, committed)


STARTS = {
    "no cursor and nothing committed: at the first record kept": (log(begin=7), None, 7),
    "after the cursor": (log(), 41, 42),
    "the cursor decides also when less is committed": (log(committed=5), 41, 42),
    "the cursor decides also when more is committed (markers)": (log(committed=60), 41, 42),
    "a cursor at the end waits for the next record": (log(), 99, 100),
}


@pytest.mark.parametrize(("source", "cursor", "start"), STARTS.values(), ids=STARTS)
def test_a_lane_with_state_starts(source: SourceLog, cursor: int | None, start: int) -> None:
    assert start_after_cursor(source, cursor) == start


COMMITS = {
    "nothing committed: at the first record kept": (log(begin=7), 7),
    "at the committed offset": (log(committed=50), 50),
    "all old records deleted, none of them unread": (log(begin=100, committed=100), 100),
}


@pytest.mark.parametrize(("source", "start"), COMMITS.values(), ids=COMMITS)
def test_a_lane_without_state_starts(source: SourceLog, start: int) -> None:
    assert start_after_commit(source) == start


REFUSALS = {
    "something committed, no cursor": (lambda: start_after_cursor(log(committed=9), None), "its changelog was lost"),
    "records after the cursor deleted": (lambda: start_after_cursor(log(begin=50), 41), "in-3: .* deleted unread"),
    "cursor beyond the end": (lambda: start_after_cursor(log(end=30), 41), "truncated or recreated"),
    "records after the commit deleted": (lambda: start_after_commit(log(begin=50, committed=42)), "deleted unread"),
    "commit beyond the end": (lambda: start_after_commit(log(end=30, committed=42)), "truncated or recreated"),
}


@pytest.mark.parametrize(("start", "words"), REFUSALS.values(), ids=REFUSALS)
def test_state_and_source_that_do_not_fit_are_refused_with_a_way_out(start: Callable[[], int], words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        start()
    assert "new app id" in str(refused.value)


def test_records_at_or_below_the_cursor_are_passed_over() -> None:
    records = batch([4, 5, 6, 9]).records
    assert [record.offset for record in above(records, 5)] == [6, 9]
    assert above(records, 3) is records
    assert above(records, 9) == []
    assert above([], 9) == []


def test_a_cursor_row_is_read_as_it_was_written() -> None:
    assert read_cursor(*cursor_row("coverage.journal.v1", 2**40)) == ("coverage.journal.v1", 2**40)


def test_a_step_must_not_write_the_lanes_rows() -> None:
    refuse_reserved({b"cursor": b"", b"company C1": None})
    with pytest.raises(LaneFault):
        refuse_reserved({b"@cursor in": b"7"})
