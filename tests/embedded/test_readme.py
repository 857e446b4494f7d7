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
from peserta.intake.subscription_files import SUBSCRIPTION_FIELDS
from peserta.operations.generations import current_book, read_generations
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from peserta.operations.topics import make_topics
from peserta.settings import PREFIX, Settings
from schemas.admission import Refusal
from schemas.contacts import Contact
from schemas.fact_json import admit
from schemas.records import Company, Policy
from schemas.registry import FixedRegistry, schema_text
from schemas.topics import ALERTS, FACTS
from sinks.clickhouse.reading import wait_until_caught_up
from tests.support.http_process import HttpProcess
from tests.support.installation import RestartingService, installation

TOP = Path(__file__).parents[2]
CLIENT = TOP / "clients" / "python" / "src"
PAGES = ("publishers", "alerts", "analysts", "operators")  # in this order, because each builds on the ones before it
COMMAND_LIMIT_S = 120
USUAL_KAFKA = "127.0.0.1:9092"
USUAL_DOOR = "http://127.0.0.1:8080"
NOT_RUN = (". .venv/bin/activate", "peserta up")


def page(name: str) -> str:
    """The text of a page in docs/."""
    return (TOP / "docs" / f"{name}.md").read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    return [text for named, text in code(name) if named == language]


def code(name: str) -> list[tuple[str, str]]:
    """(language, text) of each code block of a page, in order."""
    return re.findall(r"```(\w*)\n(.*?)```", page(name), flags=re.DOTALL)


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


@pytest.fixture(scope="module")
def door(settings: Settings, running: RestartingService) -> Iterator[HttpProcess]:
    with HttpProcess(settings, settings.data_dir / "logs" / "api.log") as made:
        yield made


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


def run(command: list[str], settings: Settings, folder: Path) -> str:
    """The output of a command in an installation. A failing command fails the test."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **settings.environment(), "PATH": path, "PYTHONPATH": str(CLIENT)},
        capture_output=True,
        check=False,
        text=True,
        timeout=COMMAND_LIMIT_S,
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def typed(script: str, door: HttpProcess, settings: Settings, folder: Path) -> str:
    """The output of a code block when a shell runs it."""
    lines = [line for line in script.splitlines() if not line.startswith(NOT_RUN)]
    return run(["bash", "-eu", "-c", "\n".join(lines).replace(USUAL_DOOR, door.url)], settings, folder)


def program(script: str, settings: Settings, topic: str, own: str) -> list[str]:
    """The command of a program in Python, with the brokers of this installation and with its `own` name of a topic."""
    return [sys.executable, "-u", "-c", script.replace(USUAL_KAFKA, str(settings.kafka)).replace(topic, own)]


# Every command of these pages, one after the other: on a busy machine they took nearly the usual limit.
@pytest.mark.timeout(900)
def test_the_pages_work_when_they_are_typed_in_order(
    settings: Settings, running: RestartingService, door: HttpProcess, tmp_path: Path
) -> None:
    said: dict[str, str] = {}
    for name in PAGES:
        for language, script in code(name):
            if language == "sh":
                words = typed(script, door, settings, tmp_path)
            elif language == "python" and name == "publishers":
                words = run(program(script, settings, FACTS, settings.topic_prefix + FACTS), settings, tmp_path)
            else:
                continue
            said[name] = said.get(name, "") + words
            asyncio.run(everything_arrived(settings))

    assert '{"accepted":1,"refused":[]}' in said["publishers"]
    assert "1 fact acknowledged" in said["publishers"]
    assert '"http","w1","applied"\n"python","w2","applied"\n' in said["publishers"]
    assert "4 published, 0 refused" in said["publishers"]
    assert "C1 half became_evaluable: 1 of 3 (33.33 %), 1 person missing" in said["alerts"]
    assert "C1 half recovered: 2 of 3 (66.66 %)" in said["alerts"]
    assert '"2025-10-31",3,2' in said["analysts"]
    assert '"kind":"company"' in said["analysts"]
    (answer,) = blocks("analysts", "text")
    assert answer in said["analysts"]
    assert said["operators"].count("All is well.") == 4
    assert "Generation 2 is current." in said["operators"]


def test_the_consumer_in_python_prints_alerts(settings: Settings, running: RestartingService, tmp_path: Path) -> None:
    (script,) = [block for block in blocks("alerts", "python") if "AIOKafkaConsumer" in block]
    command = program(script, settings, ALERTS, asyncio.run(current_book(settings)).topics.alerts)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as consumer:
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


@pytest.mark.parametrize("language", ["java", "go"])
def test_the_program_that_no_test_runs_has_the_topic_the_schema_and_its_fields(language: str) -> None:
    (script,) = blocks("publishers", language)
    schema = schema_text("hire.avsc")
    named = set(re.findall(r'"([\w.-]+)"', script))
    assert {FACTS, "hire.avsc", *(field["name"] for field in schema["fields"])} <= named
    assert re.search(rf"(?i)\bhire(id)? = {FixedRegistry().latest_id('hire')}\b", script)


def test_examples_of_policies_and_companies_are_taken(tmp_path: Path) -> None:
    companies, policies = blocks("publishers", "yaml")
    (tmp_path / "companies.yaml").write_text(companies, encoding="utf-8")
    (tmp_path / "policies.yaml").write_text(policies, encoding="utf-8")
    assert len(read_companies(tmp_path / "companies.yaml")) == len(read_policies(tmp_path / "policies.yaml")) == 1


def test_every_field_that_people_write_is_on_a_page() -> None:
    named = set(re.findall(r"`(\w+)`", page("publishers")))
    assert {*Policy.__dataclass_fields__} <= named
    assert {*Company.__dataclass_fields__} - {"team"} <= named  # a file has both kinds of contacts under one name
    assert {*Contact.__dataclass_fields__} <= named
    assert {*SUBSCRIPTION_FIELDS} <= set(re.findall(r"`(\w+)`", page("alerts")))
