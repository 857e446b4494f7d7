"""Health: the answers of an endpoint, its addresses, and the exit code of `peserta health`."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from enum import Enum
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge
from typer.testing import CliRunner

from peserta.cli.main import app
from peserta.operations.failure import Failed, NotAsAsked
from peserta.operations.health.asking import LAGS, ask, counted
from peserta.operations.health.endpoint import SILENT, Probe
from peserta.operations.health.place import FOLDER, announced, places_of, url_of
from peserta.operations.health.pulse import SILENCE_LIMIT_S, Pulse
from peserta.operations.health.serving import serving
from peserta.settings import Settings, read_settings
from sinks.clickhouse.metrics import SinkMetrics
from streams.lane.records import Committed
from streams.metrics import LaneMetrics


class Waiting(Enum):
    BROKER = "The broker does not answer."
    STATE = "State is being recovered."


class Worker:
    """A worker with its endpoint. The test sets its status."""

    def __init__(self, folder: Path, role: str = "recorder") -> None:
        self.now_s, self.waits, self.folder = 0.0, [Waiting.BROKER, Waiting.STATE], folder
        self.registry = CollectorRegistry()
        self.told = Probe(role, lambda: self.waits, Pulse(lambda: self.now_s), self.registry)
        self._closing = ExitStack()

    def __enter__(self) -> "Worker":
        self._closing.enter_context(serving(self.told, bind="127.0.0.1", port=0, data_dir=self.folder))
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    @property
    def port(self) -> int:
        (place,) = places_of(self.folder, self.told.role)
        return urlsplit(place.url).port or 0

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path)
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with Worker(tmp_path) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(data_dir=tmp_path)


def test_readiness_says_what_is_waited_for_and_then_that_nothing_is(worker: Worker) -> None:
    status, text = worker.get("/readyz")
    waits = {"BROKER": "The broker does not answer.", "STATE": "State is being recovered."}
    assert (status, json.loads(text)) == (503, {"role": "recorder", "ready": False, "waits_for": waits})
    worker.waits = []
    # Answers have different lengths.
    status, text = worker.get("/readyz")
    assert (status, json.loads(text)) == (200, {"role": "recorder", "ready": True, "waits_for": {}})
    worker.waits = [Waiting.STATE]
    assert json.loads(worker.get("/readyz")[1])["waits_for"] == {"STATE": "State is being recovered."}


PULSES = {
    "while its loop turns": (1.0, 200, 200),
    "until the limit": (SILENCE_LIMIT_S, 200, 200),
    "when its loop has not turned for too long": (SILENCE_LIMIT_S + 0.1, 503, 503),
}


@pytest.mark.parametrize(("silence_s", "live", "ready"), PULSES.values(), ids=PULSES)
def test_a_worker_is_alive(worker: Worker, silence_s: float, live: int, ready: int) -> None:
    worker.waits, worker.now_s = [], silence_s
    assert worker.get("/livez")[0] == live
    assert worker.get("/readyz")[0] == ready
    if ready == 503:
        assert list(json.loads(worker.get("/readyz")[1])["waits_for"]) == [SILENT]


async def test_a_pulse_beats_with_its_loop() -> None:
    beaten = asyncio.Semaphore(0)

    def now() -> float:
        beaten.release()
        return 0.0

    Pulse(now).start(asyncio.get_running_loop())
    async with asyncio.timeout(10):
        for _ in ("construction", "start", "first turn", "second turn"):
            await beaten.acquire()


def test_metrics_are_prometheus_text(worker: Worker) -> None:
    Counter("peserta_test_total", "A sentence.", ["topic"], registry=worker.registry).labels("a").inc(2)
    status, text = worker.get("/metrics")
    assert status == 200
    assert (
        '# HELP peserta_test_total A sentence.\n# TYPE peserta_test_total counter\npeserta_test_total{topic="a"} 2.0'
        in text
    )


OTHERS = {"an unknown path": ("/", "GET", 404), "another method": ("/readyz", "POST", 405)}


@pytest.mark.parametrize(("path", "method", "status"), OTHERS.values(), ids=OTHERS)
def test_nothing_else_is_answered(worker: Worker, path: str, method: str, status: int) -> None:
    found, text = worker.get(path, method)
    assert found == status
    assert "error" in json.loads(text)


def test_an_endpoint_and_its_file_go_with_the_worker(worker: Worker) -> None:
    port = worker.port
    worker.__exit__()
    assert places_of(worker.folder, "recorder") == []
    assert list((worker.folder / FOLDER).iterdir()) == []
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=10):
        pass


def test_without_a_port_there_is_no_endpoint(tmp_path: Path) -> None:
    with serving(Probe("sink", lambda: ()), bind="127.0.0.1", port=None, data_dir=tmp_path) as say:
        say()
        assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_refused_with_a_way_out(worker: Worker, tmp_path: Path) -> None:
    told = Probe("sink", lambda: ())
    refused = pytest.raises(Failed, match=rf"127\.0\.0\.1, port {worker.port}: .*PESERTA_HEALTH_PORT")
    with refused, serving(told, bind="127.0.0.1", port=worker.port, data_dir=tmp_path):
        pass


def test_a_folder_that_takes_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "health").write_text("not a folder")
    refused = pytest.raises(Failed, match="PESERTA_DATA_DIR")
    with refused, serving(Probe("sink", lambda: ()), bind="127.0.0.1", port=0, data_dir=tmp_path):
        pass


def test_each_of_two_workers_of_a_role_is_seen_until_it_ends(worker: Worker, settings: Settings) -> None:
    worker.waits = []
    with Worker(worker.folder) as second:
        assert sorted(health.ready for health in ask(settings, ["recorder"])) == [False, True]
        second.waits = []
        assert [health.ready for health in ask(settings, ["recorder"])] == [True, True]
    assert [health.ready for health in ask(settings, ["recorder"])] == [True]


REACHED = {
    "loopback": ("127.0.0.1", "http://127.0.0.1:80"),
    "every address": ("0.0.0.0", "http://127.0.0.1:80"),
    "an address": ("10.0.0.7", "http://10.0.0.7:80"),
    "loopback of version 6": ("::1", "http://[::1]:80"),
    "every address of version 6": ("::", "http://[::1]:80"),
}


@pytest.mark.parametrize(("bind", "url"), REACHED.values(), ids=REACHED)
def test_an_endpoint_is_reached_from_its_machine(bind: str, url: str) -> None:
    assert url_of(bind, 80) == url


PORTS = {
    "by default a free one": (None, 0),
    "one": ("9100", 9100),
    "empty: none": ("", None),
    "negative: none": ("-1", None),
}


@pytest.mark.parametrize(("text", "port"), PORTS.values(), ids=PORTS)
def test_the_port_of_the_settings(monkeypatch: pytest.MonkeyPatch, text: str | None, port: int | None) -> None:
    monkeypatch.delenv("PESERTA_HEALTH_PORT", raising=False)
    if text is not None:
        monkeypatch.setenv("PESERTA_HEALTH_PORT", text)
    made = read_settings()
    assert made.health_listens_on == port
    monkeypatch.setenv("PESERTA_HEALTH_PORT", made.environment()["PESERTA_HEALTH_PORT"])
    assert read_settings().health_listens_on == port


def test_asking_tells_ready_not_ready_and_not_running_apart(worker: Worker, settings: Settings) -> None:
    with Worker(worker.folder, "sink") as sink:
        sink.waits = []
        found = {health.role: (health.ready, list(health.waits_for)) for health in ask(settings)}
    assert found == {
        "recorder": (False, ["BROKER", "STATE"]),
        "bookkeeper": (False, ["PROCESS"]),
        "sink": (True, []),
    }


def test_a_configured_port_is_asked_when_no_worker_has_said_where_it_is(worker: Worker, tmp_path: Path) -> None:
    worker.waits = []
    elsewhere = read_settings(data_dir=tmp_path / "elsewhere", health_port=worker.port)
    assert [(health.role, health.ready) for health in ask(elsewhere)] == [
        ("recorder", True),
        ("bookkeeper", False),  # another worker answers at the address
        ("sink", False),
    ]


KILLED = """
import os, signal, sys
from pathlib import Path
from peserta.operations.health.place import announced
with announced(Path(sys.argv[1]), "recorder", "http://127.0.0.1:9"):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_worker_that_was_killed_has_left_is_passed_over_and_goes_with_the_next(
    worker: Worker, settings: Settings
) -> None:
    worker.waits = []
    assert subprocess.run([sys.executable, "-c", KILLED, str(worker.folder)], check=False).returncode == -9
    assert len(list((worker.folder / FOLDER).iterdir())) == 2
    (health,) = ask(settings, ["recorder"])
    assert (health.ready, health.pid) == (True, os.getpid())
    with announced(worker.folder, "sink", "http://127.0.0.1:9"):
        assert len(list((worker.folder / FOLDER).iterdir())) == 2


MANY = """
import sys
from pathlib import Path
from peserta.operations.health.place import announced
for _ in range(300):
    with announced(Path(sys.argv[1]), "recorder", "http://127.0.0.1:9"):
        pass
"""


def test_workers_that_start_together_leave_each_others_files_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MANY, str(tmp_path)]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(4)]
    said = [worker.communicate(timeout=60)[1].decode() for worker in workers]
    assert [(worker.returncode, words) for worker, words in zip(workers, said, strict=True)] == [(0, "")] * 4
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_a_worker_that_runs_and_does_not_answer_is_not_ready(settings: Settings) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = url_of("127.0.0.1", unused.getsockname()[1])
        with announced(settings.data_dir, "recorder", url):
            (health,) = ask(settings, ["recorder"])
    assert (health.url, health.pid, list(health.waits_for)) == (url, os.getpid(), ["PROCESS"])


@pytest.mark.parametrize("name", sorted(LAGS))
def test_how_far_a_worker_is_behind_is_the_sum_of_its_partitions(name: str, worker: Worker, settings: Settings) -> None:
    assert ask(settings, ["recorder"])[0].behind is None
    gauge = Gauge(name, "A sentence.", ["topic", "partition"], registry=worker.registry)
    for topic, partition, offsets in (("a", 0, 2), ("a", 1, 3), ("b", 0, 0)):
        gauge.labels(topic, partition).set(offsets)
    (health,) = ask(settings, ["recorder"])
    assert (health.lag, health.behind) == ({"a": 5, "b": 0}, 5)


def test_what_is_counted_of_the_lag_is_what_workers_count() -> None:
    registry = CollectorRegistry()
    lane, sink = LaneMetrics(registry), SinkMetrics(registry)
    lane.taken()
    lane.committed(Committed("a", 0, next_offset=3, end_offset=10, records=1, written=1, step_seconds=0.0, seconds=0.0))
    sink.carried([], {("b", 0): 8}, 0.0)
    said = {sample.name for family in registry.collect() for sample in family.samples if sample.value in (7, 8)}
    assert said == LAGS


def test_counts_are_summed_over_their_labels(worker: Worker, settings: Settings) -> None:
    counter = Counter("peserta_test_total", "A sentence.", ["topic"], registry=worker.registry)
    counter.labels("a").inc(2)
    counter.labels("b").inc(3)
    assert counted(settings, "recorder")["peserta_test_total"] == 5
    assert counted(settings, "sink") == {}


@pytest.fixture
def health(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name in ("KAFKA", "HEALTH_PORT"):
        monkeypatch.delenv(f"PESERTA_{name}", raising=False)
    monkeypatch.setenv("PESERTA_DATA_DIR", str(worker.folder))
    return CliRunner()


def test_the_command_is_a_probe_for_one_worker(worker: Worker, health: CliRunner) -> None:
    assert isinstance(health.invoke(app, ["health", "recorder"]).exception, Failed)
    worker.waits = []
    ended = health.invoke(app, ["health", "recorder"])
    assert ended.exit_code == 0
    assert "ready" in ended.output


def test_the_command_succeeds_only_if_all_are_ready(worker: Worker, health: CliRunner) -> None:
    worker.waits = []
    ended = health.invoke(app, ["health"])
    assert isinstance(ended.exception, Failed)
    assert str(ended.exception) == "Not ready: bookkeeper, sink."
    assert isinstance(ended.exception, NotAsAsked)


def test_the_command_gives_json_also_when_something_is_not_ready(worker: Worker, health: CliRunner) -> None:
    ended = health.invoke(app, ["health", "recorder", "--json"])
    said = json.loads(ended.output)
    assert said["ready"] is False
    assert list(said["workers"][0]["waits_for"]) == ["BROKER", "STATE"]
    assert (said["workers"][0]["pid"], said["workers"][0]["behind"], said["workers"][0]["lag"]) == (
        os.getpid(),
        None,
        {},
    )


def test_an_unknown_worker_is_wrong_use(health: CliRunner) -> None:
    assert health.invoke(app, ["health", "broker"]).exit_code == 2
