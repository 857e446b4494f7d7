"""One measurement of a running service: what each process uses at a rate, and how long facts wait."""

import time
from typing import Final, NamedTuple

from tests.bench.quiet.steady import Steady, Waits
from tests.bench.quiet.up import BESIDE, FIVE, Spent, Up
from tests.bench.service.flow import percentile

SETTLE_S: Final = 3.0
P50, P99 = 50, 99


class Used(NamedTuple):
    """What the processes used at `rate` facts/s: by name, cores and times a second that a thread went to sleep; the
    memory at the end. `waits_ms`: milliseconds, by what is waited for; empty if nothing was published."""

    rate: int
    cores: dict[str, float]
    sleeps_per_s: dict[str, float]
    rss_mib: dict[str, float]
    waits_ms: dict[str, float]

    @property
    def five(self) -> float:
        """Cores of the five processes that a book needs."""
        return sum(self.cores[name] for name in FIVE)

    @property
    def beside(self) -> float:
        """Cores of API and notifier."""
        return sum(self.cores.get(name, 0.0) for name in BESIDE)


async def used(here: Up, flow: Steady, rate: int, cpu_s: float, waits_s: float) -> Used:
    """Measure CPU time while nothing but a publisher is beside the service, then waits, with readers beside it."""
    await flow.publish(rate, SETTLE_S)
    before, began_s = here.spent(), time.monotonic()
    await flow.publish(rate, cpu_s)
    after, seconds = here.spent(), time.monotonic() - began_s
    waits = await flow.waits(rate, waits_s) if rate and waits_s else None
    return Used(
        rate,
        {name: _per_s(before, after, name, seconds).cpu_s for name in before},
        {name: _per_s(before, after, name, seconds).sleeps for name in before},
        {name: spent.rss_bytes / (1 << 20) for name, spent in after.items()},
        _milliseconds(waits) if waits else {},
    )


def _per_s(before: dict[str, Spent], after: dict[str, Spent], name: str, seconds: float) -> Spent:
    first, last = before[name], after[name]
    return Spent((last.cpu_s - first.cpu_s) / seconds, round((last.sleeps - first.sleeps) / seconds), last.rss_bytes)


def _milliseconds(waits: Waits) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, waited in waits._asdict().items():
        if not waited:
            continue  # one fact in ten has an alert
        found |= {f"{name} p50": percentile(waited, P50), f"{name} p99": percentile(waited, P99)}
        found |= {f"{name} max": percentile(waited, 100), f"{name} n": len(waited)}
    return found
