"""Both lanes' agents without a broker: what a step sees, when an event is acknowledged, the order of effects."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.progress import SourceProgress
from streams.lane.records import Append, Batch, Committed, Effect, KeyValue, Record, Rows
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault
from streams.lane.transactional import TransactionalLane
from tests.support.lane_broker import FakeThread
from tests.support.lane_records import batch

SOURCE = TP("in", 0)
TURNS = 20


class Event:
    """What Faust hands to an agent, as far as a lane looks."""

    def __init__(self, records: Batch) -> None:
        self.message, self.value, self.acknowledged = SimpleNamespace(tp=SOURCE), records, False

    def ack(self) -> None:
        self.acknowledged = True


class HeldProducers:
    """Transactions that are committed when the test says so."""

    def __init__(self) -> None:
        self.begun: list[Mapping[str, Sequence[KeyValue]]] = []
        self._held: list[asyncio.Future[None]] = []

    async def commit(self, partition: int, outputs: Mapping[str, Sequence[KeyValue]]) -> dict[str, int]:
        self.begun.append(outputs)
        self._held.append(asyncio.get_running_loop().create_future())
        await self._held[-1]
        return dict.fromkeys(outputs, 10)

    async def answer(self) -> None:
        self._held.pop(0).set_result(None)
        await settle()


async def settle() -> None:
    """Let every task go on as far as it can."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


class Bench:
    """A counting lane on fake producers."""

    def __init__(self, folder: Path) -> None:
        self.app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=folder))
        self.seen: list[list[int]] = []
        self.committed: list[Committed] = []
        self.effect = Effect({"out": [(b"k", b"1")], "none": []}, {b"row": b"1"})
        self.lane = TransactionalLane(
            self.app, source_topics=["in"], state_name="book", step=self.step, on_committed=self.committed.append
        )
        self.producers = HeldProducers()
        self.lane.producers = self.producers  # type: ignore[assignment]
        self.app.source._thread = FakeThread({SOURCE}, {SOURCE: (0, 100)})  # type: ignore[assignment]
        self.app.source.progress = {SOURCE: SourceProgress("in-0", 0)}

    def step(self, partition: int, topic: str, records: Any, rows: Rows) -> Effect:
        self.seen.append([record.offset for record in records])
        return self.effect

    def take(self, *batches: Batch) -> list[Event]:
        events = [Event(each) for each in batches]
        for event in events:
            self.lane._take(event)
        return events


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_outputs_rows_and_cursor_are_one_transaction(bench: Bench) -> None:
    bench.take(batch([0, 1, 2]))
    await settle()
    assert bench.producers.begun == [
        {"out": [(b"k", b"1")], "app-book-changelog": [(b"row", b"1"), (b"@cursor in", b"2")]}
    ]


async def test_an_event_is_acknowledged_after_its_transaction_and_not_before(bench: Bench) -> None:
    (event,) = bench.take(batch([0, 1]))
    await settle()
    assert not event.acknowledged
    await bench.producers.answer()
    assert event.acknowledged
    assert [(done.next_offset, done.records, done.lag) for done in bench.committed] == [(2, 2, 98)]
    assert bench.lane.states.part(0).contained == 10


async def test_transactions_of_a_partition_go_one_after_the_other_while_the_next_step_is_done_already(
    bench: Bench,
) -> None:
    first, second = bench.take(batch([0]), batch([1]))
    await settle()
    assert bench.seen == [[0], [1]]
    assert len(bench.producers.begun) == 1
    await bench.producers.answer()
    assert (first.acknowledged, second.acknowledged, len(bench.producers.begun)) == (True, False, 2)


async def test_a_step_sees_no_record_twice_and_a_batch_done_before_is_only_acknowledged(bench: Bench) -> None:
    bench.lane.states.part(0).cursors["in"] = 3
    old, half = bench.take(batch([0, 1, 2, 3]), batch([2, 3, 4]))
    await settle()
    assert old.acknowledged
    assert bench.seen == [[4]]
    assert not half.acknowledged


async def test_a_batch_of_markers_waits_for_its_turn_and_writes_nothing(bench: Bench) -> None:
    _, empty = bench.take(batch([0]), Batch([], 1, 4))
    await settle()
    assert not empty.acknowledged
    await bench.producers.answer()
    assert empty.acknowledged
    assert len(bench.producers.begun) == 1


FAULTS = {
    "a row of the lane's own": (Effect({}, {b"@cursor in": b"9"}), "the lane's own"),
    "rows among the outputs": (Effect({"app-book-changelog": [(b"a", b"1")]}), "not its outputs"),
}


@pytest.mark.parametrize(("effect", "words"), FAULTS.values(), ids=FAULTS)
async def test_a_step_must_not_write_the_lanes_records(bench: Bench, effect: Effect, words: str) -> None:
    bench.effect = effect
    with pytest.raises(LaneFault, match=words):
        bench.take(batch([0]))


async def test_an_appending_lane_acknowledges_when_all_its_records_are(tmp_path: Path) -> None:
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=2, data_dir=tmp_path))
    lane = AppendLane(
        app, source_topics=["in"], step=lambda *_: [Append("out", number, b"k", b"v") for number in (0, 1)]
    )
    app.source.progress = {SOURCE: SourceProgress("in-0", 0)}
    held: list[asyncio.Task[None]] = []
    gates = [asyncio.Event(), asyncio.Event()]

    def append(appends: Sequence[Append]) -> list[asyncio.Task[None]]:
        held.extend(asyncio.ensure_future(_wait(gates[each.partition])) for each in appends)
        return held

    lane.appender.append = append  # type: ignore[method-assign]
    event = Event(batch([0]))
    lane._take(event)
    gates[0].set()
    await settle()
    assert not event.acknowledged
    gates[1].set()
    await settle()
    assert event.acknowledged


async def _wait(gate: asyncio.Event) -> None:
    await gate.wait()


class Stream:
    """What Faust hands to an agent that asks for events."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    def noack(self) -> "Stream":
        return self

    async def events(self) -> AsyncIterator[Event]:
        for event in self._events:
            yield event


async def test_a_step_follows_at_once_what_is_awaited_before_it(tmp_path: Path) -> None:
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=2, data_dir=tmp_path))
    done: list[tuple[str, list[int]]] = []

    async def before_step(records: Sequence[Record]) -> None:
        await asyncio.sleep(0)
        done.append(("before", [record.offset for record in records]))

    def step(_topic: str, _partition: int, records: Sequence[Record]) -> Sequence[Append]:
        done.append(("step", [record.offset for record in records]))
        return ()

    lane = AppendLane(app, source_topics=["in"], step=step, before_step=before_step)
    app.source.progress = {SOURCE: SourceProgress("in-0", 0)}
    await lane._work(Stream(Event(batch([0, 1])), Event(Batch([], 2, 4)), Event(batch([4]))))
    await settle()
    assert done == [("before", [0, 1]), ("step", [0, 1]), ("before", [4]), ("step", [4])]
