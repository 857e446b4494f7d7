"""Whether the process with a given id is running."""

import subprocess


def is_alive(pid: int) -> bool:
    """False for an unknown id, and for a zombie."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip()[:1] not in ("", "Z")
