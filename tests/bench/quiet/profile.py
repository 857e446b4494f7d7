"""Where the time of a lonely fact goes: `python -m tests.bench.quiet.profile --rate 10`.

It prints, for a second and for a fact, what each process uses by thread, how often its threads go to sleep, which
requests it sends to Kafka, and which inserts to ClickHouse.
"""

import asyncio
import json
import logging
import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Final, NamedTuple

import clickhouse_connect
import typer
from rich.console import Console
from rich.table import Table

from tests.bench.compare import TOP
from tests.bench.quiet.measure import SETTLE_S
from tests.bench.quiet.steady import Steady
from tests.bench.quiet.up import FIVE, Up, up
from tests.bench.service.material import PARTITIONS
from tests.support.waiting import wait_until

COUNTING: Final = Path(__file__).parent / "counting"
TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
LEAST_OF_CORE: Final = 0.002  # threads that use less are added up
EVENTS: Final = "SELECT event, value FROM system.events"
SHOWN_EVENTS: Final = (
    "InsertQuery",
    "SelectQuery",
    "QueriesWithSubqueries",
    "InsertedRows",
    "Merge",
    "MergedRows",
    "FileOpen",
)
console = Console(width=120)


Counts = dict[tuple[str, str], float]


class Look(NamedTuple):
    """Counters since the start of the processes: seconds of CPU by process and thread, sleeps by process, requests by
    process and kind, ClickHouse's own counters."""

    at_s: float
    cpu_s: Counts
    sleeps: Counter[str]
    asked: Counts
    events: Counter[str]


def look(here: Up, counts: Path) -> Look:
    """All counters now."""
    pids = here.pids()
    cpu_s: Counts = defaultdict(float)
    asked: Counts = defaultdict(float)
    for name in FIVE:
        for thread, seconds in _threads(pids[name]).items():
            cpu_s[name, thread] += seconds
    for name in FIVE[2:]:
        asked |= {(name, kind): count for kind, count in _asked(pids[name], counts).items()}
    sleeps = Counter({name: spent.sleeps for name, spent in here.spent().items()})
    client = clickhouse_connect.get_client(dsn=here.settings.clickhouse_url)
    events = Counter({str(event): int(value) for event, value in client.query(EVENTS).result_rows})
    client.close()
    return Look(time.monotonic(), cpu_s, sleeps, asked, events)


def _threads(pid: int) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        if stat.exists():
            head, _, tail = stat.read_text().rpartition(")")
            fields = tail.split()
            found[head.partition("(")[2].rstrip("0123456789")] += (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return found


def _asked(pid: int, counts: Path) -> Mapping[str, int]:
    file = counts / f"{pid}.json"
    file.unlink(missing_ok=True)
    os.kill(pid, signal.SIGRTMIN)
    wait_until(file.exists)
    found: Mapping[str, int] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _of(name: str, first: Counts, last: Counts) -> dict[str, float]:
    """What has been added to the counters of one process."""
    return {what: count - first.get((one, what), 0) for (one, what), count in last.items() if one == name}


def table(title: str, first: Look, last: Look, rate: int) -> Table:
    """What happened between two looks."""
    seconds = last.at_s - first.at_s
    shown = Table(title=title)
    for name in ("process", "what", "a second", "a fact"):
        shown.add_column(name, justify="right" if name.startswith("a ") else "left")

    def add(process: str, what: str, count: float, digits: int = 2) -> None:
        a_fact = f"{count / seconds / rate:.{digits}f}" if rate else ""
        shown.add_row(process, what, f"{count / seconds:.{digits}f}", a_fact)

    for name in FIVE:
        threads = {
            thread: used - first.cpu_s[name, thread] for (one, thread), used in last.cpu_s.items() if one == name
        }
        add(name, "seconds of CPU", sum(threads.values()), 4)
        small = {thread for thread, used in threads.items() if used / seconds < LEAST_OF_CORE}
        for thread, used in sorted(threads.items(), key=lambda one: -one[1]):
            if thread not in small:
                add("", f"  of {thread}", used, 4)
        add("", "  of other threads", sum(threads[thread] for thread in small), 4)
        add("", "sleeps of its threads", last.sleeps[name] - first.sleeps[name], 1)
        for kind, count in sorted(_of(name, first.asked, last.asked).items(), key=lambda one: -one[1]):
            if count:
                add("", kind, count)
        for event in SHOWN_EVENTS if name == "ClickHouse" else ():
            add("", event, last.events[event] - first.events[event])
        shown.add_section()
    return shown


async def _profile(rate: int, seconds: float, setting: dict[str, str], tree: Path) -> Table:
    with TemporaryDirectory(prefix="peserta-counts-") as name:
        path = os.pathsep.join((str(COUNTING), str(tree)))
        with up(tree, PARTITIONS, {"PYTHONPATH": path, "QUIET_COUNTS": name, **setting}) as here:
            flow = Steady(here.settings)
            await flow.begin()
            await flow.publish(rate or 10, SETTLE_S)
            await flow.publish(rate, SETTLE_S)
            first = look(here, Path(name))
            await flow.publish(rate, seconds)
            return table(f"{rate:,} facts/s for {seconds:g} s", first, look(here, Path(name)), rate)


def main(
    rate: Annotated[int, typer.Option(min=0, help="Facts a second; 0 is idle.")] = 10,
    seconds: Annotated[float, typer.Option(help="How long.")] = 30.0,
    setting: Annotated[list[str] | None, typer.Option(help="NAME=VALUE, a variable of the service.")] = None,
    tree: Annotated[Path, typer.Option(help="The folder of the code.")] = TOP,
) -> None:
    """Print what the service does for a steady flow."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    console.print(asyncio.run(_profile(rate, seconds, dict(one.split("=", 1) for one in setting or []), tree)))


if __name__ == "__main__":
    typer.run(main)
