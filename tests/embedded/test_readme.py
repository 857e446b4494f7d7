"""The README tells the truth: its commands are run in their order, its table of settings is held against the code."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.run import ARRIVAL_LIMIT_S
from peserta.operations.generations import read_said, standing_book
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from peserta.operations.making_topics import make_topics
from peserta.settings import PREFIX, Settings
from sinks.clickhouse.reading import wait_until_caught_up
from tests.support.installation import RestartingService, installation

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PAGES = ("For publishers", "For alert consumers", "For analysts", "For operators")
COMMAND_LIMIT_S = 120
NOT_RUN = (". .venv/bin/activate", "peserta up")


def page(title: str) -> str:
    """The text between a heading and the next."""
    return README.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def blocks(title: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page(title), flags=re.DOTALL)


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("readme")
    return installation(stack.kafka_address, stack.clickhouse_url, "readme.", "readme", folder)


@pytest.fixture(scope="module")
def running(settings: Settings) -> Iterator[RestartingService]:
    asyncio.run(make_topics(settings))
    with RestartingService(settings, settings.data_dir / "logs") as service:
        service.start()
        yield service


async def everything_arrived(settings: Settings) -> None:
    """A reader types slowly; a test waits until what was typed has gone all the way."""
    book = settings.of_generation((await read_said(settings)).standing.number)
    streams = book.stream_settings()
    t = streams.topics
    await wait_until_worked(settings.kafka, streams.recorder_app, streams.inbound_names, ARRIVAL_LIMIT_S)
    await wait_until_worked(settings.kafka, streams.recorder_app, [t.policies], ARRIVAL_LIMIT_S)
    await wait_until_worked(settings.kafka, streams.bookkeeper_app, [t.journal], ARRIVAL_LIMIT_S)
    targets = await end_offsets(settings.kafka, [t.journal, t.ledger, t.snapshots, t.alerts, t.dead_letters])
    await wait_until_caught_up(book.sink_settings(), targets, ARRIVAL_LIMIT_S)


def run(script: str, settings: Settings, folder: Path) -> str:
    """The output of a block, typed into a shell; a command that fails fails the test."""
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
    for title in PAGES:
        for script in blocks(title, "sh"):
            said[title] = said.get(title, "") + run(script, settings, tmp_path)
            asyncio.run(everything_arrived(settings))

    assert "4 published, 0 refused" in said["For publishers"]
    assert "C1 half became_evaluable: 1 of 3 (33.33 %), 1 person missing" in said["For alert consumers"]
    assert "C1 half recovered: 2 of 3 (66.66 %)" in said["For alert consumers"]
    assert '"2025-10-31",3,2' in said["For analysts"]
    assert '"kind":"company"' in said["For analysts"]
    assert said["For operators"].count("All is well.") == 4
    assert "Generation 2 stands." in said["For operators"]


def test_the_consumer_in_python_prints_alerts(settings: Settings, running: RestartingService, tmp_path: Path) -> None:
    (script,) = blocks("For alert consumers", "python")
    alerts = standing_book(settings).topics.alerts
    script = script.replace("127.0.0.1:9092", settings.kafka).replace("coverage.alerts.v1", alerts)
    with subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE, text=True) as consumer:
        assert consumer.stdout is not None
        first = consumer.stdout.readline()
        consumer.kill()
    assert first.split()[1] in ("firing", "resolved")


def test_every_setting_is_in_the_table_with_its_default() -> None:
    table = page("For operators")
    for name, field in Settings.model_fields.items():
        (row,) = [line for line in table.splitlines() if f"`{PREFIX}{name.upper()}`" in line]
        assert field.description is not None
        assert field.description in row
