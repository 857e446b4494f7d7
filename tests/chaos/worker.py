"""A worker of the service as the chaos tests start it: `python -m tests.chaos.worker ORDERS`.

The process imports its code, waits for the file ORDERS, and becomes the worker that is described there: the real one,
with a short session timeout so that a killed one is replaced soon, with inactive fault points, and with what else
ORDERS says. Production code knows nothing about this.
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
from tests.chaos.points import set_points
from tests.support.broken_variants import VARIANTS
from tests.support.variant import wrap
from tests.support.waiting import wait_until

SESSION_TIMEOUT_S: Final = 2.0
HEARTBEAT_INTERVAL_S: Final = 0.5
BROKER_WAIT_S: Final = 5.0
ORDERS_LIMIT_S: Final = 3_600.0  # the owner of waiting processes ends them before


@dataclass(frozen=True)
class Asked:
    """How to start a worker. Files in `folder` arm its faults and set its clock (`fault_of`, `clock_of`). `detours`:
    broker port -> port of a proxy to it."""

    role: str
    folder: str
    environment: Mapping[str, str]
    defect: str = ""
    detours: Mapping[int, int] = field(default_factory=dict)

    def give(self, orders: Path) -> None:
        """Write the orders for a waiting process."""
        whole = orders.with_suffix(".new")
        whole.write_text(json.dumps(asdict(self)), "utf-8")
        whole.rename(orders)

    @classmethod
    def wait_for(cls, orders: Path) -> "Asked":
        """Wait for the orders, in that process."""
        wait_until(orders.exists, ORDERS_LIMIT_S)
        told = json.loads(orders.read_text("utf-8"))
        return cls(**{**told, "detours": {int(port): to for port, to in told["detours"].items()}})


def fault_of(folder: Path, role: str) -> Path:
    """The file that arms a fault for workers of this role."""
    return folder / f"{role}.fault"


def clock_of(folder: Path) -> Path:
    """The file with the error of the workers' wall clock, in milliseconds."""
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
    """A wall clock with the error in this file."""
    return lambda now_ms: lambda: now_ms() + (int(clock.read_text("utf-8")) if clock.exists() else 0)


def through(detours: Mapping[int, int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Connections to brokers through a proxy."""
    return lambda connect: lambda host, port, *rest, **options: connect(host, detours.get(port, port), *rest, **options)


def main() -> None:
    """Wait for the orders, and become the worker."""
    for each in ("worker", "workers.stream", "workers.sink"):  # which the command line imports when they are called
        import_module(f"peserta.cli.{each}")
    asked = Asked.wait_for(Path(sys.argv[1]))
    os.environ.update(asked.environment)
    folder = Path(asked.folder)
    wrap(workers, "_lane_settings", quickly)
    wrap(workers, "now_ms", off(clock_of(folder)))
    wrap(aiokafka_client, "create_conn", through(asked.detours))
    set_points(fault_of(folder, asked.role))
    if asked.defect:
        VARIANTS[asked.defect].put_in(Path(os.environ["PESERTA_DATA_DIR"]))
    sys.argv = ["peserta", "worker", asked.role]
    cli.main()


if __name__ == "__main__":
    main()
