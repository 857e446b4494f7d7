"""The benchmarks' figures of a run: rows that share the run, and stretches of work between samples."""

from itertools import count
from pathlib import Path

import pytest

from tests.bench.figures import Figures
from tests.bench.service.flow import Waited, longest, percentile
from tests.bench.service.samples import Report, Sample, together


def test_figures_share_a_run_and_a_second_round_runs_again() -> None:
    runs = count(1)

    def run() -> dict[str, float]:
        number = next(runs)
        return {"rate": 10.0 * number, "cpu": float(number)}

    figures = Figures(run)
    rate, cpu = figures.measure("rate"), figures.measure("cpu")
    assert [rate(), cpu(), rate(), cpu()] == [10.0, 1.0, 20.0, 2.0]
    assert [cpu(), cpu()] == [3.0, 4.0]


# A batch begins and commits; after a long pause another begins and commits; the worker stops much later.
SAMPLES = [
    Sample(100.0, 0, 0, 1.0),
    Sample(100.5, 24, 0, 1.1),
    Sample(160.0, 24, 0, 2.0),
    Sample(161.0, 24, 0, 2.5),
    Sample(164.0, 1_024, 2_000, 4.0),
    Sample(190.0, 1_024, 2_000, 4.5),
]
STRETCHES = {
    "all of it": (0, (1_024, 64.0, 3.0)),
    "after the rules, without the wait for the facts": (24, (1_000, 4.0, 2.0)),
}


@pytest.mark.parametrize(("after", "wanted"), STRETCHES.values(), ids=STRETCHES)
def test_a_stretch_is_from_taking_up_to_the_last_commit(after: int, wanted: tuple[int, float, float]) -> None:
    found = Report(samples=SAMPLES).stretch(after)
    assert (found.records, found.seconds, found.cpu_s) == wanted


def test_two_workers_count_while_both_are_at_it() -> None:
    first = Report(samples=[Sample(float(at), 100 * at, 0, 0.1 * at) for at in range(11)])
    second = Report(samples=[Sample(float(at), 50 * (at - 4), 0, 0.1 * at) for at in range(4, 9)])
    found = together([first, second])
    assert (found.records, found.seconds, found.per_s) == (600, 4.0, 150.0)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    report = Report(samples=SAMPLES, rss_bytes=5, recovery_s={0: 0.5, 7: 0.25}, recovered_rows=9, recovered_at_s=99.5)
    report.write(tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == report


def test_waits_are_ordered_and_cut_by_when_they_began() -> None:
    waited = [Waited(float(n), n / 1000) for n in range(100, 0, -1)]
    assert [percentile(waited, pct) for pct in (50, 99, 100)] == [51.0, 100.0, 100.0]
    assert longest(waited, 10.0, 20.0) == 0.019
