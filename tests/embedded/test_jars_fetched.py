"""Fetches the jars from a mirror on this machine: only once, safely in parallel, and only with pinned checksums."""

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
from rich.console import Console

from deploy.embedded.error import StackError
from deploy.embedded.jars import Jar, kafka_jars
from tests.support.waiting import wait_until

QUIET = Console(quiet=True)
NAMES = [f"part{n}" for n in range(6)]


def content(name: str) -> bytes:
    return name.encode() * 1000


def jar(name: str, sha256: str | None = None) -> Jar:
    return Jar(sha256 or hashlib.sha256(content(name)).hexdigest(), f"org.example:{name}:1.0")


class Mirror:
    """A Maven repository on loopback. It counts requests and answers them while it is open."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()  # name -> number of answers that end early
        self.open = Event()
        self.open.set()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                """Print no log lines."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name, _, kind = request.path.rpartition("/")[2].partition("-1.0.jar")
        if kind or name not in NAMES:
            request.send_error(404)
            return
        self.asked[name] += 1
        self.open.wait(60)
        body = content(name)
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        is_broken = self.broken[name] > 0
        self.broken[name] -= is_broken
        request.wfile.write(body[: len(body) // 2] if is_broken else body)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A mirror that is set in the user's configuration."""
    mirror = Mirror()
    configured = tmp_path / "home" / ".config" / "jgo.conf"
    configured.parent.mkdir(parents=True)
    configured.write_text(f"[repositories]\nmirror = {mirror.url}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield mirror
    mirror.close()


def test_jars_are_fetched_once(mirror: Mirror, tmp_path: Path) -> None:
    jars = [jar(name) for name in NAMES]
    paths = kafka_jars(QUIET, folder=tmp_path / "cache", jars=jars)
    assert [path.read_bytes() for path in paths] == [content(name) for name in NAMES]
    assert kafka_jars(QUIET, folder=tmp_path / "cache", jars=jars) == paths
    assert mirror.asked == Counter(NAMES)


def test_only_what_is_missing_is_fetched(mirror: Mirror, tmp_path: Path) -> None:
    kafka_jars(QUIET, folder=tmp_path, jars=[jar("part0")])
    kafka_jars(QUIET, folder=tmp_path, jars=[jar("part0"), jar("part1")])
    assert mirror.asked == Counter(["part0", "part1"])


def test_a_jar_that_is_not_the_pinned_one_is_refused_and_not_kept(mirror: Mirror, tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"part1-1\.0\.jar is not the org\.example:part1:1\.0"):
        kafka_jars(QUIET, folder=tmp_path, jars=[jar("part0"), jar("part1", sha256="0" * 64)])
    assert [path.name for path in tmp_path.glob("**/*.jar")] == ["part0-1.0.jar"]


def test_a_fetch_that_broke_off_is_tried_again(mirror: Mirror, tmp_path: Path) -> None:
    mirror.broken["part0"] = 1
    kafka_jars(QUIET, folder=tmp_path, jars=[jar("part0")])
    assert mirror.asked == Counter({"part0": 2})


def test_a_jar_that_cannot_be_had_is_told_with_ways_out(mirror: Mirror, tmp_path: Path) -> None:
    mirror.broken["part0"] = 3
    with pytest.raises(StackError, match=r"org\.example:part0:1\.0 could not be fetched .* name a mirror"):
        kafka_jars(QUIET, folder=tmp_path, jars=[jar("part0")])
    assert list(tmp_path.glob("*.jar")) == []


FETCHER = """
import sys
from pathlib import Path
from rich.console import Console
from deploy.embedded.jars import kafka_jars
from tests.embedded.test_jars_fetched import NAMES, jar
print("ready", flush=True)
kafka_jars(Console(quiet=True), folder=Path(sys.argv[1]), jars=[jar(name) for name in NAMES])
"""


def test_two_processes_at_once_fetch_each_jar_once(mirror: Mirror, tmp_path: Path) -> None:
    mirror.open.clear()
    command = [sys.executable, "-c", FETCHER, str(tmp_path / "cache")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    wait_until(lambda: mirror.asked.total() > 0)
    mirror.open.set()
    assert [one.wait(60) for one in both] == [0, 0]
    for one in both:
        assert one.stdout is not None
        one.stdout.close()
    assert mirror.asked == Counter(NAMES)
