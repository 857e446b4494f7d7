"""A lock on a file: held by a process and by the children to whom it hands the file, and free when the last is gone."""

import fcntl
import os
from pathlib import Path


def lock(path: Path) -> int:
    """The descriptor of the file (made when it is not there), locked until each copy of it is closed.

    The system closes those of a process however it ends, `kill -9` included. Raises BlockingIOError when somebody else
    holds the lock, and OSError when the file cannot be had.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
