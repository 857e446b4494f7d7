"""A story that went through the service by commands alone, and the output of these commands."""

import asyncio
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.stack import Stack
from peserta.demo.run import ARRIVAL_LIMIT_S
from peserta.demo.story import DEFAULT_SEED, Story, StoryFiles, story, write
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from peserta.operations.service import Service
from peserta.settings import PREFIX, Settings
from schemas.public_json import JsonObject
from sinks.clickhouse.reading import wait_until_caught_up
from tests.support.installation import installation

TOP: Final = Path(__file__).parents[2]
SCALE: Final = 0.05
COMMAND_LIMIT_S: Final = 120
BEFORE_EVERYTHING: Final = "2024-01-01T00:00:00+07:00"


def surroundings(**settings: str) -> dict[str, str]:
    """The environment of a command, with these settings and no others."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, "PYTHONPATH": str(TOP), **{PREFIX + name.upper(): value for name, value in settings.items()}}


def peserta(environment: dict[str, str], *arguments: str, code: int = 0) -> str:
    """The command's standard output. It must end with this exit code, and never with a traceback."""
    command = [sys.executable, "-m", "peserta", *arguments]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=COMMAND_LIMIT_S, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def on_terminal(environment: dict[str, str], width: int, *arguments: str) -> str:
    """What the command writes to a terminal of this width, without colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 25, width, 0, 0))
    command = [sys.executable, "-m", "peserta", *arguments]
    with subprocess.Popen(command, stdout=theirs, stderr=subprocess.STDOUT, env=environment) as process:
        os.close(theirs)
        said = b""
        with suppress(OSError):  # Linux raises it when the other end is closed
            while piece := os.read(ours, 1 << 16):
                said += piece
    os.close(ours)
    assert process.returncode == 0, said
    return re.sub(r"\x1b\[[0-9;]*m", "", said.decode()).replace("\r\n", "\n")


def objects(text: str) -> list[JsonObject]:
    return [json.loads(line) for line in text.splitlines()]


@dataclass
class Told:
    """A story that went through the service by commands, and their output."""

    story: Story
    files: StoryFiles
    settings: Settings
    environment: dict[str, str]
    said: dict[str, str]

    def ask(self, *arguments: str, code: int = 0) -> str:
        return peserta(self.environment, *arguments, code=code)


@contextmanager
def told_book(stack: Stack, name: str, folder: Path) -> Iterator[Told]:
    """A book of its own, with its workers running."""
    settings = installation(stack.kafka_address, stack.clickhouse_url, f"{name}.", name, folder / "data")
    made = story(DEFAULT_SEED, SCALE)
    book = Told(made, write(made, folder / "story"), settings, surroundings() | settings.environment(), {})
    apply = ["--recorded-at", BEFORE_EVERYTHING]
    book.said["topics create"] = book.ask("topics", "create")
    with Service(settings, folder / "logs") as service:
        service.start()
        book.said["policies apply"] = book.ask("policies", "apply", str(book.files.policies), *apply)
        book.said["companies apply"] = book.ask("companies", "apply", str(book.files.companies), *apply)
        recorded(settings)
        # The story has facts that the book refuses.
        book.said["publish"] = book.ask("publish", "--json", str(book.files.facts), code=1)
        book.said["tick"] = book.ask("tick", made.as_of)
        arrived(settings)
        yield book
        service.check()


def recorded(settings: Settings) -> None:
    """Wait until all policies and registry entries are in the journal."""
    streams = settings.stream_settings()
    reference = [streams.topics.policies, streams.topics.companies]
    asyncio.run(wait_until_worked(settings.kafka, streams.recorder_app, reference, ARRIVAL_LIMIT_S))


def arrived(settings: Settings) -> None:
    """Wait until the book is up to date and ClickHouse has all of it."""
    streams, topics = settings.stream_settings(), settings.topics
    asyncio.run(wait_until_worked(settings.kafka, streams.bookkeeper_app, [topics.journal], ARRIVAL_LIMIT_S))
    outputs = [topics.journal, topics.ledger, topics.snapshots, topics.alerts, topics.dead_letters]
    targets = asyncio.run(end_offsets(settings.kafka, outputs))
    asyncio.run(wait_until_caught_up(settings.sink_settings(), targets, ARRIVAL_LIMIT_S))


def offline(folder: Path, as_of: str) -> list[JsonObject]:
    """The output of `simulate` for the files of a folder."""
    rules = ["--policies", str(folder / "policies.yaml"), "--companies", str(folder / "companies.yaml")]
    return objects(peserta(surroundings(), "simulate", *rules, "--as-of", as_of, str(folder / "facts.ndjson")))


def without_lines(said: list[JsonObject], kind: str) -> list[JsonObject]:
    """The objects of one kind, by company, without the fields that only a file has."""
    kept = [
        {name: value for name, value in o.items() if name not in ("line", "kind")} for o in said if o["kind"] == kind
    ]
    return sorted(kept, key=lambda o: str(o["company_id"]))
