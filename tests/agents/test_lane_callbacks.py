"""What both lanes tell of themselves, without a broker."""

import asyncio
from pathlib import Path

import pytest

from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.progress import SourceProgress
from streams.lane.records import Append, Batch, Committed, Recovered
from streams.lane.settings import LaneSettings
from tests.agents.test_lanes import SOURCE, Bench, Event, settle
from tests.support.lane_records import batch


@pytest.fixture
async def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_a_batch_is_told_of_before_its_step_and_after_its_transaction(bench: Bench) -> None:
    said: list[str] = []
    bench.lane._on_taken = lambda: said.append(f"taken, {len(bench.seen)} steps done")
    bench.lane._on_committed = lambda done: said.append(f"committed, {done.written} written")
    bench.take(batch([0, 1, 2]), Batch([], 3, 5))
    await settle()
    assert said == ["taken, 0 steps done", "taken, 1 steps done"]
    await bench.producers.answer()
    # A line, a row and the cursor; nothing for a batch of markers.
    assert said[2:] == ["committed, 3 written", "committed, 0 written"]


async def test_opening_tells_all_that_is_read_and_what_is_recovered(bench: Bench) -> None:
    assigned: list[frozenset[int]] = []
    recovered: list[Recovered] = []
    bench.lane._on_assigned, bench.lane._on_recovered = assigned.append, recovered.append
    bench.producers.owned = frozenset  # type: ignore[attr-defined]
    bench.producers.own = own_nothing  # type: ignore[attr-defined]
    await bench.lane.own({0})
    bench.lane.states.part(0).rows[b"row"] = b"1"
    await bench.lane.open({0})
    await bench.lane.open({0})
    assert assigned == [frozenset({0}), frozenset({0})]
    assert [(each.partition, each.rows) for each in recovered] == [(0, 1)], "it was open already the second time"
    assert recovered[0].seconds > 0


async def own_nothing(_: set[int]) -> None:
    return


async def test_an_appending_lane_tells_the_same(tmp_path: Path) -> None:
    said: list[Committed | str] = []
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=2, data_dir=tmp_path))
    lane = AppendLane(
        app,
        source_topics=["in"],
        step=lambda *_: [Append("out", number, b"k", b"v") for number in (0, 1)],
        on_taken=lambda: said.append("taken"),
        on_committed=said.append,
    )
    app.source.progress = {SOURCE: SourceProgress("in-0", 0)}
    app.source.end_offset = lambda tp: 9  # type: ignore[method-assign]
    gate = asyncio.Event()
    lane.appender.append = lambda appends: [asyncio.ensure_future(_opened(gate))]  # type: ignore[method-assign]
    lane._take(Event(batch([0])))
    await settle()
    assert said == ["taken"]
    gate.set()
    await settle()
    _, done = said
    assert isinstance(done, Committed)
    assert (done.next_offset, done.records, done.written, done.lag) == (1, 1, 2, 8)


async def _opened(gate: asyncio.Event) -> None:
    await gate.wait()
