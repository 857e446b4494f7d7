"""What a process of the comparison is asked to do, and what it says when it has done it.

May import the standard library only: competitors run in environments of their own.
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
        """As an argument of a process."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> "Asked":
        """From the argument."""
        return cls(**json.loads(text))

    @property
    def changelog(self) -> str:
        """The topic of whoever keeps a changelog by hand."""
        return f"{self.app_id}-state-changelog"

    @property
    def path(self) -> Path:
        return Path(self.folder)

    @property
    def done(self) -> Path:
        """The file in which the process says that it has done it."""
        return self.path / "done.json"


@dataclass(frozen=True, kw_only=True)
class Done:
    """`seconds` and `cpu_s` from the first record in hand until everything was durable; `rss_bytes` is the largest."""

    records: int
    seconds: float
    cpu_s: float
    rss_bytes: int

    @classmethod
    def read(cls, file: Path) -> "Done | None":
        """What a process said; None when it has said nothing."""
        return cls(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


class Meter:
    """Counts a process's records, and says so when all are done."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self.records = asked, 0
        self._began_s, self._began_cpu_s = 0.0, 0.0

    def begin(self) -> None:
        """A record is in hand; only the first time counts."""
        if not self._began_s:
            self._began_s, self._began_cpu_s = time.perf_counter(), time.process_time()

    def begin_before(self, seconds: float) -> None:
        """It began so long ago; only the first time counts."""
        if not self._began_s:
            self._began_s = time.perf_counter() - seconds

    def add(self, records: int) -> bool:
        """So many more are done; whether that is all."""
        self.records += records
        return self.records >= self._asked.records

    def done(self) -> Done:
        """Now everything is durable."""
        return Done(
            records=self.records,
            seconds=time.perf_counter() - self._began_s,
            cpu_s=time.process_time() - self._began_cpu_s,
            rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT_BYTES,
        )

    def say_and_end(self) -> None:
        """Say so, and end the process at once: it has nothing to tidy."""
        self._asked.done.write_text(json.dumps(asdict(self.done())), encoding="utf-8")
        os._exit(0)
