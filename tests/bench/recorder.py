"""The recorder's step: turns inbound records into journal records, without Kafka."""

from pathlib import Path

from streams.recorder import Recorder
from streams.settings import REPLAY, StreamSettings
from tests.bench.load import ENTRIES_PER_BATCH, Load
from tests.bench.row import Measure, rate


def prepare(load: Load) -> Measure:
    settings = StreamSettings("no broker", Path(), clock=REPLAY)
    recorder, records, topic = Recorder(settings, lambda: 0), load.inbound, load.topics.facts

    def run() -> int:
        for first in range(0, len(records), ENTRIES_PER_BATCH):
            recorder.step(topic, 0, records[first : first + ENTRIES_PER_BATCH])
        return len(records)

    return rate(run)
