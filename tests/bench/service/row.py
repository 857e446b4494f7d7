"""The rows of the real service. Rows that need the same run share it."""

from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, Final

from tests.bench.broker_rows import FLOWS, flow
from tests.bench.figures import Figures
from tests.bench.load import Load
from tests.bench.place import Place, loop, place
from tests.bench.row import Measure
from tests.bench.service import flows, inserts, runs
from tests.bench.service.material import Material

FLOW_S: Final = 6.0

Figured = dict[str, float]
Start = Callable[[Place, Material], Coroutine[Any, Any, Figured]]


def _inserting(way: str) -> Start:
    return lambda here, material: inserts.inserts(here, material, way)


def _flowing(partitions: int, rate: int) -> Start:
    return lambda here, _: flows.latency(here, partitions, rate, FLOW_S)


RUNS: Final[dict[str, Start]] = {
    "recorder": runs.recorder,
    "book-keeper": runs.bookkeeper,
    "book-keeper, state on disk": lambda here, material: runs.bookkeeper(here, material, state="disk"),
    "sink": runs.sink,
    "both": lambda here, material: runs.whole(here, material, with_sink=False),
    "whole way": lambda here, material: runs.whole(here, material, with_sink=True),
    "one book-keeper": lambda here, material: runs.scale_out(here, material, 1),
    "two book-keepers": lambda here, material: runs.scale_out(here, material, 2),
    **{f"insert, {way}": _inserting(way) for way in inserts.WAYS},
    **{flow(*given): _flowing(*given) for given in FLOWS},
    "rebalance": lambda here, material: flows.rebalance(here, material, standbys=0),
    "rebalance with a standby": lambda here, material: flows.rebalance(here, material, standbys=1),
}


def prepare(load: Load, run: str, figure: str) -> Measure:
    """`run` is one of RUNS, `figure` one of those that it measures."""
    return _figures(load, run).measure(figure)


@cache
def _material(load: Load) -> Material:
    return Material(load)


@cache
def _figures(load: Load, run: str) -> Figures:
    return Figures(lambda: loop().run(RUNS[run](place(), _material(load))))
