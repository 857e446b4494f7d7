"""The lock of the data directory: one named holder at a time, until every process that it started has ended."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_delay,
    stop_any,
    stop_when_event_set,
    wait_fixed,
)

from deploy.embedded.lock import lock
from peserta.operations.discovery import addresses_of
from peserta.operations.failure import Unfit

LOCK_NAME: Final = "lock"
# The children of a killed holder end within the limit of their leash (deploy/embedded/process.py, ORPHAN_LIMIT_S).
ORPHANS_LIMIT_S: Final = 20.0
LOOK_EVERY_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a data directory: its command, and the time at which it took the lock."""

    command: str
    pid: int
    since: str

    def is_alive(self) -> bool:
        """Whether a process with this id exists."""
        try:
            os.kill(self.pid, 0)
        except PermissionError:
            return True
        except OSError:
            return False
        return True


class Occupied(Unfit):
    """Another process holds the data directory; nothing in it was touched. `holder` is None if only children of a
    killed holder still run. The message names the holder and its addresses, and says what to do."""

    def __init__(self, folder: Path, holder: Holder | None) -> None:
        self.folder, self.holder = folder, holder
        super().__init__(_left_running(folder) if holder is None else _has(folder, holder))


def _left_running(folder: Path) -> str:
    return (
        f"What a command that was killed has started on {folder} still runs after {ORPHANS_LIMIT_S:.0f} s. "
        f"`fuser {folder / LOCK_NAME}` names it: end it, and start again."
    )


def _has(folder: Path, holder: Holder) -> str:
    reached = addresses_of(folder, holder.pid)
    found = (
        f" It is reached at {reached}; commands with this PESERTA_DATA_DIR find it by themselves." if reached else ""
    )
    return (
        f"`{holder.command}` runs on {folder} already: process {holder.pid}, since {holder.since}.{found} "
        f"Nothing was touched. End it first (Ctrl-C there, or `kill {holder.pid}`), or take another PESERTA_DATA_DIR."
    )


@contextmanager
def occupied(
    folder: Path,
    command: str,
    *,
    on_wait: Callable[[Holder], None] = lambda _: None,
    stopping: threading.Event | None = None,
) -> Iterator[int]:
    """Hold the folder, which is created if missing, while inside; yields the lock's descriptor for children to inherit.

    If the last holder was killed, this calls `on_wait` and waits until its children have ended; `stopping` ends the
    wait. Raises Occupied, and OSError for a folder that cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    descriptor = _lock(path, on_wait, stopping or threading.Event())
    try:
        own = Holder(command, os.getpid(), datetime.now().astimezone().isoformat(" ", "seconds"))
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(asdict(own)).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(path: Path, on_wait: Callable[[Holder], None], stopping: threading.Event) -> int:
    told: list[Holder] = []

    def attempt() -> int:
        try:
            return lock(path)
        except BlockingIOError:
            holder = _holder(path)
            if holder is not None and holder.is_alive():
                raise Occupied(path.parent, holder) from None
            if holder is not None and not told:
                told.append(holder)
                on_wait(holder)
            raise

    waiting = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_any(stop_after_delay(ORPHANS_LIMIT_S), stop_when_event_set(stopping)),
        reraise=True,
    )
    try:
        descriptor: int = waiting(attempt)
    except BlockingIOError as error:
        raise Occupied(path.parent, None) from error
    return descriptor


def _holder(path: Path) -> Holder | None:
    """The holder that wrote to the lock file last; None while a new holder is about to."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        return None
