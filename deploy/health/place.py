"""Where a worker's endpoint is: a small file for each role in the data folder, so that others find it."""

import contextlib
import ipaddress
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = "health"


def url_of(host: str, port: int) -> str:
    """The address under which this machine reaches what is bound to host and port."""
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        address = ipaddress.ip_address("::1" if address.version == 6 else "127.0.0.1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"


@contextmanager
def announced(data_dir: Path, role: str, url: str) -> Iterator[Path]:
    """Say where the endpoint of this process is, while it is there. Raises OSError when the folder takes no file."""
    path = _path(data_dir, role)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"role": role, "pid": os.getpid(), "url": url})
    # Whole or not at all, as readers come at any moment; and a successor's file is not ours to remove.
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    try:
        yield path
    finally:
        with contextlib.suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8") == text:
                path.unlink()


def place_of(data_dir: Path, role: str) -> str | None:
    """The last address that a worker of this role has said; it may have ended since. None when there is none."""
    try:
        url: str = json.loads(_path(data_dir, role).read_text(encoding="utf-8"))["url"]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return url


def _path(data_dir: Path, role: str) -> Path:
    return data_dir / FOLDER / f"{role}.json"
