"""The records and busy time of each stage, from the workers' own metrics."""

from typing import Final, NamedTuple

from peserta.operations.health.asking import counted
from peserta.settings import Settings

# stage -> worker, samples of its records and of its busy seconds
SAMPLES: Final = {
    "record": ("recorder", "peserta_lane_records_total", "peserta_lane_busy_seconds_total"),
    "book": ("bookkeeper", "peserta_lane_records_total", "peserta_lane_busy_seconds_total"),
    "sink": ("sink", "peserta_sink_records_total", "peserta_sink_round_seconds_sum"),
}


class Work(NamedTuple):
    """Records processed, and the seconds with work in progress, including waits for acknowledgements."""

    records: int
    busy_s: float


def work_of(settings: Settings) -> dict[str, Work]:
    """Stage -> the work of its worker since its start; workers that do not answer are missing."""
    found = {}
    for stage, (role, records, seconds) in SAMPLES.items():
        samples = counted(settings, role)
        if samples:
            found[stage] = Work(int(samples.get(records, 0)), samples.get(seconds, 0.0))
    return found
