"""The machine and the versions of a measurement. A figure means nothing without them."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("faust-streaming", "aiokafka", "fastavro", "clickhouse-connect")


def machine() -> dict[str, str]:
    """Processor, load, versions, time."""
    return {
        "measured": datetime.now(UTC).isoformat(timespec="minutes"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": ", ".join(f"{one:.1f}" for one in os.getloadavg()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        **{name: version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), platform.machine())
