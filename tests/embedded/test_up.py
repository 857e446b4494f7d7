"""`peserta up` as a user runs it: it starts, survives kills, reuses its ports, refuses a second `up`, and stops."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx2
import pytest

from deploy.embedded.ports import free_ports
from peserta.operations.remembered import Remembered, remember
from schemas.dates import day_text, jakarta_day
from streams.clock import now_ms
from tests.support.liveness import is_alive
from tests.support.told import objects, peserta, surroundings
from tests.support.waiting import wait_until

UP_LIMIT_S: Final = 120
FACT: Final = (
    '{"type":"hire","event_id":"e1","company_id":"C1","worker_id":"w1","effective_on":"%s",'
    '"occurred_at":"%sT02:00:00Z","source":"hris","employment_type":"fixed_term"}\n'
)


def new_book() -> dict[str, str]:
    """Settings for the first start on a folder."""
    kafka, clickhouse = free_ports(2)
    return {"partitions": "2", "kafka_port": str(kafka), "clickhouse_port": str(clickhouse)}


class Up:
    """A real `peserta up` on a data folder, without configured addresses. The first `up` on a folder gets free ports,
    so that parallel tests do not compete for the default ones. Later `up`s must reuse these ports."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.folder, self._said = folder, folder.with_suffix(".log")
        self.environment = surroundings(data_dir=str(folder), health_port="", **settings)
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "peserta", "up", *arguments],
                env=self.environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        try:
            wait_until(lambda: "Peserta is up" in self.said() or self.process.poll() is not None, UP_LIMIT_S)
            assert self.process.poll() is None, self.said()
        except BaseException:
            self.process.kill()
            raise

    def said(self) -> str:
        return self._said.read_text(encoding="utf-8")

    def below(self) -> dict[int, str]:
        """Process id -> command, for all descendants of this process."""
        listed = subprocess.run(["ps", "-axwwo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(None, 2) for line in listed.splitlines()]
        found: dict[int, str] = {}
        parents = {self.process.pid}
        while parents:
            level = {int(row[0]): row[2] for row in rows if len(row) == 3 and int(row[1]) in parents}
            found |= level
            parents = set(level)
        return found

    def addresses(self) -> list[str]:
        """The addresses of Kafka and ClickHouse in its output."""
        return re.findall(r"^(?:Kafka|ClickHouse) +(\S+)$", self.said(), flags=re.MULTILINE)

    def told_to_kafka(self) -> str:
        """The text of Kafka's configuration file."""
        return (self.folder / "stack" / "kafka" / "node-1" / "server.properties").read_text(encoding="utf-8")

    def worker(self, role: str) -> int | None:
        """The process id of this worker; None while it does not run."""
        ending = f"-m peserta worker {role}"
        return next((pid for pid, args in self.below().items() if args.endswith(ending) and "leash" not in args), None)

    def has(self, *companies: str) -> bool:
        """Whether the book has exactly these companies. False while ClickHouse has no tables yet."""
        command = [sys.executable, "-m", "peserta", "coverage", "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        return done.returncode == 0 and [row["company_id"] for row in objects(done.stdout)] == [*companies]

    def part(self, words: str) -> int:
        """The id of the process whose command contains these words."""
        return next(pid for pid, args in self.below().items() if words in args and "leash" not in args)

    def end(self, how: signal.Signals, whom: int | None = None) -> int:
        """Send the signal to `up`, or to its part `whom`. Asserts that every process ends. Returns the exit code."""
        everything = self.below()
        assert len(everything) >= 10  # five children, and a leash for each
        os.kill(whom or self.process.pid, how)
        code = self.process.wait(UP_LIMIT_S)
        wait_until(lambda: not any(map(is_alive, everything)), UP_LIMIT_S)
        return code


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    """Starts an `up` on the folder of this test. Kills it at the end if it still runs."""
    started: list[Up] = []

    def up(*arguments: str) -> Up:
        folder = tmp_path / "data"
        started.append(Up(folder, *arguments, **({} if folder.exists() else new_book())))
        return started[-1]

    yield up
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(UP_LIMIT_S)


def test_up_comes_up_survives_and_goes(start: Callable[..., Up], tmp_path: Path) -> None:
    folder = tmp_path / "data"
    up = start()
    wait_until(lambda: door_is_ready(up), UP_LIMIT_S)
    publish_today(up, tmp_path)
    wait_until(lambda: up.has("C1"), UP_LIMIT_S)
    killed = up.worker("bookkeeper")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: up.worker("bookkeeper") not in (None, killed), UP_LIMIT_S)
    assert "The bookkeeper ended with exit code -9" in up.said()
    assert up.worker("notifier") is not None
    assert_a_second_one_is_refused(up)
    addresses = up.addresses()
    assert up.end(signal.SIGTERM) == 0
    assert not (folder / "running.json").exists()
    assert "No ClickHouse is configured and no stack runs" in peserta(up.environment, "coverage", code=69)
    up = start()
    assert up.addresses() == addresses
    assert up.has("C1")
    assert up.end(signal.SIGKILL) == -signal.SIGKILL
    # The file of the killed `up` is still there, but commands must ignore it.
    assert (folder / "running.json").exists()
    assert "No Kafka is configured and no stack is running" in peserta(up.environment, "alerts", code=69)
    up = start()
    assert up.end(signal.SIGKILL, up.part("kafka.Kafka")) == 70
    assert "has ended. Its last words" in up.said()
    assert "Start `peserta up` again: its data is kept." in up.said()


def assert_a_second_one_is_refused(up: Up) -> None:
    """The second `up` names the running one and changes nothing, and the first continues to serve."""
    before = up.told_to_kafka()
    said = peserta(up.environment, "up", code=78)
    assert f"process {up.process.pid}, since " in said
    assert all(address in said for address in up.addresses())
    assert up.told_to_kafka() == before
    assert up.has("C1")


def test_a_book_of_history_stays_one_and_a_killed_up_is_waited_for(start: Callable[..., Up], tmp_path: Path) -> None:
    up = start("--clock", "replay")
    # Start at once, while all processes of the killed `up` still run.
    everything = up.below()
    up.process.kill()
    up.process.wait(UP_LIMIT_S)
    up = start()
    assert not any(map(is_alive, everything))
    assert "Book        of history" in up.said()
    assert up.end(signal.SIGINT) == 0
    assert "Waiting for recorder, bookkeeper, sink" in up.said()
    assert "Waiting for Kafka and ClickHouse" in up.said()
    said = peserta(up.environment, "up", "--clock", "wall", code=78)
    assert "This is a book of history" in said
    assert "--clock replay" in said
    assert "message.timestamp.type" not in said
    up = start()
    everything = up.below()
    up.process.send_signal(signal.SIGINT)
    wait_until(lambda: "Ctrl-C again ends it at once" in up.said())
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(UP_LIMIT_S) == 130
    wait_until(lambda: not any(map(is_alive, everything)), UP_LIMIT_S)


def test_an_up_that_is_not_up_yet_ends_on_a_signal_too(tmp_path: Path) -> None:
    environment = surroundings(data_dir=str(tmp_path / "data"), **new_book())
    with subprocess.Popen([sys.executable, "-m", "peserta", "up"], env=environment, stderr=subprocess.PIPE) as up:
        wait_until((tmp_path / "data" / "stack" / "clickhouse" / "clickhouse.log").exists, UP_LIMIT_S)
        up.send_signal(signal.SIGINT)
        _, said = up.communicate(timeout=UP_LIMIT_S)
    assert up.returncode == 0
    assert b"Stopped before it was up." in said


@pytest.mark.parametrize("why", ["named", "remembered"])
def test_a_port_that_is_taken_is_said_with_whose_it_is_and_the_way_out(why: str, tmp_path: Path) -> None:
    kafka, clickhouse = free_ports(2)
    named = {"kafka_port": str(kafka), "clickhouse_port": str(clickhouse)}
    remember(tmp_path, Remembered(kafka, clickhouse) if why == "remembered" else Remembered())
    with socket.create_server(("127.0.0.1", kafka)):
        environment = surroundings(data_dir=str(tmp_path), **(named if why == "named" else {}))
        said = peserta(environment, "up", code=69)
    assert f"Port {kafka} is taken by process {os.getpid()} " in said
    assert "PESERTA_KAFKA_PORT=" in said
    assert ("had it last time" in said) == (why == "remembered")


def door_is_ready(up: Up) -> bool:
    """Whether the HTTP door answers at its announced address and is ready."""
    (url,) = re.findall(r"^HTTP door +(\S+)/docs$", up.said(), flags=re.MULTILINE)
    return httpx2.get(f"{url}/readyz", trust_env=False).is_success


def publish_today(up: Up, folder: Path) -> None:
    """Publish a fact of today, which a book on the wall clock accepts. The command finds the broker by itself."""
    today = day_text(jakarta_day(now_ms()))
    (folder / "facts.ndjson").write_text(FACT % (today, today), encoding="utf-8")
    assert peserta(up.environment, "publish", str(folder / "facts.ndjson")).startswith("1 published, 0 refused")
