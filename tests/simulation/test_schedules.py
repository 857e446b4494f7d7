"""The short form of `make simulate-faults`: schedules pass, broken variants are detected, a seed fixes every step."""

import hashlib
import os
import subprocess
import sys

import pytest

from streams.lane.stop_code import StopCode
from tests.simulation.controls import CONTROLS
from tests.simulation.seeds import find_defect
from tests.simulation.world import run_schedule
from tests.support.broken_variants import VARIANTS

SEEDS = range(1, 61)
SEEDS_ON_DISK = range(61, 81)
DEFECT_SEEDS_MAX = 300
REPEATED_SEED = 35
PRINT_DIGEST = f"from tests.simulation.test_schedules import digest; print(digest({REPEATED_SEED}))"


def test_nothing_is_lost_or_doubled_whatever_dies_whenever() -> None:
    verdicts = [run_schedule(seed) for seed in SEEDS]
    verdicts += [run_schedule(seed, is_on_disk=True) for seed in SEEDS_ON_DISK]
    assert {verdict.seed: verdict.wrong for verdict in verdicts if verdict.wrong} == {}
    assert sum(verdict.repeats for verdict in verdicts) > 0, "the recorder was made to repeat"
    faults = {fault for verdict in verdicts for fault in verdict.faults}
    assert faults >= {"LOST", "ANSWER_LOST", "DIES_BEFORE", "DIES_WAITING", "DIES_AFTER", "STOPS", "A_STEP_FAILS"}
    assert "A_CLOCK_IS_SET" in faults and sum(verdict.ends[StopCode.REFUSE] for verdict in verdicts) > 0


@pytest.mark.parametrize("name", CONTROLS)
def test_a_broken_variant_is_found(name: str) -> None:
    _, seed, _ = find_defect(name, DEFECT_SEEDS_MAX)
    assert seed is not None, f"unseen: {CONTROLS[name].variant.sentence}"


def test_every_broken_variant_has_a_control() -> None:
    assert set(CONTROLS) == set(VARIANTS)


def digest(seed: int) -> str:
    """A digest of all steps of a schedule, without the sink's log: it has the time of the machine's own clock, and
    pytest keeps it from standard error."""
    lines: list[str] = []
    run_schedule(seed, trace=lines.append)
    steps = [line for line in "\n".join(lines).splitlines() if not line.startswith("Cannot insert ")]
    return hashlib.sha256("\n".join(steps).encode()).hexdigest()


def test_a_seed_gives_the_same_steps_in_every_process() -> None:
    said = {
        subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert said == {digest(REPEATED_SEED) + "\n"}
    assert digest(REPEATED_SEED + 1) + "\n" not in said
