"""A row of the table of benchmarks, and how it is measured."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from streams.lane.collector import GC_THRESHOLDS
from tests.bench.load import Load

Measure = Callable[[], float]  # one round -> its figure
Run = Callable[[], int]  # does the work once -> number of pieces done


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `module` has `prepare(load, **options) -> Measure`. It is imported only when the row is
    measured, so an older tree may lack what it needs."""

    name: str
    unit: str
    module: str
    options: dict[str, Any] = field(default_factory=dict)
    more_is_better: bool = True
    is_quick: bool = False  # also part of `make bench-quick`
    target: float | None = None
    rounds_max: int | None = None  # limit for a slow row
    on_wall: bool = False  # the rate counts wall-clock time of several processes; otherwise CPU time of this one

    def prepare(self, load: Load) -> Measure:
        measure: Measure = import_module(self.module).prepare(load, **self.options)
        return measure


def rate(run: Run) -> Measure:
    """Pieces a second of this process's CPU time, which other processes on the machine hardly change.

    The garbage collector stays on with the service's thresholds, but does not scan the load.
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
