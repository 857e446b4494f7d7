"""`peserta publish` as a real process on a real Kafka with workers. It reports the fate of each line."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from peserta.operations.folding_code import digest_of_code
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from peserta.operations.rebuild.announcement import Announcement
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.dates import instant
from schemas.fact_json import line_of
from schemas.generation import Generation
from schemas.records import Fact
from tests.support.facts import enrollment, hire, termination
from tests.support.group_offsets import forget_progress
from tests.support.installation import RestartingService, installation
from tests.support.waiting import wait_until

LIMIT_S: Final = 90.0
SILENCE_S: Final = "2"  # for tests in which no answer can come
MANY: Final = 40_000  # enough to kill a worker before it has finished


@dataclass(frozen=True)
class Said:
    """The command's exit code, refused lines, counts and standard error."""

    code: int
    refused: list[dict[str, Any]]
    summary: dict[str, Any]
    err: str

    def counts(self, *names: str) -> tuple[Any, ...]:
        return tuple(self.summary[name] for name in names)


class Publishing:
    """A running `peserta publish`."""

    def __init__(self, settings: Settings, *arguments: object, stdin: int | None = subprocess.DEVNULL) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "peserta", "publish", *map(str, arguments)],
            env={**os.environ, **settings.environment()},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def ends(self, given: bytes | None = None) -> tuple[int, str, str]:
        """Wait for the end: exit code, standard output, standard error. Fails on a traceback."""
        try:
            out, err = self.process.communicate(given, timeout=LIMIT_S)
        except BaseException:
            self.process.kill()
            raise
        assert b"Traceback" not in err, err
        return self.process.returncode, out.decode(), err.decode()

    def said(self, given: bytes | None = None) -> Said:
        """The parsed result of a command with --json."""
        code, out, err = self.ends(given)
        *refused, summary = [json.loads(line) for line in out.splitlines()] or [{}]
        return Said(code, refused, summary, err)


@pytest.fixture
def settings(
    kafka_address: str, clickhouse_url: str, topic_prefix: str, clickhouse_database: str, tmp_path: Path
) -> Settings:
    made = installation(kafka_address, clickhouse_url, topic_prefix, clickhouse_database, tmp_path / "data")
    asyncio.run(make_topics(made))
    return made


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[RestartingService]:
    with RestartingService(settings, tmp_path / "logs") as running:
        yield running


def publish(settings: Settings, *arguments: object) -> Said:
    return Publishing(settings, "--json", *arguments).said()


def text_of(facts: Iterable[Fact]) -> bytes:
    return "".join(f"{line_of(fact)}\n" for fact in facts).encode()


def written(path: Path, *facts: Fact) -> Path:
    path.write_bytes(text_of(facts))
    return path


def many(count: int) -> list[Fact]:
    """So many hires, each of another worker, in a few companies."""
    return [hire(f"e{n}", "2025-09-01", worker=f"w{n}", company=f"C{n % 7}") for n in range(count)]


def ends_of(settings: Settings, topic: str) -> int:
    return sum(asyncio.run(end_offsets(settings.kafka, [topic])).values())


FACTS: Final = (hire("e1", "2025-09-01"), enrollment("e2", "2025-09-02"), hire("e3", "2025-09-01", worker="w2"))
FATES: Final = ("sent", "applied", "no_effect", "duplicate", "not_in_book", "not_recorded")


def test_every_way_in_is_read_once_and_sent_whole(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    text = text_of(FACTS)
    first = Publishing(settings, "--json", "-", stdin=subprocess.PIPE).said(text)
    assert (first.code, first.counts(*FATES)) == (0, (3, 3, 0, 0, 0, 0)), first.err
    assert first.err == ""
    device = Publishing(settings, "--json", "/dev/stdin", stdin=subprocess.PIPE).said(text)
    assert (device.code, device.counts(*FATES)) == (0, (3, 0, 0, 3, 0, 0)), device.err

    os.mkfifo(tmp_path / "fifo")
    fifo = Publishing(settings, "--json", tmp_path / "fifo")
    (tmp_path / "fifo").write_bytes(text)
    piped = fifo.said()
    assert (piped.code, piped.counts(*FATES)) == (0, (3, 0, 0, 3, 0, 0)), piped.err

    empty = Publishing(settings, "--json", "-", stdin=subprocess.PIPE).said(b"\n")
    assert (empty.code, empty.summary["lines"]) == (1, 0)
    assert empty.err == "There are no facts in standard input.\n"
    assert Publishing(settings, "--json", "--allow-empty", "-").said().code == 0
    assert ends_of(settings, settings.topics.facts) == 9


def test_a_conversion_run_twice_is_refused_and_says_so(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    facts = [hire(f"e{n}", "2025-09-01", worker=f"w{n}") for n in range(40)]
    again = [fact._replace(occurred_at=fact.occurred_at + 1) for fact in facts]
    assert publish(settings, written(tmp_path / "first.ndjson", *facts)).code == 0
    foreseen = publish(settings, "--dry-run", written(tmp_path / "again.ndjson", *again, facts[0]))
    assert (foreseen.code, foreseen.summary["is_compared"]) == (1, True)
    assert foreseen.counts("new", "duplicate", "refused") == (
        0,
        1,
        {"publish": {}, "recorder": {}, "book": {"id_conflict": 40}},
    )

    found = publish(settings, tmp_path / "again.ndjson")
    assert (found.code, found.counts(*FATES)) == (1, (41, 0, 0, 1, 0, 0))
    assert found.summary["refused"] == foreseen.summary["refused"]
    where = [(line["line"], line["event_id"], line["by"], line["reason"]) for line in found.refused]
    assert sorted(where) == [(n + 1, f"e{n}", "book", "id_conflict") for n in range(40)]
    assert [{**line, "file": ""} for line in foreseen.refused] == sorted(
        ({**line, "file": ""} for line in found.refused), key=lambda line: line["line"]
    )

    code, out, err = Publishing(settings, tmp_path / "again.ndjson").ends()
    assert (code, out.splitlines()[0]) == (1, "41 published, 40 refused")
    assert "refused by the book" in out
    assert "id_conflict (40): the same event_id was recorded with other content" in err


def test_each_line_ends_where_the_service_has_put_it(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    file = tmp_path / "facts.ndjson"
    mixed = [
        line_of(FACTS[0]),
        line_of(termination("e9", "2025-09-03", worker="w9")),
        "no fact",
        line_of(hire("e5", "2125-09-01", at="2025-09-01T00:00:00Z")),
        line_of(FACTS[0]),
        "",
        line_of(hire("e1", "2025-09-02")),
        line_of(hire("e6", "2025-09-01", worker="w6"), instant("2199-01-01T00:00:00Z")),
    ]
    file.write_text("\n".join(mixed), encoding="utf-8")
    foreseen, found = publish(settings, "-n", file), publish(settings, file)
    expected = {
        (3, None, "publish", "decode_error"),
        (4, "e5", "recorder", "effective_on_out_of_range"),
        (7, "e1", "book", "id_conflict"),
        (8, "e6", "publish", "recorded_in_future"),
    }
    for said in (foreseen, found):
        assert {(line["line"], line["event_id"], line["by"], line["reason"]) for line in said.refused} == expected
        assert {line["file"] for line in said.refused} == {str(file)}
        assert said.code == 1
    assert found.counts(*FATES) == (5, 1, 1, 1, 0, 0)
    assert foreseen.counts("new", "duplicate") == (2, 1)
    assert ends_of(settings, settings.topics.facts) == 5


def test_what_is_meant_to_be_recorded_in_the_future_is_taken(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    file = tmp_path / "facts.ndjson"
    file.write_text(line_of(hire("e1", "2059-09-01", at="2060-01-01T00:00:00Z")), encoding="utf-8")
    guarded = publish(settings, file)
    assert (guarded.code, guarded.summary["refused"]["publish"]) == (1, {"recorded_in_future": 1})
    meant = publish(settings, "--allow-future", file)
    assert (meant.code, meant.counts(*FATES)) == (0, (1, 1, 0, 0, 0, 0))


def test_what_is_not_yet_known_is_said_and_no_failure(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    file = written(tmp_path / "facts.ndjson", *FACTS)
    nobody = publish(settings, "--wait", SILENCE_S, file)
    assert (nobody.code, nobody.counts(*FATES)) == (0, (3, 0, 0, 0, 0, 3))
    assert "have no disposition yet" in nobody.err
    service.start("recorder")
    streams = settings.stream_settings()
    asyncio.run(wait_until_worked(settings.kafka, streams.recorder_app, [settings.topics.facts], LIMIT_S))
    recorded = publish(settings, "--wait", SILENCE_S, file)
    assert (recorded.code, recorded.counts(*FATES)) == (0, (3, 0, 0, 0, 3, 0))
    unheard = publish(settings, "--no-wait", file)
    assert (unheard.code, unheard.counts(*FATES)) == (0, (3, None, None, None, None, None))
    service.start("bookkeeper")
    assert publish(settings, file).counts(*FATES) == (3, 0, 0, 3, 0, 0)


def test_lines_are_followed_in_the_generation_that_stands(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    asyncio.run(make_topics(settings.of_generation(2)))

    async def announce() -> None:
        async with await Announcement.open(settings) as announcement:
            await announcement.stands(Generation(2, 0, digest_of_code(), settings.grace_days))

    asyncio.run(announce())
    service.start("recorder", "bookkeeper")
    again = written(tmp_path / "again.ndjson", hire("e1", "2025-09-05"))
    assert publish(settings, written(tmp_path / "facts.ndjson", *FACTS)).counts(*FATES) == (3, 3, 0, 0, 0, 0)
    assert publish(settings, again).summary["refused"]["book"] == {"id_conflict": 1}
    assert ends_of(settings, settings.topics.ledger) == 0


@pytest.mark.parametrize("role", ["recorder", "bookkeeper"])
def test_kill_of_a_worker_in_the_middle_loses_sight_of_no_line(
    role: str, settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    written_by = {"recorder": settings.topics.journal, "bookkeeper": settings.topics.ledger}[role]
    command = Publishing(settings, "--json", written(tmp_path / "facts.ndjson", *many(MANY)))
    wait_until(lambda: ends_of(settings, written_by) > 0, LIMIT_S)
    service.kill(role)
    assert service.processes[role].wait(LIMIT_S) == -signal.SIGKILL
    assert ends_of(settings, written_by) < MANY
    service.start(role)
    said = command.said()
    assert (said.code, said.counts(*FATES)) == (0, (MANY, MANY, 0, 0, 0, 0)), said.err


def test_what_the_recorder_repeats_is_counted_once(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    """The recorder loses its offsets while the command waits, so it records everything again."""
    service.start("recorder")
    streams, facts = settings.stream_settings(), many(200)
    command = Publishing(settings, "--json", "-", stdin=subprocess.PIPE)
    assert command.process.stdin is not None
    command.process.stdin.write(text_of(facts[:100]))
    command.process.stdin.flush()
    wait_until(lambda: ends_of(settings, settings.topics.journal) >= 100, LIMIT_S)
    service.processes["recorder"].stop()
    asyncio.run(forget_progress(settings, streams.recorder_app, settings.topics.facts))
    service.start("recorder", "bookkeeper")
    said = command.said(text_of(facts[100:]))
    assert (said.code, said.counts(*FATES)) == (0, (200, 200, 0, 0, 0, 0)), said.err
    assert ends_of(settings, settings.topics.journal) >= 300


def test_who_interrupts_is_told_what_was_acknowledged(settings: Settings) -> None:
    command = Publishing(settings, "--no-wait", "-", stdin=subprocess.PIPE)
    assert command.process.stdin is not None
    command.process.stdin.write(text_of(FACTS))
    command.process.stdin.flush()
    wait_until(lambda: ends_of(settings, settings.topics.facts) == len(FACTS), LIMIT_S)
    command.process.send_signal(signal.SIGINT)
    assert command.process.wait(LIMIT_S) == 130
    _, out, err = command.ends()
    assert out.startswith("3 published, 0 refused")
    assert "Interrupted: 3 lines were acknowledged." in err


def test_who_interrupts_the_waiting_is_told_what_is_known(settings: Settings, tmp_path: Path) -> None:
    command = Publishing(settings, "--json", written(tmp_path / "facts.ndjson", *FACTS))
    wait_until(lambda: ends_of(settings, settings.topics.facts) == len(FACTS), LIMIT_S)
    command.process.send_signal(signal.SIGINT)
    said = command.said()
    assert (said.code, said.summary["sent"]) == (130, 3)
    assert "Interrupted" in said.err


def test_a_later_pipe_of_another_kind_ends_it_and_says_what_was_sent(settings: Settings, tmp_path: Path) -> None:
    file = written(tmp_path / "facts.ndjson", *FACTS)
    said = Publishing(settings, "--json", "--no-wait", file, "-", stdin=subprocess.PIPE).said(b"[{}]")
    assert (said.code, said.summary["sent"]) == (2, 3)
    assert "standard input is one JSON array" in said.err
    assert "3 lines before it were acknowledged" in said.err
