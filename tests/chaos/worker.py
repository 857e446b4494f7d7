"""A worker of the service as chaos starts it: `python -m tests.chaos.worker ORDERS`.

It makes itself ready, waits for the file ORDERS, and becomes the worker that is asked for there: the real one, with a
short session timeout so that a killed one is missed soon, fault points that sleep, and what else was asked for.
Production code knows nothing of any of it.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from aiokafka import client as aiokafka_client  # type: ignore[import-untyped]

from peserta.cli import main as cli
from streams import workers
from tests.chaos.broken import DEFECTS
from tests.chaos.points import set_points, wrap
from tests.support.waiting import wait_until

SESSION_TIMEOUT_S: Final = 2.0
HEARTBEAT_INTERVAL_S: Final = 0.5
BROKER_WAIT_S: Final = 5.0
ORDERS_LIMIT_S: Final = 3_600.0  # whoever has ready processes ends them


@dataclass(frozen=True)
class Asked:
    """What a worker is started as. In `folder` its faults are armed and its clock is set (`fault_of`, `clock_of`);
    `detours`: broker port -> port at which a proxy leads there."""

    role: str
    folder: str
    environment: Mapping[str, str]
    defect: str = ""
    detours: Mapping[int, int] = field(default_factory=dict)

    def give(self, orders: Path) -> None:
        """To a process that waits for these orders."""
        whole = orders.with_suffix(".new")
        whole.write_text(json.dumps(asdict(self)), "utf-8")
        whole.rename(orders)

    @classmethod
    def wait_for(cls, orders: Path) -> "Asked":
        """In that process."""
        wait_until(orders.exists, ORDERS_LIMIT_S)
        told = json.loads(orders.read_text("utf-8"))
        return cls(**{**told, "detours": {int(port): to for port, to in told["detours"].items()}})


def fault_of(folder: Path, role: str) -> Path:
    """Where a fault for workers of this role is armed."""
    return folder / f"{role}.fault"


def clock_of(folder: Path) -> Path:
    """Where it is written by how many milliseconds the workers' wall clock is off."""
    return folder / "clock"


def quickly(lane_settings: Callable[..., Any]) -> Callable[..., Any]:
    """The lane's settings with short limits."""
    return lambda *args: replace(
        lane_settings(*args),
        session_timeout_s=SESSION_TIMEOUT_S,
        heartbeat_interval_s=HEARTBEAT_INTERVAL_S,
        broker_wait_s=BROKER_WAIT_S,
    )


def off(clock: Path) -> Callable[[Callable[[], int]], Callable[[], int]]:
    """A wall clock that somebody sets."""
    return lambda now_ms: lambda: now_ms() + (int(clock.read_text("utf-8")) if clock.exists() else 0)


def through(detours: Mapping[int, int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Connections to brokers that lead through a proxy."""
    return lambda connect: lambda host, port, *rest, **options: connect(host, detours.get(port, port), *rest, **options)


def main() -> None:
    """Wait for the orders, and become the worker."""
    import_module("peserta.cli.worker")  # which the command line would import only when it is called
    asked = Asked.wait_for(Path(sys.argv[1]))
    os.environ.update(asked.environment)
    folder = Path(asked.folder)
    wrap(workers, "_lane_settings", quickly)
    wrap(workers, "now_ms", off(clock_of(folder)))
    wrap(aiokafka_client, "create_conn", through(asked.detours))
    set_points(fault_of(folder, asked.role))
    if asked.defect:
        DEFECTS[asked.defect]()
    sys.argv = ["peserta", "worker", asked.role]
    cli.main()


if __name__ == "__main__":
    main()
