"""What a killed process leaves of its state on disk: its files as last flushed."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from streams.lane.disk import StateOnDisk

TRIES_MAX = 100


def kill(states: StateOnDisk) -> None:
    """End the use of a state as `kill -9` would: rows that are not in a file are lost."""
    folder = states.folder
    if folder is None:
        return
    with TemporaryDirectory() as found:
        _copy(folder, Path(found) / "copy")
        states.close()
        shutil.rmtree(folder)
        shutil.copytree(Path(found) / "copy", folder)


def _copy(folder: Path, to: Path) -> None:
    """Copy the files of one moment; start again if RocksDB changed them in the meantime."""
    for _ in range(TRIES_MAX):
        before = _files(folder)
        try:
            shutil.copytree(folder, to)
        except shutil.Error:
            before = None
        if before is not None and _files(folder) == before:
            return
        shutil.rmtree(to)
    raise TimeoutError(f"{folder} does not come to rest")


def _files(folder: Path) -> dict[Path, int] | None:
    """Name and size of each file; None if one disappeared in the meantime."""
    try:
        return {path: path.stat().st_size for path in folder.rglob("*") if path.name != "LOG"}
    except FileNotFoundError:
        return None
