"""Only one command at a time uses a data directory. After `kill -9` it stays locked until the children have ended."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.lock import lock
from peserta.operations.discovery import FILE_NAME
from peserta.operations.occupied import LOCK_NAME, Holder, Occupied, occupied
from tests.support.liveness import is_alive
from tests.support.waiting import wait_until

# Locks the folder. Its child, on a leash, inherits the lock and ignores SIGTERM.
HOLDER = """
import sys, threading
from pathlib import Path
from deploy.embedded.process import Process
from peserta.operations.occupied import occupied
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
folder = Path(sys.argv[1])
with occupied(folder, "peserta up") as descriptor:
    if len(sys.argv) > 2:
        log = folder / "child.log"
        started = Process.start(
            "child", [sys.executable, "-c", child], log=log, keep=[descriptor], orphan_limit_s=float(sys.argv[2])
        )
        print(started.pid, started._leash.pid, flush=True)
    else:
        print(0, 0, flush=True)
    threading.Event().wait()
"""


class Other:
    """Another process that holds the folder. With `child_limit_s` it has a child that outlives it by that time."""

    def __init__(self, folder: Path, child_limit_s: float | None = None) -> None:
        more = [] if child_limit_s is None else [str(child_limit_s)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(folder), *more], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.child, self.leash = map(int, self.process.stdout.readline().split())
        if self.child:
            wait_until(lambda: "up" in (folder / "child.log").read_text())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Other]:
    holder = Other(tmp_path)
    yield holder
    holder.close()


def test_a_folder_that_somebody_has_is_refused_with_who_it_is(other: Other, tmp_path: Path) -> None:
    with pytest.raises(Occupied) as refused, occupied(tmp_path, "peserta demo"):
        pass
    holder = refused.value.holder
    assert holder is not None
    assert (holder.command, holder.pid) == ("peserta up", other.process.pid)
    said = str(refused.value)
    assert f"process {holder.pid}, since {holder.since}" in said
    assert f"kill {holder.pid}" in said
    assert "reached at" not in said


def test_it_is_said_where_an_up_that_has_it_is_reached_without_its_password(tmp_path: Path) -> None:
    holder = Holder("peserta up", os.getpid(), "2026-01-02 03:04:05+07:00")
    told = {"kafka": "127.0.0.1:9092", "clickhouse_url": "http://reader:secret@127.0.0.1:8123"}
    (tmp_path / FILE_NAME).write_text(json.dumps({"pid": os.getpid(), **told}))
    said = str(Occupied(tmp_path, holder))
    assert "Kafka 127.0.0.1:9092 and ClickHouse 127.0.0.1:8123" in said
    assert "secret" not in said
    (tmp_path / FILE_NAME).write_text(json.dumps({"pid": os.getpid() + 1, **told}))
    assert "9092" not in str(Occupied(tmp_path, holder))


def test_what_is_refused_has_touched_nothing(other: Other, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(Occupied), occupied(tmp_path, "peserta up"):
        pass
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_folder_is_free_again_after_its_holder_was_killed(other: Other, tmp_path: Path) -> None:
    other.kill()
    with occupied(tmp_path, "peserta up"):
        assert json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()


def test_a_folder_is_free_again_after_it_was_left(tmp_path: Path) -> None:
    for _ in range(2):
        with occupied(tmp_path / "new" / "folder", "peserta up"):
            pass


def test_after_a_kill_what_it_had_started_is_waited_for(tmp_path: Path) -> None:
    other = Other(tmp_path, child_limit_s=1.0)
    other.close()
    assert is_alive(other.child)
    waited: list[Holder] = []
    with occupied(tmp_path, "peserta up", on_wait=waited.append):
        assert not is_alive(other.child)
    assert [holder.pid for holder in waited] == [other.process.pid]


def test_a_wait_for_what_was_left_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    other = Other(tmp_path, child_limit_s=60.0)
    other.close()
    stopping = threading.Event()
    try:
        with (
            pytest.raises(Occupied) as refused,
            occupied(tmp_path, "peserta up", on_wait=lambda _: stopping.set(), stopping=stopping),
        ):
            pass
        assert refused.value.holder is None
        assert "fuser" in str(refused.value)
    finally:
        os.kill(other.child, signal.SIGKILL)


def test_what_was_left_without_its_leash_keeps_the_folder_too(tmp_path: Path) -> None:
    other = Other(tmp_path, child_limit_s=60.0)
    other.process.send_signal(signal.SIGSTOP)  # so it cannot see that its leash ends
    os.kill(other.leash, signal.SIGKILL)
    wait_until(lambda: not is_alive(other.leash))
    other.close()
    stopping = threading.Event()
    try:
        with (
            pytest.raises(Occupied),
            occupied(tmp_path, "peserta up", on_wait=lambda _: stopping.set(), stopping=stopping),
        ):
            pass
    finally:
        os.kill(other.child, signal.SIGKILL)


def test_of_many_that_come_at_once_one_has_it(tmp_path: Path) -> None:
    at_once = threading.Barrier(8)
    had: list[int] = []

    def come() -> None:
        at_once.wait()
        try:
            had.append(lock(tmp_path / LOCK_NAME))
        except BlockingIOError:
            return

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(had) == 1
    os.close(had[0])
