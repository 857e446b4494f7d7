"""Which process listens on a port of this machine, for an error message."""

import contextlib
from typing import Any

import psutil  # type: ignore[import-untyped]


def listener(port: int) -> str:
    """A description of the process; the system may hide processes of other users."""
    for connection in _listening():
        if connection.laddr and connection.laddr.port == port and connection.pid:
            with contextlib.suppress(psutil.Error):
                return f"process {connection.pid} ({psutil.Process(connection.pid).name()})"
    return "another process"


def _listening() -> list[Any]:
    try:
        found = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return []
    return [connection for connection in found if connection.status == psutil.CONN_LISTEN]
