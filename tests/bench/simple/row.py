"""The rows of the simple work: facts a second, CPU time, memory and recovery of each way."""

from functools import cache

from tests.bench.figures import Figures
from tests.bench.load import Load
from tests.bench.place import loop, place
from tests.bench.row import Measure
from tests.bench.simple.contest import Contest
from tests.bench.simple.way import RECOVERIES, WAYS

FACTS = 200_000
RECOVERED_ROWS = 1_000_000
MIB = 1 << 20


def prepare(load: Load, way: str, figure: str, recovery: bool = False) -> Measure:
    """`figure` is facts per s, CPU-s per million, or MiB."""
    return _figures(way, recovery).measure(figure)


@cache
def _contest(size: int) -> Contest:
    here = place()
    return Contest(here.stack.kafka_address, here.prefix(), here.folder, size)


@cache
def _figures(name: str, recovery: bool) -> Figures:
    way = next(way for way in (RECOVERIES if recovery else WAYS) if way.name == name)

    def run() -> dict[str, float]:
        contest = _contest(RECOVERED_ROWS if recovery else FACTS)
        done = loop().run(contest.recover(way) if recovery else contest.run(way))
        return {
            "per s": done.records / done.seconds,
            "CPU-s per million": 1e6 * done.cpu_s / done.records,
            "MiB": done.rss_bytes / MIB,
        }

    return Figures(run)
