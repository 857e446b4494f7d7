"""Fault points: places in a worker at which it kills or suspends itself, wrapped around the code from outside.

All points are set from the start. The test arms one by a file, which the worker removes when it acts.
"""

import inspect
import itertools
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from schemas.kafka.gathering import Gathering
from schemas.topics import LEDGER
from sinks.clickhouse.loop import Sink
from sinks.clickhouse.migrations import Migration
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.together import Insert
from sinks.clickhouse.warehouse import Warehouse
from streams.core.book import Book
from streams.lane.delivery import Delivery
from streams.lane.hooks.table import PartitionTable
from streams.lane.state import PartitionState
from streams.lane.transactions import PartitionProducers
from tests.support.variant import wrap

BEFORE: Final = "before"
AFTER: Final = "after"


class Point(NamedTuple):
    """Before or after calls of a method, if its arguments match."""

    place: type
    method: str
    when: str
    at_such: Callable[..., bool] = lambda *_, **__: True


def _of_ledger(_: Sink, insert: Insert) -> bool:
    return LEDGER in insert.batches[0].range.topic


def _gathers(gathering: Gathering, *, close: bool, untaken: bool) -> bool:
    return gathering.gather_ms > 0 and (close or gathering.first_waits) and not untaken


_POINTS: Final[dict[str, tuple[Any, ...]]] = {
    "in a fold": (Book, "apply", AFTER),
    "before a transaction": (PartitionProducers, "commit", BEFORE),
    "in a transaction": (AIOKafkaProducer, "commit_transaction", BEFORE),
    "after a commit, before the group's offset": (AIOKafkaProducer, "commit_transaction", AFTER),
    "after a commit, before its rows are kept": (PartitionState, "committed", BEFORE),
    "after a commit, when its rows are kept": (PartitionState, "committed", AFTER),
    "in recovery": (PartitionState, "read", BEFORE),
    "in a rebalance, before fencing": (PartitionTable, "on_rebalance", BEFORE),
    "in a rebalance, after fencing": (PartitionProducers, "own", AFTER),
    "before an append": (Delivery, "send", BEFORE),
    "after an append": (Delivery, "last_offset", AFTER),
    "before an insert": (Warehouse, "insert", BEFORE),
    "after an insert": (Warehouse, "insert", AFTER),
    "between a range's mark and its insert": (Sink, "_insert", BEFORE),
    "between a range's mark and its insert, of the ledger": (Sink, "_insert", BEFORE, _of_ledger),
    "after a range": (Progress, "after", AFTER),
    "as it begins to wait for more": (Gathering, "next", AFTER, _gathers),
    "in the migrations": (Migration, "statements", AFTER),
}
POINTS: Final = {name: Point(*told) for name, told in _POINTS.items()}


@dataclass(frozen=True)
class Fault:
    """When the point is reached for the `at`-th time (from 1) after arming, the process gets the signal."""

    point: str
    at: int
    how: int = signal.SIGKILL

    def arm(self, path: Path) -> None:
        """Write the fault where workers of the role look; it stays until one of them has acted on it."""
        whole = path.with_suffix(".new")
        whole.write_text(json.dumps(asdict(self)), "utf-8")
        whole.rename(path)

    @classmethod
    def armed(cls, path: Path) -> "Fault | None":
        """The fault that is armed now."""
        try:
            return cls(**json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None


def set_points(path: Path) -> None:
    """Set all points in this process; `path` is the file that arms a fault."""
    for name, point in POINTS.items():
        wrap(point.place, point.method, _at(name, point, path))


def _at(name: str, point: Point, path: Path) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    times: dict[Fault, Iterator[int]] = {}

    def reach(now: str, *args: Any, **options: Any) -> None:
        if now != point.when or not path.exists() or not point.at_such(*args, **options):
            return
        fault = Fault.armed(path)
        if fault is None or fault.point != name:
            return
        if next(times.setdefault(fault, itertools.count(1))) == fault.at:
            times.clear()
            path.unlink()
            os.kill(os.getpid(), fault.how)

    return lambda original: _around(original, reach)


def _around(original: Callable[..., Any], reach: Callable[..., None]) -> Callable[..., Any]:
    def around(*args: Any, **options: Any) -> Any:
        reach(BEFORE, *args, **options)
        result = original(*args, **options)
        reach(AFTER, *args, **options)
        return result

    async def around_async(*args: Any, **options: Any) -> Any:
        reach(BEFORE, *args, **options)
        result = await original(*args, **options)
        reach(AFTER, *args, **options)
        return result

    return around_async if inspect.iscoroutinefunction(original) else around
