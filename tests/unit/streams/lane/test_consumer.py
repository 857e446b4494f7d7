"""The lane's consumer between Faust and the broker: when and from which offsets it reads, and what it drops."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError  # type: ignore[import-untyped]
from faust.types import TP
from faust.types.tuples import Message

from streams.lane.app import create_app
from streams.lane.hooks import table
from streams.lane.hooks.app import LaneApp
from streams.lane.hooks.consumer import Consumer
from streams.lane.progress import Hole
from streams.lane.records import Batch, Effect, Rows
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault, Refused
from streams.lane.transactional import TransactionalLane
from tests.support.lane_broker import FakeThread
from tests.support.lane_records import PlainRecord, batch

SOURCE, CHANGELOG = TP("in", 0), TP("app-book-changelog", 0)


class Bench:
    """A lane's consumer on a fake broker, in its state after Faust's assignment."""

    def __init__(self, folder: Path) -> None:
        self.opened: list[tuple[int, Rows]] = []
        settings = LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=folder)
        self.app: LaneApp = create_app(settings)
        self.lane = TransactionalLane(
            self.app,
            source_topics=["in"],
            state_name="book",
            step=lambda *_: Effect(),
            on_opened=lambda partition, rows: self.opened.append((partition, dict(rows))),
        )
        self.broker = FakeThread({SOURCE, CHANGELOG}, {SOURCE: (0, 100), CHANGELOG: (0, 0)})
        self.consumer: Consumer = self.app.source
        self.consumer._thread = self.broker  # type: ignore[assignment]
        self.consumer.flow_active = True
        self.consumer.resume_partitions({SOURCE})
        self.app.rebalancing = False
        self.own({0})

    def own(self, partitions: set[int]) -> None:
        """Own the partitions as after InitProducerId, without a broker."""
        self.lane.producers._producers = dict.fromkeys(partitions)

    def contain(self, offset: int, cursor: int | None = None) -> None:
        """Mark the changelog as read up to this offset."""
        part = self.lane.states.part(0)
        part.contained = offset
        if cursor is not None:
            part.cursors["in"] = cursor

    async def read(self) -> list[tuple[TP, Message]]:
        return [message async for message in self.consumer.getmany(1.0)]

    async def read_batches(self) -> list[Batch]:
        return [cast(Batch, message.value) for _, message in await self.read()]


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_fetch_is_one_message_whose_offset_is_the_last_of_its_stretch(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: batch([0, 1, 2], next_offset=5)}]
    ((tp, message),) = await bench.read()
    assert (tp, message.offset) == (SOURCE, 4)
    assert [record.offset for record in cast(Batch, message.value).records] == [0, 1, 2]


async def test_sources_are_not_fetched_while_the_app_rebalances(bench: Bench) -> None:
    bench.app.rebalancing = True
    bench.consumer.resume_partitions({CHANGELOG})
    await bench.read()
    assert bench.broker.asked == [{CHANGELOG}]
    assert bench.broker.sought == {}


async def test_the_consumer_itself_seeks_behind_the_cursor_before_the_first_fetch(bench: Bench) -> None:
    bench.broker.logs[CHANGELOG] = (0, 10)
    bench.contain(9, cursor=41)
    bench.broker.fetches = [{SOURCE: batch([42])}]
    assert len(await bench.read()) == 1
    assert bench.broker.sought == {SOURCE: 42}
    assert bench.broker.asked == [{SOURCE}]


async def test_nothing_is_read_until_the_changelog_is_contained_to_its_end(bench: Bench) -> None:
    bench.broker.logs[CHANGELOG] = (0, 10)
    bench.contain(8, cursor=41)
    assert await bench.read() == []
    assert (bench.broker.asked, bench.broker.sought, bench.opened) == ([], {}, [])
    bench.contain(9)
    await bench.read()
    assert (bench.broker.asked, bench.broker.sought) == ([{SOURCE}], {SOURCE: 42})


class Overtaken(FakeThread):
    """While this worker asks for its group's committed offsets, its successor processes more records."""

    async def committed(self, partitions: Iterable[TP]) -> dict[TP, int | None]:
        self.logs[CHANGELOG] = (0, 12)
        return dict.fromkeys(partitions, 42)


async def test_a_worker_that_sleeps_while_another_goes_on_does_not_take_its_state_for_lost(bench: Bench) -> None:
    bench.consumer._thread = Overtaken({SOURCE, CHANGELOG}, dict(bench.broker.logs))  # type: ignore[assignment]
    assert not await bench.consumer._position({SOURCE}), "there is more to read of the state"
    bench.contain(11, cursor=41)
    assert await bench.consumer._position({SOURCE})
    assert bench.consumer.progress[SOURCE].expected == 42


async def test_a_changelog_is_not_called_lost_while_a_transaction_of_it_is_undecided(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """As a worker sees it that was suspended in its start: its successor's commit is known to the group, and cannot be
    read yet."""
    bench.broker.offsets[SOURCE] = 42
    bench.broker.undecided[CHANGELOG] = 2
    for _ in range(3):
        assert not await bench.consumer._position({SOURCE})
    assert [record.getMessage() for record in caplog.records] == [
        "a changelog has records that cannot be read yet: waits for them before it refuses"
    ], "once in a rebalance"
    bench.broker.undecided.clear()
    with pytest.raises(Refused, match="its changelog was lost"):
        await bench.consumer._position({SOURCE})


async def test_a_changelog_that_somebody_else_keeps_undecided_ends_the_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(table, "READABLE_LIMIT_S", 0.05)
    monkeypatch.setattr(table, "READABLE_SILENT_S", 0.0)
    bench.broker.undecided[CHANGELOG] = 1
    (owned,) = bench.app.tables_of_lanes().values()
    with pytest.raises(LaneFault, match="app-book-changelog cannot be read to its end: somebody else's transaction"):
        await owned._until_readable({CHANGELOG})
    told = [record.getMessage() for record in caplog.records]
    assert told == ["a rebalance waits until what was committed here can be read"], "once, after any number of looks"
    bench.broker.undecided.clear()
    await owned._until_readable({CHANGELOG})


async def test_nothing_is_read_before_the_partitions_producer_has_fenced_its_predecessor(bench: Bench) -> None:
    bench.own(set())
    assert await bench.read() == []
    assert (bench.broker.asked, bench.broker.sought) == ([], {})


async def test_a_partition_is_opened_once_with_its_state_before_it_is_read(bench: Bench) -> None:
    bench.lane.states.part(0).rows[b"k"] = b"7"
    bench.broker.during = lambda: bench.opened.append((-1, {}))
    await bench.read()
    await bench.read()
    assert bench.opened == [(0, {b"k": b"7"}), (-1, {}), (-1, {})]


async def test_a_fetch_that_spans_a_rebalance_is_dropped_and_the_position_is_set_anew(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: batch([0, 1])}, {SOURCE: batch([0, 1])}]
    bench.broker.during = bench.app.on_rebalance_start
    assert await bench.read() == []
    bench.app.rebalancing = False
    bench.broker.during = lambda: None
    bench.broker.sought.clear()
    assert len(await bench.read()) == 1
    assert bench.broker.sought == {SOURCE: 0}


async def test_messages_not_yet_taken_when_a_rebalance_begins_are_dropped(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: batch([0, 1]), CHANGELOG: Batch([PlainRecord(0, b"a", b"1")], 0, 1)}]
    reading = bench.consumer.getmany(1.0)
    assert (await anext(reading))[0] == SOURCE
    bench.app.on_rebalance_start()
    assert [message async for message in reading] == []
    assert bench.lane.states.part(0).contained == -1


UNSOUGHT = {
    "no offset yet": NoOffsetForPartitionError(),
    "an offset that is gone": OffsetOutOfRangeError(),
}


@pytest.mark.parametrize("error", UNSOUGHT.values(), ids=UNSOUGHT)
async def test_a_fetch_that_meets_unsought_partitions_behind_a_rebalance_is_dropped(
    bench: Bench, error: Exception
) -> None:
    def rebalance() -> None:
        bench.app.on_rebalance_start()
        raise error

    bench.broker.during = rebalance
    assert await bench.read() == []


async def test_a_partition_with_enough_batches_under_way_is_left_at_the_broker(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: batch([0])}, {SOURCE: batch([1])}]
    first = (await bench.read())[0][1]
    await bench.read()
    assert await bench.read() == []
    assert bench.broker.asked == [{SOURCE}, {SOURCE}]
    bench.consumer.ack(first)
    await bench.read()
    assert bench.broker.asked == [{SOURCE}] * 3


async def test_a_batch_behind_a_hole_stops_processing(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: batch([0, 1])}, {SOURCE: batch([3])}]
    (first,), (second,) = await bench.read_batches(), await bench.read_batches()
    bench.consumer.follow(SOURCE, first)
    with pytest.raises(Hole, match="in-0: batch starts at 3, expected 2"):
        bench.consumer.follow(SOURCE, second)


async def test_a_stretch_of_markers_in_a_source_is_a_batch_without_records(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: Batch([], 0, 3)}, {SOURCE: Batch([], 3, 3)}]
    (empty,) = await bench.read_batches()
    assert (empty.records, empty.next_offset) == ([], 3)
    assert await bench.read() == []


async def test_a_changelog_goes_into_the_state_even_when_faust_forgets_its_message(bench: Bench) -> None:
    bench.app.rebalancing = True
    bench.consumer.resume_partitions({CHANGELOG})
    records = [PlainRecord(0, b"a", b"1"), PlainRecord(1, b"@cursor in", b"41")]
    bench.broker.fetches = [{CHANGELOG: Batch(list(records), 0, 3)}]
    ((_, message),) = await bench.read()
    part = bench.lane.states.part(0)
    assert (dict(part.rows), part.cursors, part.contained) == ({b"a": b"1"}, {"in": 41}, 2)
    assert message.offset == 2
    bench.broker.fetches = [{CHANGELOG: Batch([], 3, 3)}]
    assert [message.offset for _, message in await bench.read()] == [2], "told again until Faust has heard"


async def test_faust_is_told_of_a_tail_of_markers_only_until_it_has_heard(bench: Bench) -> None:
    bench.app.rebalancing = True
    bench.consumer.resume_partitions({CHANGELOG})
    recovery = bench.app.tables.recovery  # type: ignore[attr-defined]
    recovery.active_tps.add(CHANGELOG)
    bench.broker.fetches = [{CHANGELOG: Batch([], 0, 2)}, {CHANGELOG: Batch([], 2, 2)}]
    assert [message.offset for _, message in await bench.read()] == [1]
    recovery.active_offsets[CHANGELOG] = 1
    assert await bench.read() == []


async def test_a_changelog_is_sought_at_its_beginning_not_before(bench: Bench) -> None:
    bench.broker.logs[CHANGELOG] = (50, 60)
    await bench.consumer.seek_wait({CHANGELOG: 49})
    assert bench.broker.sought == {CHANGELOG: 50}
    assert bench.lane.states.part(0).contained == 49


async def test_what_is_committed_is_the_end_of_the_acknowledged_batches(bench: Bench) -> None:
    bench.broker.fetches = [{SOURCE: batch([0, 1], next_offset=4)}, {SOURCE: batch([6], start=4)}]
    first, second = (await bench.read())[0][1], (await bench.read())[0][1]
    bench.consumer.ack(second)
    assert bench.consumer._new_offset(SOURCE) is None
    bench.consumer.ack(first)
    assert bench.consumer._new_offset(SOURCE) == 7
    assert bench.consumer._new_offset(SOURCE) is None
