"""A row: something that is measured, and how."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from streams.lane.collector import GC_THRESHOLDS
from tests.bench.load import Load

Measure = Callable[[], float]  # one round -> its figure
Run = Callable[[], int]  # does the work once -> how many pieces it was


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `module` has `prepare(load, **options) -> Measure`; it is imported when the row is
    measured, so that a tree of another day may lack what it needs."""

    name: str
    unit: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    more_is_better: bool = True
    is_quick: bool = False  # also part of `make bench-quick`
    target: float | None = None
    rounds_max: int | None = None  # for a row that takes long
    on_wall: bool = False  # a rate in time of the wall, several processes at work; else of this process's CPU

    def prepare(self, load: Load) -> Measure:
        measure: Measure = import_module(self.module).prepare(load, **self.options)
        return measure


def rate(run: Run) -> Measure:
    """Pieces for each second of CPU of this process: others on the machine take time, and little CPU from us.

    The garbage collector stays on, set as in the service, but does not walk through the load.
    """
    gc.set_threshold(*GC_THRESHOLDS)

    def measure() -> float:
        gc.collect()
        gc.freeze()
        began_s = time.process_time()
        pieces = run()
        seconds = time.process_time() - began_s
        gc.unfreeze()
        return pieces / seconds

    return measure
