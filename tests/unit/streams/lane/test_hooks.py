"""The smaller hooks into Faust and aiokafka, each tested separately."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from aiokafka.producer import sender  # type: ignore[import-untyped]
from faust.types import TP

from streams.lane.app import create_app
from streams.lane.hooks.consumer_thread import _batch
from streams.lane.hooks.markers import set_marker_wait
from streams.lane.hooks.table import Tables
from streams.lane.hooks.topic import BatchTopic
from streams.lane.hooks.worker import LaneWorker
from streams.lane.records import Effect
from streams.lane.settings import LaneSettings
from streams.lane.transactional import TransactionalLane
from tests.support.lane_records import PlainRecord


async def test_the_worker_consumer_reads_committed_records_and_never_resets_an_offset(tmp_path: Path) -> None:
    settings = LaneSettings(
        bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=tmp_path, fetch_max_wait_ms=70, group_id="others"
    )
    app = create_app(settings)
    TransactionalLane(app, source_topics=["in"], state_name="book", step=lambda *_: Effect())
    consumer = app.source._thread._create_worker_consumer(app.transport)  # type: ignore[arg-type]
    assert (consumer._isolation_level, consumer._auto_offset_reset) == ("read_committed", "none")
    assert (consumer._fetch_max_wait_ms, consumer._group_id) == (70, "others")
    assert consumer._enable_auto_commit is False


async def test_the_worker_consumer_gathers_and_leaves_changelogs_that_nobody_reads_out_of_it(tmp_path: Path) -> None:
    settings = LaneSettings(
        bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=tmp_path, gather_ms=80, gather_bytes=9
    )
    app = create_app(settings)
    TransactionalLane(app, source_topics=["in"], state_name="book", step=lambda *_: Effect())
    thread = app.source._thread
    fetcher = SimpleNamespace(_records={}, _get_actions_per_node=lambda _: None)

    async def bring() -> bool:
        """Records of two partitions."""
        fetcher._records |= {TP("in", 1): None, TP("in", 2): None}
        return True

    async def start() -> None:
        """Where aiokafka would connect."""

    fetcher._proc_fetch_request = bring
    thread._create_consumer = lambda loop: SimpleNamespace(start=start, _fetcher=fetcher)  # type: ignore[method-assign]
    await thread.on_start()
    waits = []
    for untaken, asked_for in ((), ()), (("app-book-changelog",), ()), (("in",), ()), (("app-book-changelog",),) * 2:
        thread._asked_for = frozenset(TP(topic, 0) for topic in asked_for)
        await fetcher._proc_fetch_request()
        fetcher._records = {TP(topic, 0): None for topic in untaken}
        fetcher._get_actions_per_node(None)
        waits.append((fetcher._fetch_min_bytes, fetcher._fetch_max_wait_ms))
    assert waits == [(9, 80), (9, 80), (1, 100), (1, 100)]


async def test_neither_the_start_nor_the_end_of_a_worker_waits(tmp_path: Path) -> None:
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=tmp_path))
    TransactionalLane(app, source_topics=["in"], state_name="book", step=lambda *_: Effect())
    app.source._thread._consumer = SimpleNamespace(assignment=set)
    tables = app.tables
    assert isinstance(tables, Tables)
    tables.recovery.start = _done  # type: ignore[method-assign]
    loop = asyncio.get_running_loop()
    with patch.object(loop, "call_at", side_effect=AssertionError("waits")):
        await tables.on_start()
        await LaneWorker(app, on_signal=lambda: None, loop=loop)._sentinel_task()
    assert tables._tables_registered.is_set()


async def _done() -> None:
    """Where the recovery would start."""


STRETCHES = {
    "from the position before the fetch, over a gap": ([5, 6], 3, 8, 3),
    "from the first record when somebody sought meanwhile": ([5, 6], None, 8, 5),
    "a stretch without records": ([], 3, 8, 3),
    "nothing is claimed when somebody sought and nothing came": ([], None, 8, 8),
    "from the first record when that is earlier": ([2], 3, 8, 2),
}


@pytest.mark.parametrize(("offsets", "before", "after", "start"), STRETCHES.values(), ids=STRETCHES)
def test_a_fetch_covers(offsets: list[int], before: int | None, after: int, start: int) -> None:
    made = _batch([PlainRecord(offset) for offset in offsets], before, after)
    assert (made.start, made.next_offset) == (start, after)


def test_an_agents_queue_holds_all_that_may_be_under_way(tmp_path: Path) -> None:
    settings = LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=8, data_dir=tmp_path, batches_in_flight=3)
    topic = BatchTopic.of_sources(create_app(settings), ["a", "b"])
    # Faust treats a queue as full from 4/5 of its size on.
    assert topic.maxsize is not None
    assert topic.maxsize / 1.25 > 8 * 3 * 2


def test_the_wait_for_markers_is_set_where_aiokafka_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "BACKOFF_OVERRIDE", 0.02)
    set_marker_wait(1)
    assert sender.BACKOFF_OVERRIDE == 0.001


PROGRAMS = {
    "a crashed service": (
        'app._crash(ValueError("x"))',
        70,
        "in a Faust service: ValueError",
    ),
    "a refusal in a service": (
        'app._crash(Refused("x"))',
        78,
        "in a Faust service: Refused: x",
    ),
    "a stop that hangs": (
        "worker.STOP_LIMIT_S = 1.1; worker._limit_the_end(); threading.Event().wait(30)",
        70,
        "in stopping: LaneFault: not ended 1 s after the signal",
    ),
}


@pytest.mark.parametrize(("program", "code", "words"), PROGRAMS.values(), ids=PROGRAMS)
def test_ends_the_process_without_committing(tmp_path: Path, program: str, code: int, words: str) -> None:
    source = dedent(f"""
        import asyncio, atexit, pathlib, threading
        from streams.lane import worker
        from streams.lane.app import create_app
        from streams.lane.settings import LaneSettings
        from streams.lane.stop import Refused
        atexit.register(print, "a handler ran")
        folder = pathlib.Path({str(tmp_path)!r})
        app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=folder))
        {program}
    """)
    ended = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert words in ended.stderr


class FakeKafka:
    """The part of an aiokafka consumer of one partition that a fetch uses: takes `offsets` and moves the position."""

    def __init__(self, position: int, offsets: list[int]) -> None:
        self.state = SimpleNamespace(position=position, has_valid_position=True)
        assignment = SimpleNamespace(state_value=lambda _: self.state)
        self._subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
        self._closed, self._offsets = False, offsets
        subscriptions = SimpleNamespace(fetch_context=nullcontext)
        self._fetcher = SimpleNamespace(
            _closed=False, _subscriptions=subscriptions, fetched_records=self.fetched_records
        )
        self.meanwhile: list[Callable[[], None]] = []

    async def fetched_records(self, partitions: set[TP], **_: Any) -> dict[TP, list[PlainRecord]]:
        for happen in self.meanwhile:
            happen()
        self.state.position = self._offsets[-1] + 1
        return {tp: [PlainRecord(offset) for offset in self._offsets] for tp in partitions}


@pytest.mark.parametrize(("sought", "start"), [(False, 3), (True, 5)], ids=["undisturbed", "with a seek meanwhile"])
async def test_a_fetch_claims_the_stretch_before_its_first_record_only_if_nobody_sought(
    tmp_path: Path, sought: bool, start: int
) -> None:
    app = create_app(LaneSettings(bootstrap="127.0.0.1:9", app_id="app", partitions=1, data_dir=tmp_path))
    thread, kafka, source = app.source._thread, FakeKafka(3, [5, 6]), TP("in", 0)
    app.source.flow_active = True
    if sought:
        kafka.meanwhile.append(lambda: setattr(thread, "_seeks", thread._seeks + 1))
    fetched = await thread._fetch_records(kafka, {source}, timeout=1.0, max_records=10)
    assert (fetched[source].start, fetched[source].next_offset) == (start, 7)
