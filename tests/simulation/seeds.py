"""Running many schedules: seeds are distributed over processes, and verdicts returned as they arrive."""

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final, TypeVar

from tests.simulation.controls import CONTROLS, Control
from tests.simulation.world import Verdict, run_schedule

CHUNK: Final = 20
_Asked = TypeVar("_Asked")
_Told = TypeVar("_Told")
GARBAGE_AFTER: Final = 10  # schedules; each leaves some megabytes of reference cycles


def run_seeds(seeds: Iterable[int], workers: int | None = None) -> Iterator[Verdict]:
    """A verdict for each seed, in order; uses all cores unless `workers` is given."""
    yield from _shared_out(run_one, seeds, workers)


def find_defects(seeds_max: int, workers: int | None = None) -> Iterator[tuple[str, int | None, list[str]]]:
    """For each broken variant: its name, the first seed that detects it (None if none does), and what was wrong."""
    yield from _shared_out(_find_one, [(name, seeds_max) for name in CONTROLS], workers, chunk=1)


def run_one(seed: int, control: Control | None = None) -> Verdict:
    """Run one of many schedules, without automatic garbage collection."""
    if seed % GARBAGE_AFTER == 0:
        gc.collect()
    return run_schedule(seed, control=control)


def find_defect(name: str, seeds_max: int) -> tuple[str, int | None, list[str]]:
    """The first seed from 1 on at which the expected claim detects the defect."""
    control = CONTROLS[name]
    for seed in range(1, seeds_max + 1):
        wrong = run_one(seed, control).wrong
        if any(sentence.startswith(control.claim) for sentence in wrong):
            return name, seed, wrong
    return name, None, []


def _find_one(asked: tuple[str, int]) -> tuple[str, int | None, list[str]]:
    return find_defect(*asked)


def _shared_out(
    work: Callable[[_Asked], _Told], items: Iterable[_Asked], workers: int | None, chunk: int = CHUNK
) -> Iterator[_Told]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers or os.cpu_count(), mp_context=spawn, initializer=gc.disable) as pool:
        yield from pool.map(work, items, chunksize=chunk)
