"""The samples that a measured worker takes while it works, and the stretches between them.

The worker takes a sample when it starts a batch and when the batch's effect is durable.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple


class Sample(NamedTuple):
    """The records and rows done up to this time (seconds since 1970), and the CPU time that the process had used."""

    at_s: float
    records: int
    rows: int
    cpu_s: float


@dataclass(frozen=True)
class Stretch:
    """Work between two samples."""

    records: int
    rows: int
    seconds: float
    cpu_s: float
    ended_at_s: float

    @property
    def per_s(self) -> float:
        return self.records / self.seconds

    @property
    def cpu_s_per_million(self) -> float:
        return 1e6 * self.cpu_s / self.records


@dataclass(frozen=True, kw_only=True)
class Report:
    """The measurements of one worker's whole run. `recovery_s` is by partition; `rss_bytes` is the maximum."""

    samples: list[Sample]
    rss_bytes: int = 0
    recovery_s: dict[int, float] = field(default_factory=dict)
    recovered_rows: int = 0
    recovered_at_s: float = 0.0

    def write(self, file: Path) -> None:
        """Write the file atomically, because another process may be waiting for it."""
        half = file.with_suffix(".half")
        half.write_text(json.dumps(asdict(self)), encoding="utf-8")
        half.replace(file)

    @classmethod
    def read(cls, file: Path) -> "Report":
        told = json.loads(file.read_text(encoding="utf-8"))
        recovery = {int(number): seconds for number, seconds in told.pop("recovery_s").items()}
        return cls(**{**told, "samples": [Sample(*one) for one in told["samples"]]}, recovery_s=recovery)

    def stretch(self, after_records: int = 0) -> Stretch:
        """From the start of the first batch beyond `after_records` to the last commit."""
        there = [sample for sample in self.samples if sample.records == after_records]
        first = there[1] if after_records else there[0]  # beyond 0, the first of them is a commit
        last = next(sample for sample in self.samples if sample.records == self.samples[-1].records)
        return between(first, last)


def between(first: Sample, last: Sample) -> Stretch:
    """The work from one sample to another."""
    return Stretch(
        last.records - first.records,
        last.rows - first.rows,
        last.at_s - first.at_s,
        last.cpu_s - first.cpu_s,
        last.at_s,
    )


def together(reports: Sequence[Report]) -> Stretch:
    """The work of several workers during the time in which all of them worked."""
    begin = max(report.samples[0].at_s for report in reports)
    end = min(report.samples[-1].at_s for report in reports)
    own = [[sample for sample in report.samples if begin <= sample.at_s <= end] for report in reports]
    parts = [between(samples[0], samples[-1]) for samples in own]
    records, rows = sum(part.records for part in parts), sum(part.rows for part in parts)
    return Stretch(records, rows, end - begin, sum(part.cpu_s for part in parts), end)
