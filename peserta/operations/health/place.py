"""The address of a worker's endpoint: one small file for each worker in the data folder, for other commands to find."""

import contextlib
import fcntl
import ipaddress
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.lock import lock

FOLDER: Final = "health"


def url_of(host: str, port: int) -> str:
    """The URL at which this machine reaches a server bound to host and port."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"


@dataclass(frozen=True, slots=True)
class Place:
    """A running worker and the address of its endpoint. The process id is None if it is not known."""

    role: str
    url: str
    pid: int | None = None


@contextmanager
def announced(data_dir: Path, role: str, url: str) -> Iterator[Path]:
    """Announce the endpoint of this process while inside the context. Raises OSError if the folder cannot be written.

    The file is locked, so that readers recognise a file that a killed worker left behind. Such files are removed.
    """
    folder = data_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{role}-{secrets.token_hex(4)}.json"
    # The file must appear complete and locked: readers come at any moment.
    draft = path.with_suffix(".draft")
    with _alone(folder):  # another worker that starts would remove a draft that is made and not locked yet
        _remove_left(folder)
        descriptor = lock(draft)
    try:
        os.write(descriptor, json.dumps(asdict(Place(role, url, os.getpid()))).encode())
        draft.replace(path)
        yield path
    finally:
        for file in (draft, path):
            file.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes out of this block for the same folder. They wait."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def places_of(data_dir: Path, role: str) -> list[Place]:
    """The running workers of this role, in the order of their ids."""
    found = (_read(path) for path in (data_dir / FOLDER).glob(f"{role}-*.json"))
    return sorted((place for place in found if place is not None), key=lambda place: place.pid or 0)


def _read(path: Path) -> Place | None:
    """The place in a file; None if its worker has ended."""
    try:
        with path.open(encoding="utf-8") as file:
            if not _is_held(file.fileno()):
                return None
            return Place(**json.load(file))
    except FileNotFoundError:
        return None


def _is_held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _remove_left(folder: Path) -> None:
    for path in (*folder.glob("*.json"), *folder.glob("*.draft")):
        with contextlib.suppress(FileNotFoundError), path.open() as file:
            if not _is_held(file.fileno()):
                path.unlink()
