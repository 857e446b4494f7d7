"""A worker of the service as chaos starts it: `python -m tests.chaos.worker ROLE OPTIONS`, OPTIONS in JSON.

The real worker, with a short session timeout so that a killed one is missed soon, and with the fault or the defect
that was asked for. Production code knows nothing of either.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from deploy import cli
from streams import workers
from tests.chaos.broken import DEFECTS
from tests.chaos.points import Fault, wrap

SESSION_TIMEOUT_S: Final = 2.0
HEARTBEAT_INTERVAL_S: Final = 0.5


@dataclass(frozen=True)
class Asked:
    """What a worker is started with: a fault that comes once, a defect that it has."""

    fault: Fault | None = None
    defect: str = ""

    def text(self) -> str:
        """As an argument of the process."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> "Asked":
        """From the argument."""
        told = json.loads(text)
        return cls(Fault(**told["fault"]) if told["fault"] else None, told["defect"])


def quickly(lane_settings: Callable[..., Any]) -> Callable[..., Any]:
    """The lane's settings with a short session timeout."""
    return lambda *args: replace(
        lane_settings(*args), session_timeout_s=SESSION_TIMEOUT_S, heartbeat_interval_s=HEARTBEAT_INTERVAL_S
    )


def main() -> None:
    """Become the worker."""
    role, asked = sys.argv[1], Asked.of(sys.argv[2])
    wrap(workers, "_lane_settings", quickly)
    if asked.fault:
        asked.fault.arm()
    if asked.defect:
        DEFECTS[asked.defect]()
    sys.argv = ["peserta", "worker", role]
    cli.main()


if __name__ == "__main__":
    main()
