"""The task of a process of the comparison, and its report when it has finished.

Competitors run in environments of their own, so nothing that this module imports may need another package.
"""

import json
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from schemas.kafka.access import Brokers

RSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Where to read, where to write, and how many records the source has."""

    bootstrap: Brokers
    app_id: str
    source: str
    ledger: str
    alerts: str
    partitions: int
    records: int
    folder: str
    """Of this process's own."""
    variant: str = ""

    def text(self) -> str:
        """The task as an argument of a process."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> "Asked":
        """The task in the argument."""
        return cls(**json.loads(text))

    @property
    def changelog(self) -> str:
        """The topic for ways that write their own changelog."""
        return f"{self.app_id}-state-changelog"

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def done(self) -> Path:
        """The file of the process's report."""
        return self.path / "done.json"


@dataclass(frozen=True, kw_only=True)
class Done:
    """`seconds` and `cpu_s` run from the first record until everything was durable; `rss_bytes` is the maximum."""

    records: int
    seconds: float
    cpu_s: float
    rss_bytes: int

    @classmethod
    def read(cls, file: Path) -> "Done | None":
        """The report of a process; None while there is none."""
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


class Meter:
    """Counts a process's records, and writes its report when all are done."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self.records = asked, 0
        self._began_s, self._began_cpu_s = 0.0, 0.0

    def begin(self) -> None:
        """Start measuring at the first record. Later calls have no effect."""
        if not self._began_s:
            self._began_s, self._began_cpu_s = time.perf_counter(), time.process_time()

    def begin_before(self, seconds: float) -> None:
        """Start measuring so many seconds in the past. Later calls have no effect."""
        if not self._began_s:
            self._began_s = time.perf_counter() - seconds

    def add(self, records: int) -> bool:
        """Count more finished records. Returns whether all are finished."""
        self.records += records
        return self.records >= self._asked.records

    def done(self) -> Done:
        """The report, at the moment at which everything is durable."""
        return Done(
            records=self.records,
            seconds=time.perf_counter() - self._began_s,
            cpu_s=time.process_time() - self._began_cpu_s,
            rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT_BYTES,
        )

    def say_and_end(self) -> None:
        """Write the report and end the process at once, without any cleanup."""
        self._asked.done.write_text(json.dumps(asdict(self.done())), encoding="utf-8")
        os._exit(0)
