"""A measured worker of the service: `python -m tests.bench.service.worker ROLE ASKED`, ASKED in JSON.

It is the real worker, but its metrics also take samples. It writes the file `reached` when it has processed the
requested number of records, and its report when SIGTERM stops it.
"""

import asyncio
import cProfile
import gc
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from clickhouse_connect.driver import options as clickhouse_options

from peserta.settings import Settings, read_settings
from sinks.clickhouse.loop import run_sink
from sinks.clickhouse.marks import Partition
from sinks.clickhouse.metrics import SinkMetrics
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.readiness import SinkStatus
from sinks.clickhouse.tables.block import Block
from streams import workers
from streams.lane.collector import GC_THRESHOLDS
from streams.lane.hooks.app import LaneApp
from streams.lane.records import Committed, Recovered
from streams.lane.settings import LaneSettings
from streams.lane.worker import run_worker
from streams.metrics import BookkeeperMetrics, RecorderMetrics
from tests.bench.service.samples import Report, Sample
from tests.bench.simple.asked import RSS_UNIT_BYTES

RECORDER, BOOKKEEPER, SINK = "recorder", "bookkeeper", "sink"


@dataclass(frozen=True)
class Asked:
    """The task: after `records` records write `reached`; write a `profile`; the number of the lane's standbys."""

    folder: str
    records: int
    profile: str = ""
    standbys: int = 0

    @property
    def reached(self) -> Path:
        return Path(self.folder) / "reached"

    @property
    def ready(self) -> Path:
        return Path(self.folder) / "ready"

    @property
    def report(self) -> Path:
        return Path(self.folder) / "report.json"

    def text(self) -> str:
        return json.dumps(asdict(self))


class Sampler:
    """Takes the samples of one worker."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._records, self._rows = 0, 0
        self._samples: list[Sample] = []
        self._recovery_s: dict[int, float] = {}
        self._recovered_rows, self._recovered_at_s = 0, 0.0

    def look(self) -> None:
        self._samples.append(Sample(time.time(), self._records, self._rows, time.process_time()))

    def add(self, records: int, rows: int = 0) -> None:
        before, self._records, self._rows = self._records, self._records + records, self._rows + rows
        self.look()
        if before < self._asked.records <= self._records:
            self._asked.reached.touch()

    def recovered(self, done: Recovered) -> None:
        self._recovery_s[done.partition] = done.seconds
        self._recovered_rows += done.rows
        self._recovered_at_s = time.time()

    def ready(self) -> None:
        self._asked.ready.touch()

    def report(self) -> None:
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT_BYTES
        report = Report(
            samples=self._samples,
            rss_bytes=rss,
            recovery_s=self._recovery_s,
            recovered_rows=self._recovered_rows,
            recovered_at_s=self._recovered_at_s,
        )
        report.write(self._asked.report)


class SampledRecorder(RecorderMetrics):
    """The recorder's metrics, which also take samples."""

    sampler: Sampler

    def taken(self) -> None:
        super().taken()
        self.sampler.look()

    def committed(self, done: Committed) -> None:
        super().committed(done)
        self.sampler.add(done.records)

    def assigned(self, partitions: frozenset[int]) -> None:
        super().assigned(partitions)
        self.sampler.ready()


class SampledBookkeeper(BookkeeperMetrics):
    """The book-keeper's metrics, which also take samples."""

    sampler: Sampler

    def taken(self) -> None:
        super().taken()
        self.sampler.look()

    def committed(self, done: Committed) -> None:
        super().committed(done)
        self.sampler.add(done.records)

    def recovered(self, partition: Recovered) -> None:
        super().recovered(partition)
        self.sampler.recovered(partition)

    def assigned(self, partitions: frozenset[int]) -> None:
        super().assigned(partitions)
        if partitions:
            self.sampler.ready()


class SampledSink(SinkMetrics):
    """The sink's metrics, which also take samples."""

    sampler: Sampler
    _rows_of_round = 0

    def inserted(self, block: Block, seconds: float) -> None:
        super().inserted(block, seconds)
        self._rows_of_round += len(next(iter(block.columns.values())))

    def carried(self, batches: Sequence[Batch], lags: Mapping[Partition, int], seconds: float) -> None:
        super().carried(batches, lags, seconds)
        rows, self._rows_of_round = self._rows_of_round, 0
        records = sum(len(batch.records) for batch in batches)
        if records:
            self.sampler.add(records, rows)


class SampledStanding(SinkStatus):
    """The sink's status, which takes the first sample when the sink has begun."""

    sampler: Sampler
    _has_begun = False

    def carry(self) -> None:
        super().carry()
        if not self._has_begun:
            self._has_begun = True
            self.sampler.look()
            self.sampler.ready()


def main() -> None:
    """Run the worker in this process, then write its report."""
    role, asked = sys.argv[1], Asked(**json.loads(sys.argv[2]))
    settings, sampler = read_settings(), Sampler(asked)
    gc.set_threshold(*GC_THRESHOLDS)  # as the command line does
    profile = cProfile.Profile() if asked.profile else None
    with profile or nullcontext():
        code = _run_sink(settings, sampler) if role == SINK else _run_lane(role, settings, sampler, asked)
    if profile:
        profile.dump_stats(asked.profile)
    sampler.report()
    sys.exit(code)


def _run_lane(role: str, settings: Settings, sampler: Sampler, asked: Asked) -> int:
    streams = replace(settings.stream_settings(), data_dir=Path(asked.folder) / "data")
    streams.data_dir.mkdir(parents=True, exist_ok=True)
    made: dict[str, Any] = {
        RECORDER: (workers.recorder_app, SampledRecorder),
        BOOKKEEPER: (workers.bookkeeper_app, SampledBookkeeper),
    }
    make, metrics = made[role]
    metrics.sampler = sampler
    workers._lane_settings = _with_standbys(workers._lane_settings, asked.standbys)
    app: LaneApp = make(streams, metrics())
    return run_worker(app)


def _with_standbys(lane_settings: Callable[..., LaneSettings], standbys: int) -> Callable[..., LaneSettings]:
    return lambda *args: replace(lane_settings(*args), standby_replicas=standbys)


def _run_sink(settings: Settings, sampler: Sampler) -> int:
    SampledSink.sampler = SampledStanding.sampler = sampler
    # The first insert would import pandas, which takes most of a second. Only the embedded ClickHouse needs pandas.
    _ = clickhouse_options.pd
    asyncio.run(_sink_until_signal(settings))
    return 0


async def _sink_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_sink(settings.sink_settings(), stop=stop, metrics=SampledSink(), status=SampledStanding())


if __name__ == "__main__":
    main()
