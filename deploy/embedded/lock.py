"""A lock on a file, held by a process and the children that inherit the descriptor; free when the last is gone."""

import fcntl
import os
from pathlib import Path


def lock(path: Path) -> int:
    """The descriptor of the file, which is created if missing. It is locked until every copy of the descriptor is
    closed.

    The system closes the descriptors of a process however it ends, `kill -9` included. Raises BlockingIOError if
    another process holds the lock, and OSError if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
