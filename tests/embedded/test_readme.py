"""Checks that the pages are true: runs their commands in order, and compares settings and fields with the code."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.run import ARRIVAL_LIMIT_S
from peserta.intake.reference_files import read_companies, read_policies
from peserta.operations.generations import current_book, read_generations
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from peserta.operations.topics import make_topics
from peserta.settings import PREFIX, Settings
from schemas.admission import Refusal
from schemas.fact_json import admit
from schemas.records import Company, Policy
from sinks.clickhouse.reading import wait_until_caught_up
from tests.support.installation import RestartingService, installation

TOP = Path(__file__).parents[2]
PAGES = ("publishers", "alerts", "analysts", "operators")  # in this order, because each builds on the ones before it
COMMAND_LIMIT_S = 120
NOT_RUN = (". .venv/bin/activate", "peserta up")


def page(name: str) -> str:
    """The text of a page in docs/."""
    return (TOP / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(name), flags=re.DOTALL)


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("pages")
    return installation(stack.kafka_address, stack.clickhouse_url, "readme.", "readme", folder)


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[RestartingService]:
    asyncio.run(make_topics(settings))
    with RestartingService(settings, settings.data_dir / "logs") as service:
        service.start()
        yield service


async def everything_arrived(settings: Settings) -> None:
    """Wait until the service has processed everything. A reader types slowly enough; a test does not."""
    book = settings.of_generation((await read_generations(settings)).current.number)
    streams = book.stream_settings()
    t = streams.topics
    await wait_until_worked(settings.kafka, streams.recorder_app, streams.inbound_names, ARRIVAL_LIMIT_S)
    await wait_until_worked(settings.kafka, streams.recorder_app, [t.policies], ARRIVAL_LIMIT_S)
    await wait_until_worked(settings.kafka, streams.bookkeeper_app, [t.journal], ARRIVAL_LIMIT_S)
    targets = await end_offsets(settings.kafka, [t.journal, t.ledger, t.snapshots, t.alerts, t.dead_letters])
    await wait_until_caught_up(book.sink_settings(), targets, ARRIVAL_LIMIT_S)


def run(script: str, settings: Settings, folder: Path) -> str:
    """The output of a code block when a shell runs it. A failing command fails the test."""
    lines = [line for line in script.splitlines() if not line.startswith(NOT_RUN)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, **settings.environment(), "PATH": path},
        capture_output=True,
        check=False,
        text=True,
        timeout=COMMAND_LIMIT_S,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_pages_work_when_they_are_typed_in_order(
    settings: Settings, running: RestartingService, tmp_path: Path
) -> None:
    said: dict[str, str] = {}
    for name in PAGES:
        for script in blocks(name, "sh"):
            said[name] = said.get(name, "") + run(script, settings, tmp_path)
            asyncio.run(everything_arrived(settings))

    assert "4 published, 0 refused" in said["publishers"]
    assert "C1 half became_evaluable: 1 of 3 (33.33 %), 1 person missing" in said["alerts"]
    assert "C1 half recovered: 2 of 3 (66.66 %)" in said["alerts"]
    assert '"2025-10-31",3,2' in said["analysts"]
    assert '"kind":"company"' in said["analysts"]
    assert said["operators"].count("All is well.") == 4
    assert "Generation 2 is current." in said["operators"]


def test_the_consumer_in_python_prints_alerts(settings: Settings, running: RestartingService, tmp_path: Path) -> None:
    (script,) = blocks("alerts", "python")
    alerts = asyncio.run(current_book(settings)).topics.alerts
    script = script.replace("127.0.0.1:9092", str(settings.kafka)).replace("coverage.alerts.v1", alerts)
    with subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True) as consumer:
        assert consumer.stdout is not None
        first = consumer.stdout.readline()
        consumer.kill()
    assert first.split()[1] in ("firing", "resolved")


def test_every_setting_is_in_the_table_with_its_default() -> None:
    table = page("operators")
    for name, field in Settings.model_fields.items():
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{PREFIX}{name.upper()}`")]
        assert field.description is not None
        assert field.description in row


def test_examples_of_facts_are_facts() -> None:
    lines = [line for script in blocks("publishers", "json") for line in script.splitlines()]
    assert {json.loads(line)["type"] for line in lines} == {"termination", "correction"}
    assert [line for line in lines if isinstance(admit(line.encode()), Refusal)] == []


def test_examples_of_policies_and_companies_are_taken(tmp_path: Path) -> None:
    companies, policies = blocks("publishers", "yaml")
    (tmp_path / "companies.yaml").write_text(companies, encoding="utf-8")
    (tmp_path / "policies.yaml").write_text(policies, encoding="utf-8")
    assert len(read_companies(tmp_path / "companies.yaml")) == len(read_policies(tmp_path / "policies.yaml")) == 1


def test_every_field_that_people_write_is_on_the_publishers_page() -> None:
    named = set(re.findall(r"`(\w+)`", page("publishers")))
    assert {*Policy.__dataclass_fields__} <= named
    assert {*Company.__dataclass_fields__} <= named
