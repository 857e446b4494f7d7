"""`peserta roster` as a real process on a real Kafka with workers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pytest

from peserta.operations.kafka_reading import end_offsets, read_to_end
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.codec import JournalCodec, OutputCodec
from schemas.dates import day
from schemas.fact_json import line_of
from schemas.records import Fact, FactEntry, LedgerRecord
from tests.support.facts import hire
from tests.support.installation import RestartingService, installation
from tests.support.naive_timeline import state_on
from tests.support.waiting import wait_until

LIMIT_S: Final = 90.0
AS_OF: Final = "2025-09-30"
# Enough facts to kill the command before it has finished.
BEFORE, LEAVERS, JOINERS = 5_000, 600, 4_000
HEADER: Final = "worker_id,employment_type,JKK,JKM,started_on\n"


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


def command(settings: Settings, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "peserta", *map(str, arguments)],
        env={**os.environ, **settings.environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(settings: Settings, *arguments: object) -> tuple[int, str, str]:
    return ended(command(settings, *arguments))


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str, str]:
    """Wait for the end: exit code, standard output, standard error. Fails on a traceback."""
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    except BaseException:
        process.kill()
        raise
    assert b"Traceback" not in err, err
    return process.returncode, out.decode(), err.decode()


def row_of(number: int) -> str:
    """A row of the roster. Half of the workers that the book has are unchanged; every other row needs facts."""
    started_on = "2025-09-20" if number >= BEFORE else ""
    covered = "ya,ya" if number % 2 else ","
    return f"w{number:05},{'permanent' if number % 3 else 'daily'},{covered},{started_on}\n"


def wanted(number: int) -> tuple[str, tuple[str, ...]]:
    """Employment type and programmes that the row of this number requires."""
    return "permanent" if number % 3 else "daily", ("JKK", "JKM") if number % 2 else ()


def in_journal(settings: Settings) -> list[Fact]:
    """The facts of the journal, including the recorder's repeats."""

    async def read() -> list[Fact]:
        codec = JournalCodec()
        records = [record async for record in read_to_end(settings.kafka, [settings.topics.journal])]
        entries = codec.decode([record.value for record in records])
        return [entry.fact for entry in entries if isinstance(entry, FactEntry)]

    return asyncio.run(read())


def in_ledger(settings: Settings) -> list[LedgerRecord]:
    async def read() -> list[LedgerRecord]:
        codec = OutputCodec()
        return [codec.decode_ledger(r.value) async for r in read_to_end(settings.kafka, [settings.topics.ledger])]

    return asyncio.run(read())


def inside_at(facts: Iterable[Fact], on: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Worker -> employment type and programmes at the end of a day, computed by the naive fold."""
    of_worker: dict[str, list[Fact]] = {}
    for fact in facts:
        of_worker.setdefault(fact.worker_id, []).append(fact)
    states = {worker: state_on(tuple(mine), day(on)) for worker, mine in of_worker.items()}
    return {w: (s.employment_type, s.programmes) for w, s in states.items() if s.employment_type is not None}


def test_kill_in_the_middle_of_publishing_and_the_same_command_again_completes_it(
    settings: Settings, service: RestartingService, tmp_path: Path
) -> None:
    service.start("recorder", "bookkeeper")
    before = tmp_path / "before.ndjson"
    hires = [hire(f"e{n}", "2025-09-01", worker=f"w{n:05}") for n in range(BEFORE)]
    before.write_text("".join(f"{line_of(fact)}\n" for fact in hires), encoding="utf-8")
    assert run(settings, "publish", before)[0] == 0

    numbers = range(LEAVERS, BEFORE + JOINERS)
    sheet = tmp_path / "roster.csv"
    sheet.write_text(HEADER + "".join(map(row_of, numbers)), encoding="utf-8")
    arguments = ("roster", sheet, "--company", "C1", "--as-of", AS_OF, "--confirm-leavers", LEAVERS)
    code, preview, err = run(settings, *arguments, "--json")
    assert code == 0, err
    planned = Counter(json.loads(line)["event_id"] for line in preview.splitlines())
    assert max(planned.values()) == 1

    service.processes["recorder"].stop()  # so the journal lacks the published facts when the command runs again
    interrupted = command(settings, *arguments, "--apply")
    wait_until(lambda: ends_of(settings, settings.topics.facts) > BEFORE, LIMIT_S)
    interrupted.kill()
    assert interrupted.wait(LIMIT_S) == -signal.SIGKILL
    interrupted.communicate()
    assert BEFORE < ends_of(settings, settings.topics.facts) < BEFORE + len(planned)

    again = command(settings, *arguments, "--apply")
    assert again.stdout is not None
    assert any(line.startswith(b"Programmes that the file tells of") for line in again.stdout)  # it has read the sheet
    service.start("recorder")
    code, out, err = ended(again)
    assert (code, "The book is now as the roster says." in out) == (0, True), (out, err)
    ledger = Counter((entry.event_id, entry.disposition) for entry in in_ledger(settings))
    of_roster = {key: times for key, times in ledger.items() if key[0].startswith("roster.")}
    assert of_roster == {(event_id, "applied"): 1 for event_id in planned}
    assert inside_at(in_journal(settings), AS_OF) == {f"w{n:05}": wanted(n) for n in numbers}

    assert run(settings, *arguments, "--json")[:2] == (0, "")


def ends_of(settings: Settings, topic: str) -> int:
    return sum(asyncio.run(end_offsets(settings.kafka, [topic])).values())
