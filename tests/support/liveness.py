"""Whether a process of a given id still runs."""

import subprocess


def is_alive(pid: int) -> bool:
    """False for an id that is not there, and for one that has ended and only waits to be noticed."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1] not in ("", "Z")
