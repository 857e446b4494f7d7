"""State from a changelog has the last value of each key. A gap or a foreign write is refused. The tests run in memory
and on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.lane.cursors import cursor_row
from streams.lane.disk import StateOnDisk
from streams.lane.records import Batch
from streams.lane.state import PartitionState, StateInMemory, States
from streams.lane.stop import LaneFault
from tests.support.killed_state import kill
from tests.support.lane_records import PlainRecord, batch

Line = tuple[bytes | None, bytes | None]
MakeState = Callable[[], PartitionState]

CACHE_BYTES = 1 << 20
FAR = 1 << 40


def stretch(start: int, lines: Sequence[Line], markers: int = 0) -> Batch:
    records = [PlainRecord(start + number, key, value) for number, (key, value) in enumerate(lines)]
    return Batch(list(records), start, start + len(lines) + markers)


@contextmanager
def in_memory() -> Iterator[States]:
    yield StateInMemory()


@contextmanager
def on_disk() -> Iterator[States]:
    with TemporaryDirectory() as folder:
        # The changelog's records have the time 0, so the clock must show it too.
        states = StateOnDisk(Path(folder), CACHE_BYTES, now_ms=lambda: 0)
        states.settle("changelog", "1")
        yield states
        states.close()


STORES = {"memory": in_memory, "disk": on_disk}


@pytest.fixture(params=STORES)
def states(request: pytest.FixtureRequest) -> Iterator[States]:
    with STORES[request.param]() as states:
        yield states


@pytest.fixture
def state(states: States) -> PartitionState:
    states.take_up(0, 0, FAR)
    return states.part(0)


def test_rows_cursors_and_removals_come_back(state: PartitionState) -> None:
    state.read(stretch(0, [(b"a", b"1"), (b"b", b"2"), cursor_row("in", 7)], markers=1), "log-0")
    state.read(stretch(4, [(b"a", None), (b"b", b"3"), cursor_row("in", 9)]), "log-0")
    assert (dict(state.rows), state.cursors, state.contained) == ({b"b": b"3"}, {"in": 9}, 6)


@pytest.mark.parametrize("store", STORES)
@settings(max_examples=30)
@given(
    lines=st.lists(
        st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.none() | st.binary(max_size=2)), min_size=1, max_size=30
    ),
    data=st.data(),
)
def test_any_cut_into_batches_with_any_overlap_gives_the_same_state(
    store: str, lines: list[Line], data: st.DataObject
) -> None:
    wanted: dict[bytes | None, bytes] = {}
    for key, value in lines:
        wanted.pop(key, None) if value is None else wanted.update({key: value})
    with STORES[store]() as states:
        states.take_up(0, 0, FAR)
        state = states.part(0)
        while state.contained < len(lines) - 1:
            start = data.draw(st.integers(0, state.contained + 1))
            end = data.draw(st.integers(state.contained + 2, len(lines)))
            state.read(stretch(start, lines[start:end]), "log-0")
        assert (dict(state.rows), state.contained) == (wanted, len(lines) - 1)


def test_a_stretch_of_markers_only_counts_as_contained(state: PartitionState) -> None:
    state.read(Batch([], 0, 5), "log-0")
    assert state.contained == 4


FAULTS = {
    "a hole in the changelog": (False, stretch(6, [(b"a", b"1")]), "read from 6"),
    "a record without a key": (False, stretch(5, [(None, b"1")]), "has no key"),
    "a removed cursor": (False, stretch(5, [(b"@cursor in", None)]), "cursor was removed"),
    "somebody else wrote": (True, stretch(5, [(b"a", b"1")]), "another worker"),
}


@pytest.mark.parametrize(("is_open", "log", "words"), FAULTS.values(), ids=FAULTS)
def test_a_changelog_that_cannot_be_right_is_a_fault(
    state: PartitionState, is_open: bool, log: Batch, words: str
) -> None:
    state.contained, state.is_open = 4, is_open
    with pytest.raises(LaneFault, match=words):
        state.read(log, "log-0")
    assert not dict(state.rows)


def test_an_open_partition_may_read_its_own_last_record_and_markers_again(state: PartitionState) -> None:
    state.read(stretch(0, [(b"k", b"v")] * 5), "log-0")
    state.is_open = True
    state.read(batch([4], next_offset=6), "log-0")
    assert (dict(state.rows), state.contained) == ({b"k": b"v"}, 5)


def test_a_changelog_that_begins_late_is_complete_only_for_who_has_nothing_yet(state: PartitionState) -> None:
    state.begin_at(50, "log-0")
    assert state.contained == 49
    state.begin_at(40, "log-0")
    with pytest.raises(LaneFault, match="begins at 60, but contained only to 49"):
        state.begin_at(60, "log-0")


def test_what_a_step_changes_is_in_the_rows_and_the_cursor_is_not(state: PartitionState) -> None:
    state.read(stretch(0, [(b"a", b"1"), (b"b", b"2")]), "log-0")
    state.change({b"a": None, b"c": b"3"}, "in", 12)
    assert (dict(state.rows), state.cursors) == ({b"b": b"2", b"c": b"3"}, {"in": 12})


def test_rows_are_a_mapping(state: PartitionState) -> None:
    rows = state.rows
    rows.update({b"a": b"1", b"b": b""})
    assert (rows[b"a"], rows.get(b"b"), rows.get(b"c"), rows.get(b"c", b"?")) == (b"1", b"", None, b"?")
    assert b"b" in rows
    assert b"c" not in rows
    assert sorted(rows) == [b"a", b"b"]
    del rows[b"a"]
    assert dict(rows) == {b"b": b""}
    for missing in (b"a", b"c"):
        with pytest.raises(KeyError):
            rows[missing]
        with pytest.raises(KeyError):
            del rows[missing]


def test_a_partition_does_not_see_the_rows_of_another(states: States) -> None:
    for number in (1, 2):
        states.take_up(number, 0, FAR)
        states.part(number).change({b"k": b"%d" % number}, "in", 1)
    assert [dict(states.part(number).rows) for number in (1, 2)] == [{b"k": b"1"}, {b"k": b"2"}]
    assert sorted(states.items()) == [(b"k", b"1"), (b"k", b"2")]
    states.drop(1)
    assert states.partitions() == {2}


def test_a_partition_forgotten_by_memory_starts_empty() -> None:
    states = StateInMemory()
    states.part(1).change({b"a": b"1"}, "in", 1)
    states.drop(1)
    assert states.part(1) == PartitionState()


# ---- the state on disk against a model

KEYS = st.sampled_from([b"a", b"b", b"w1", b"w2", b"w3"])
CHANGES = st.dictionaries(KEYS, st.none() | st.binary(max_size=3), max_size=3)


class Kept(RuleBasedStateMachine):
    """Runs steps, commits in order, shutdowns, kills and takeovers. The model has the changelog; the store must be a
    copy of it."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.root = Path(self._folder.name)
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.steps: list[list[tuple[bytes, bytes | None]]] = []
        self.rows: dict[bytes, bytes] = {}
        self.cursor = 0

    @initialize()
    def start(self) -> None:
        self.states = StateOnDisk(self.root, CACHE_BYTES, now_ms=lambda: 0)
        self.states.settle("changelog", "1")
        self.take_up()

    def take_up(self) -> None:
        self.states.take_up(0, 0, len(self.changelog))
        self.state = self.states.part(0)
        contained = self.state.contained
        assert dict(self.state.rows) == self.model(contained + 1), "a copy of the changelog up to an offset"
        self.rows = self.model(len(self.changelog))
        for start in range(contained + 1, len(self.changelog), 2):
            self.state.read(stretch(start, self.changelog[start : start + 2]), "log-0")
        assert dict([cursor_row("in", self.state.cursors["in"])] if self.changelog else []) == {
            key: value for key, value in self.changelog if key.startswith(b"@")
        }
        self.state.is_open = True

    def model(self, end: int) -> dict[bytes, bytes]:
        """The rows after the first `end` records of the changelog."""
        last = dict(self.changelog[:end])
        return {key: value for key, value in last.items() if value is not None and not key.startswith(b"@")}

    @rule(changed=CHANGES, seen=KEYS)
    def step(self, changed: dict[bytes, bytes | None], seen: bytes) -> None:
        assert self.state.rows.get(seen) == self.rows.get(seen)
        self.cursor += 1
        self.state.change(changed, "in", self.cursor)
        self.steps.append([*changed.items(), cursor_row("in", self.cursor)])
        for key, value in changed.items():
            self.rows.pop(key, None) if value is None else self.rows.update({key: value})

    @precondition(lambda self: self.steps)
    @rule()
    def commit(self) -> None:
        lines = self.steps.pop(0)
        self.changelog += lines
        self.state.committed(lines, len(self.changelog) - 1)

    @rule()
    def read_all(self) -> None:
        assert dict(self.state.rows) == self.rows
        assert dict(self.state.rows.starting_with(b"w")) == {  # type: ignore[attr-defined]
            key: value for key, value in self.rows.items() if key.startswith(b"w")
        }

    @rule()
    def give_up_and_take_back(self) -> None:
        while self.steps:
            self.commit()
        self.states.drop(0)
        self.take_up()

    @rule()
    def end(self) -> None:
        """The process shuts down and loses uncommitted changes."""
        self.steps.clear()
        self.states.close()
        self.start()

    @rule()
    def kill(self) -> None:
        """The process is killed, and the next one finds the files unchanged."""
        self.steps.clear()
        kill(self.states)
        self.start()

    @invariant()
    def the_changelog_is_contained_and_cursors_are_of_the_last_step(self) -> None:
        assert self.state.contained == len(self.changelog) - 1
        assert self.state.cursors.get("in", 0) <= self.cursor
        if self.steps:
            assert self.state.cursors["in"] == self.cursor

    def teardown(self) -> None:
        self.states.close()
        self._folder.cleanup()


TestKept = Kept.TestCase
TestKept.settings = settings(max_examples=15, stateful_step_count=25)
