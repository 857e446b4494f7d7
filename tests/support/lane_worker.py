"""A worker on the lane for tests: a small counting step, run as a process with options in one JSON argument.

`python -m tests.support.lane_worker '{"kind": "count", ...}'`. It prints one line for each event on standard output.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from schemas.kafka.access import KafkaAccess
from streams.lane.app import create_app
from streams.lane.append import AppendLane
from streams.lane.records import Append, Committed, Effect, Record, Rows
from streams.lane.settings import LaneSettings
from streams.lane.transactional import TransactionalLane
from streams.lane.worker import run_worker

BROADCAST_EVERY = 10
HUGE_BYTES = 3_000_000


def counted(records: Sequence[Record], rows: Rows) -> Effect:
    """The counting step: for each record, how often its key has occurred so far; the value `drop` removes a key."""
    changed: dict[bytes, bytes | None] = {}
    lines: list[tuple[bytes | None, bytes | None]] = []
    for record in records:
        key = record.key or b""
        before = changed[key] if key in changed else rows.get(key)
        count = int(before or 0) + 1
        changed[key] = None if record.value == b"drop" else str(count).encode()
        lines.append((key, b"%d:%d" % (record.offset, count)))
    return Effect({}, changed) if not lines else Effect({"out": lines}, changed)


def appended(topic: str, partition: int, records: Sequence[Record], output: str, partitions: int) -> list[Append]:
    """The appending step: each record to its own partition, every tenth to all; the value is its source coordinates."""
    appends = []
    for record in records:
        source = f"{topic}:{partition}:{record.offset}".encode()
        everywhere = record.offset % BROADCAST_EVERY == 0
        for number in range(partitions) if everywhere else [partition]:
            appends.append(Append(output, number, record.key, source, record.timestamp))
    return appends


def access_told(fields: dict[str, str]) -> KafkaAccess:
    """As `lane_case.told_of` wrote it."""
    files = {name: Path(value) for name, value in fields.items() if name.endswith("_file")}
    return KafkaAccess(**cast(Any, fields | files))


class Told:
    """The options that a test gives to its worker."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.kind: str = options["kind"]
        self.sources: list[str] = options["sources"]
        self.output: str = options["output"]
        self.huge_at: int = options.get("huge_at", -1)
        self.fail_at: int = options.get("fail_at", -1)
        self.records_per_producer_max: int = options.get("records_per_producer_max", 2_000_000_000)
        settings = {"data_dir": Path(options["data_dir"])} | options["settings"]
        if isinstance(settings["bootstrap"], dict):
            settings["bootstrap"] = access_told(settings["bootstrap"])
        self.settings = LaneSettings(**{**settings, "data_dir": Path(settings["data_dir"])})

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        """The counting step, with the requested faults."""
        if any(record.offset == self.fail_at for record in records):
            raise ValueError("secret contents of a record")
        effect = counted(records, rows)
        lines = list(effect.outputs["out"])
        if any(record.offset == self.huge_at for record in records):
            lines.append((b"huge", b"x" * HUGE_BYTES))
        return Effect({self.output: lines}, effect.changed)

    def append(self, topic: str, partition: int, records: Sequence[Record]) -> list[Append]:
        """The appending step, with the requested fault."""
        appends = appended(topic, partition, records, self.output, self.settings.partitions)
        if any(record.offset == self.huge_at for record in records):
            appends.append(Append(self.output, partition, b"huge", b"x" * HUGE_BYTES))
        return appends


def say(word: str, **facts: Any) -> None:
    """Print one line for the test."""
    sys.stdout.write(json.dumps({"said": word, **facts}) + "\n")
    sys.stdout.flush()


def on_opened(partition: int, rows: Rows) -> None:
    """Report with how much state a partition was opened."""
    say("opened", partition=partition, rows={key.decode(): value.decode() for key, value in rows.items()})


def on_committed(done: Committed) -> None:
    """Report the progress."""
    say(
        "committed",
        topic=done.topic,
        partition=done.partition,
        next=done.next_offset,
        lag=done.lag,
        records=done.records,
    )


def main() -> None:
    """Build the app and run it."""
    told = Told(json.loads(sys.argv[1]))
    app = create_app(told.settings)
    if told.kind == "count":
        TransactionalLane(
            app,
            source_topics=told.sources,
            state_name="book",
            step=told.step,
            output_topics=[told.output],
            on_opened=on_opened,
            on_closed=lambda partition: say("closed", partition=partition),
            on_committed=on_committed,
            records_per_producer_max=told.records_per_producer_max,
        )
    else:
        AppendLane(
            app,
            source_topics=told.sources,
            step=told.append,
            output_topics=[told.output],
            on_committed=on_committed,
            records_per_producer_max=told.records_per_producer_max,
        )
    sys.exit(run_worker(app))


if __name__ == "__main__":
    main()
