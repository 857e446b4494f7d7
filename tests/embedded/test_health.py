"""Readiness, metrics and shutdown of the real workers on a real Kafka and ClickHouse's engine."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.embedded.ports import free_ports
from deploy.embedded.stack import Stack
from peserta.demo.material import from_story
from peserta.demo.run import Run
from peserta.demo.story import story
from peserta.operations.health.asking import ask
from peserta.operations.health.place import places_of
from peserta.operations.service import NOTIFIER, Service
from peserta.operations.service import ROLES as BOOKS_ROLES
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.fact_json import read_record
from tests.support.installation import installation
from tests.support.waiting import wait_until

END_LIMIT_S = 60.0
READY_LIMIT_S = 120.0
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}
LISTENING = "0A"

ROLES: Final = (*BOOKS_ROLES, NOTIFIER)


@pytest.fixture
def settings(
    kafka_address: str, clickhouse_url: str, topic_prefix: str, clickhouse_database: str, tmp_path: Path
) -> Settings:
    return installation(kafka_address, clickhouse_url, topic_prefix, clickhouse_database, tmp_path)


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    with Service(settings, tmp_path / "logs") as running:
        yield running


def waits(settings: Settings) -> dict[str, set[str]]:
    return {health.role: set(health.waits_for) for health in ask(settings)}


def wait_until_ready(settings: Settings) -> None:
    wait_until(lambda: not any(waits(settings).values()), READY_LIMIT_S)


def wait_until_answering(settings: Settings, *roles: str) -> None:
    wait_until(lambda: all("PROCESS" not in waits(settings).get(role, {"PROCESS"}) for role in roles), READY_LIMIT_S)


def metrics(settings: Settings, role: str) -> str:
    (place,) = places_of(settings.data_dir, role)
    connection = HTTPConnection(urlsplit(place.url).netloc, timeout=10)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def samples(settings: Settings, role: str, name: str, label: str) -> Counter[str]:
    """Value of a label -> sum of its samples."""
    found: Counter[str] = Counter()
    for family in text_string_to_metric_families(metrics(settings, role)):
        for sample in family.samples:
            if sample.name == name:
                found[sample.labels[label]] += int(sample.value)
    return found


def probe(service: Service, *arguments: str) -> int:
    """The exit code of `peserta health`, with the workers' environment."""
    command = [sys.executable, "-m", "peserta", "health", *arguments]
    return subprocess.run(command, check=False, env=service._environment, capture_output=True, timeout=60).returncode


def listening_addresses(pid: int) -> set[str]:
    """The addresses on which a process listens, in the form of Linux's /proc."""
    inodes = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir() if each.is_symlink()}
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in rows if row[3] == LISTENING and f"socket:[{row[9]}]" in inodes}


def test_workers_are_ready_once_they_have_their_partitions_and_their_metrics_add_up(
    settings: Settings, service: Service
) -> None:
    service.start(*ROLES)
    wait_until_answering(settings, *ROLES)
    # There are no topics, so Kafka cannot assign a partition.
    assert waits(settings) == {
        "recorder": {"BROKER", "ASSIGNMENT"},
        "bookkeeper": {"BROKER", "ASSIGNMENT"},
        "sink": {"BEGIN"},
        "notifier": {"BEGIN"},
    }
    assert probe(service, "sink") == probe(service, "notifier") == 1
    asyncio.run(make_topics(settings))
    wait_until_ready(settings)
    assert probe(service) == probe(service, "recorder") == 0
    for process in service.processes.values():
        addresses = listening_addresses(process.pid)
        assert addresses
        assert addresses <= LOOPBACK

    run = Run(settings, from_story(story(scale=0.05)), service, say=lambda _: None)
    run.publish(run.material.lines)
    run.arrive()

    assert_counts_add_up(settings, run)
    assert_no_ids(settings, run)
    assert_all_end(settings, service)
    assert probe(service) == 1


def assert_counts_add_up(settings: Settings, run: Run) -> None:
    t = settings.topics
    by_recorder = samples(settings, "recorder", "peserta_recorder_records_total", "disposition")
    assert by_recorder.total() == run.sent.records
    assert by_recorder["recorded"] == len(run.sent.lines)
    refused = Counter(f"dead_letter:{raw.reason}" for raw in run.sent.raw.values())
    assert {what: count for what, count in by_recorder.items() if what != "recorded"} == refused
    by_book = samples(settings, "bookkeeper", "peserta_bookkeeper_facts_total", "disposition")
    assert by_book.total() == by_recorder["recorded"]
    assert by_book["applied"] > 0
    done = samples(settings, "bookkeeper", "peserta_lane_records_total", "topic")[t.journal]
    assert done == by_recorder["recorded"] + settings.partitions, "a tick for each partition"
    wait_until(lambda: samples(settings, "sink", "peserta_sink_records_total", "topic")[t.journal] == done)
    assert samples(settings, "sink", "peserta_sink_records_total", "topic")[t.ledger] == by_book.total()
    alerts = samples(settings, "bookkeeper", "peserta_bookkeeper_alerts_total", "status")
    assert samples(settings, "sink", "peserta_sink_records_total", "topic")[t.alerts] == alerts.total()
    for role, name in (("bookkeeper", "peserta_lane_lag_offsets"), ("sink", "peserta_sink_lag_offsets")):
        lags = samples(settings, role, name, "topic")
        assert t.journal in lags
        assert lags.total() == 0


def assert_no_ids(settings: Settings, run: Run) -> None:
    texts = [metrics(settings, role) for role in ROLES]
    facts: list[Any] = [read_record(line) for _, line in run.material.lines]
    ids = {part for line in facts for part in (line.fact.company_id, line.fact.worker_id, line.fact.event_id)}
    assert len(ids) > len(facts)
    assert not [each for each in ids if any(f'"{each}"' in text for text in texts)]


def assert_all_end(settings: Settings, service: Service) -> None:
    for role in ROLES:
        service.processes[role].send_signal(signal.SIGTERM)
    assert {role: service.processes[role].wait(END_LIMIT_S) for role in ROLES} == dict.fromkeys(ROLES, 0)
    assert {health.role for health in ask(settings) if health.url is None} == set(BOOKS_ROLES)


def test_workers_that_wait_for_servers_that_are_not_there_end_on_a_signal_too(
    topic_prefix: str, clickhouse_database: str, tmp_path: Path
) -> None:
    kafka, clickhouse = free_ports(2)
    settings = installation(
        f"127.0.0.1:{kafka}", f"http://127.0.0.1:{clickhouse}", topic_prefix, clickhouse_database, tmp_path
    )
    with Service(settings, tmp_path / "logs") as service:
        service.start(*ROLES)
        wait_until_answering(settings, *ROLES)
        assert_all_end(settings, service)


def test_a_worker_whose_broker_is_gone_is_not_ready_until_it_is_back(topic_prefix: str, tmp_path: Path) -> None:
    with Stack(tmp_path / "stack", clickhouse=False) as own:
        settings = installation(own.kafka_address, "", topic_prefix, "none", tmp_path)
        asyncio.run(make_topics(settings))
        with Service(settings, tmp_path / "logs") as service:
            service.start("recorder")
            wait_until(lambda: not waits(settings)["recorder"], READY_LIMIT_S)
            own.kafka.stop()
            wait_until(lambda: "BROKER" in waits(settings)["recorder"], READY_LIMIT_S)
            own.kafka.start()
            wait_until(lambda: not waits(settings)["recorder"], READY_LIMIT_S)
            assert service.ended() == {}
