"""State on disk is used only if it is complete, recent, of the same topic, and not ahead of that topic."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.lane.cursors import cursor_row
from streams.lane.disk import AGE_MAX_S, StateOnDisk
from streams.lane.stop import LaneFault, Refused
from tests.support.killed_state import kill

CACHE_BYTES = 1 << 20
LINES = [(b"a", b"1"), (b"b", b"2"), cursor_row("in", 7)]
END = 4  # includes a transaction marker


class Clock:
    """A clock in milliseconds that the test sets."""

    now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def left(tmp_path: Path, clock: Clock) -> Iterator[Path]:
    """The folder of an ended process that left a state up to offset 2."""
    states = states_in(tmp_path, clock)
    states.take_up(0, 0, 0)
    states.part(0).change(dict(LINES[:2]), "in", 7)
    states.part(0).committed(LINES, 2)
    states.close()
    yield tmp_path


def states_in(folder: Path, clock: Clock, topic_id: str = "1") -> StateOnDisk:
    states = StateOnDisk(folder, CACHE_BYTES, clock)
    states.settle("log", topic_id)
    return states


def found(states: StateOnDisk, begin: int = 0, end: int | None = END) -> tuple[dict[bytes, bytes], dict[str, int], int]:
    states.take_up(0, begin, end)
    part = states.part(0)
    try:
        return dict(part.rows), part.cursors, part.contained
    finally:
        states.close()


WHOLE = {b"a": b"1", b"b": b"2"}, {"in": 7}, 2
NOTHING: tuple[dict[bytes, bytes], dict[str, int], int] = {}, {}, -1


def test_what_was_committed_is_found_again(left: Path, clock: Clock) -> None:
    assert found(states_in(left, clock)) == WHOLE


def test_what_was_not_committed_is_not(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    states.part(0).change({b"a": None, b"c": b"3"}, "in", 9)
    assert dict(states.part(0).rows) == {b"b": b"2", b"c": b"3"}
    states.close()
    assert found(states_in(left, clock)) == WHOLE


def test_a_kill_leaves_an_older_copy(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    states.part(0).change({b"a": b"9"}, "in", 8)
    states.part(0).committed([(b"a", b"9"), cursor_row("in", 8)], 5)
    kill(states)
    assert found(states_in(left, clock), end=7) == WHOLE


def test_a_row_changed_again_before_its_first_change_is_committed_stays_as_it_is(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    part = states.part(0)
    first, second = {b"a": b"2"}, {b"a": b"3"}
    part.change(first, "in", 8)
    part.change(second, "in", 9)
    part.committed([*first.items(), cursor_row("in", 8)], 5)
    assert (part.rows[b"a"], part.cursors) == (b"3", {"in": 9})
    states.close()
    assert found(states_in(left, clock), end=7) == ({b"a": b"2", b"b": b"2"}, {"in": 8}, 5)


@pytest.mark.parametrize("value", [None, b""], ids=["removed", "empty"])
def test_a_row_that_a_later_step_puts_back_as_it_was_stays_so_while_the_steps_are_committed(
    left: Path, clock: Clock, value: bytes | None
) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    part = states.part(0)
    steps: list[dict[bytes, bytes | None]] = [{b"a": value}, {b"a": b"5"}, {b"a": value}]
    for cursor, changed in enumerate(steps, 8):
        part.change(changed, "in", cursor)
    for cursor, changed in enumerate(steps, 8):
        part.committed([*changed.items(), cursor_row("in", cursor)], 2 * cursor - 11)
        assert part.rows.get(b"a") == value
    states.close()


def test_rows_with_a_common_beginning_are_read_without_the_others(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    part = states.part(0)
    part.change({b"a2": b"2", b"a3": b"3", b"a": None}, "in", 8)
    part.committed([(b"a2", b"2"), (b"a3", b"3"), (b"a", None), cursor_row("in", 8)], 6)
    part.change({b"a2": None, b"a4": b"4", b"a3": b"33", b"c": b"5"}, "in", 9)
    assert dict(part.rows.starting_with(b"a")) == {b"a3": b"33", b"a4": b"4"}  # type: ignore[attr-defined]
    states.close()


@pytest.mark.parametrize("late_ms", [0, 1])
def test_a_state_from_too_long_ago_is_read_anew(left: Path, clock: Clock, late_ms: int) -> None:
    clock.now += AGE_MAX_S * 1000 + late_ms
    assert found(states_in(left, clock)) == (NOTHING if late_ms else WHOLE)


@pytest.mark.parametrize("begin", [3, 4])
def test_a_state_that_the_changelog_does_not_follow_any_more_is_read_anew(left: Path, clock: Clock, begin: int) -> None:
    assert found(states_in(left, clock), begin=begin, end=9) == (WHOLE if begin == 3 else NOTHING)


def test_a_state_beyond_its_changelog_is_refused_and_left_as_it_is(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    with pytest.raises(Refused, match="contains its changelog to 2, but the topic ends at 2: it was truncated"):
        states.take_up(0, 0, 2)
    states.close()
    assert found(states_in(left, clock), end=3) == WHOLE


def test_one_that_somebody_else_writes_to_may_end_later_than_it_says(left: Path, clock: Clock) -> None:
    assert found(states_in(left, clock), end=None) == WHOLE


def test_the_state_of_another_topic_is_removed(left: Path, clock: Clock) -> None:
    assert found(states_in(left, clock, topic_id="2")) == NOTHING
    assert [folder.name for folder in (left / "0" / "log").iterdir()] == ["2"]
    assert found(states_in(left, clock, topic_id="1")) == NOTHING


def test_workers_that_share_a_folder_have_one_of_their_own_each(left: Path, clock: Clock) -> None:
    first, second = states_in(left, clock), states_in(left, clock)
    assert found(second) == NOTHING
    assert found(first) == WHOLE
    third = states_in(left, clock)
    assert third.folder == left / "0" / "log" / "1", "a folder is free again when its worker has ended"
    third.close()


def test_a_partition_that_comes_back_is_as_it_was(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    states.drop(0)
    assert states.partitions() == set()
    assert found(states) == WHOLE


def test_a_partition_that_is_kept_in_a_rebalance_stays_as_it_is(left: Path, clock: Clock) -> None:
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    states.part(0).change({b"c": b"3"}, "in", 8)
    states.take_up(0, 0, END)
    assert dict(states.part(0).rows) == {**WHOLE[0], b"c": b"3"}
    states.close()


def test_a_partition_must_be_taken_up_and_the_folder_settled_first(tmp_path: Path, clock: Clock) -> None:
    states = StateOnDisk(tmp_path, CACHE_BYTES, clock)
    with pytest.raises(LaneFault, match="does not know its topic"):
        states.take_up(0, 0, 0)
    states.settle("log", "1")
    with pytest.raises(LaneFault, match="partition 0 was not taken up"):
        states.part(0)
    states.close()


def spoil(folder: Path) -> None:
    """Change some bytes in the middle of each file of rows."""
    files = list(folder.rglob("*.sst"))
    assert files
    for file in files:
        content = bytearray(file.read_bytes())
        content[10:40] = b"\xff" * 30
        file.write_bytes(content)


@pytest.mark.parametrize("was_killed", [False, True], ids=["at once", "after a start that was killed on the way"])
def test_damage_ends_the_worker_and_the_next_one_reads_the_changelog(
    left: Path, clock: Clock, *, was_killed: bool
) -> None:
    spoil(left)
    states = states_in(left, clock)
    with pytest.raises(LaneFault, match="Corruption"):
        found(states)
    states.close()
    if was_killed:
        shutil.rmtree(left / "0" / "log" / "1" / "0")
    again = states_in(left, clock)
    assert found(again) == NOTHING
    states = states_in(left, clock)
    states.take_up(0, 0, END)
    states.part(0).committed(LINES, 2)
    states.close()
    assert found(states_in(left, clock)) == WHOLE


def test_files_that_cannot_be_opened_are_no_reason_to_remove_them(left: Path, clock: Clock) -> None:
    states, folder = states_in(left, clock), left / "0" / "log" / "1"
    (folder / "0").rename(folder / "away")
    (folder / "0").write_text("a file where a folder should be")
    with pytest.raises(LaneFault, match=r"the state on disk in .*/0: "):
        states.take_up(0, 0, END)
    (folder / "0").unlink()
    (folder / "away").rename(folder / "0")
    assert found(states) == WHOLE
