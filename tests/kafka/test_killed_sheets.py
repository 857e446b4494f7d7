"""`peserta import --apply` and `peserta roster --apply` killed in the middle, with workers running.

Killed after Kafka has acknowledged some facts, the same command publishes what is missing, and says what was known. The
book is then that of a command that was not killed: the same files imported once, into another company.
"""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from deploy.embedded.stack import Stack
from peserta.intake.tokens import make_key
from peserta.operations.kafka_reading import read_to_end
from peserta.operations.service import Service
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.codec import JournalCodec, OutputCodec
from schemas.fact_json import line_of
from schemas.records import Fact, FactEntry
from tests.kafka.test_publish import ends_of
from tests.support.facts import hire
from tests.support.installation import installation
from tests.support.waiting import wait_until

LIMIT_S: Final = 90.0
ROWS: Final = 12_000  # enough that the kill comes in the middle on a quick machine
COMMAND: Final = (sys.executable, "-m", "peserta")


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """An installation with a token key, whose recorder and book-keeper run."""
    folder, name = tmp_path_factory.mktemp("killed"), f"t{uuid.uuid4().hex[:10]}"
    made = installation(stack.kafka_address, stack.clickhouse_url, f"{name}.", name, folder / "data")
    made = made.model_copy(update={"token_key_file": folder / "key"})
    make_key(folder / "key")
    asyncio.run(make_topics(made))
    with Service(made, folder / "logs") as service:
        service.start("recorder", "bookkeeper")
        yield made


def started(settings: Settings, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, **settings.environment(), "PESERTA_TOKEN_KEY_FILE": str(settings.token_key_file)}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> str:
    """What a command said that ended well."""
    try:
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    assert process.returncode == 0, out + err
    return out


def killed_in_the_middle(settings: Settings, *arguments: object) -> int:
    """Kill the command once the broker has some of its facts, and before it has all; returns how many it has."""
    before = ends_of(settings, settings.topics.facts)
    process = started(settings, *arguments)
    try:
        wait_until(lambda: ends_of(settings, settings.topics.facts) > before or process.poll() is not None, LIMIT_S)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait(LIMIT_S) == -signal.SIGKILL
    finally:
        process.communicate()
    return ends_of(settings, settings.topics.facts) - before


def counts(said: str) -> dict[str, int]:
    """The rows of the last table, by their words."""
    found = [line.rsplit(maxsplit=1) for line in said.splitlines() if line[-1:].isdigit()]
    return {words[0].strip(): int(words[1]) for words in found if len(words) == 2 and words[1].isdigit()}


async def _book(settings: Settings, company: str) -> tuple[Counter[str], set[Fact]]:
    """(the ledger's dispositions, the facts that were applied) of a company."""
    entries: dict[tuple[int, int], Fact] = {}
    topics, journal, output = settings.topics, JournalCodec(), OutputCodec()
    async for record in read_to_end(settings.kafka, [topics.journal]):
        (entry,) = journal.decode([record.value])
        if isinstance(entry, FactEntry) and entry.fact.company_id == company:
            entries[record.partition, record.offset] = entry.fact
    dispositions, applied = Counter[str](), set()
    async for record in read_to_end(settings.kafka, [topics.ledger]):
        kept = output.decode_ledger(record.value)
        fact = entries.get((kept.partition, kept.offset))
        if fact is not None:
            dispositions[kept.disposition] += 1
            if kept.disposition == "applied":
                applied.add(fact)
    return dispositions, applied


def book(settings: Settings, company: str) -> tuple[Counter[str], set[Fact]]:
    return asyncio.run(_book(settings, company))


def as_of(company: str, facts: set[Fact]) -> set[Fact]:
    """The facts as another company would have them: ids are made of the company too, and what a roster publishes of a
    worker after a kill is a millisecond later."""
    return {fact._replace(company_id=company, event_id="", occurred_at=0) for fact in facts}


def sheet(folder: Path) -> Path:
    """A sheet of hires of ROWS people, without a column for the company."""
    path = folder / "sheet.csv"
    rows = (f"33200512039{number:05},masuk,2025-10-01,PKWT\n" for number in range(ROWS))
    path.write_text("NIK,Jenis,Tanggal,Status Kerja\n" + "".join(rows), encoding="utf-8")
    return path


@pytest.mark.timeout(240)
def test_an_import_that_was_killed_is_completed_by_the_same_command_and_counts_once(
    settings: Settings, tmp_path: Path
) -> None:
    path = sheet(tmp_path)
    of: dict[str, tuple[Any, ...]] = {name: ("import", path, "--apply", "--company", name) for name in ("K1", "K2")}
    sent = killed_in_the_middle(settings, *of["K1"])
    assert 0 < sent < ROWS
    again, whole_one = started(settings, *of["K1"]), started(settings, *of["K2"])
    said = counts(ended(again))
    ended(whole_one)
    assert (said["applied"], said["known already (duplicate)"]) == (ROWS - sent, sent)
    dispositions, applied = book(settings, "K1")
    once, whole = book(settings, "K2")
    assert (dispositions, once) == (Counter(applied=ROWS, duplicate=sent), Counter(applied=ROWS))
    assert as_of("", applied) == as_of("", whole)


@pytest.mark.timeout(240)
def test_a_roster_that_was_killed_is_completed_by_the_same_command_and_counts_once(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "roster.csv"
    path.write_text("worker_id,JKK\n" + "".join(f"w{number},Y\n" for number in range(ROWS)), encoding="utf-8")
    of: dict[str, tuple[Any, ...]] = {
        name: ("roster", path, "--apply", "--company", name, "--as-of", "2025-10-31") for name in ("R1", "R2")
    }
    sent = killed_in_the_middle(settings, *of["R1"])
    assert 0 < sent < 2 * ROWS
    again, whole_one = started(settings, *of["R1"]), started(settings, *of["R2"])
    said = ended(again)
    ended(whole_one)
    # A roster is compared with the book first: what was sent before is no fact any more.
    assert counts(said)["applied"] == 2 * ROWS - sent
    assert f"{sent // 2} of them are in the book as the file says." in said
    dispositions, applied = book(settings, "R1")
    assert dispositions == Counter(applied=2 * ROWS)
    assert as_of("", applied) == as_of("", book(settings, "R2")[1])


def test_a_worker_whom_no_roster_can_change_is_named_with_the_remedy(settings: Settings, tmp_path: Path) -> None:
    late = hire("e1", "2025-09-01", at="2199-12-31T23:59:59.999Z", worker="w1", company="L1")
    facts, path = tmp_path / "late.ndjson", tmp_path / "roster.csv"
    facts.write_text(line_of(late, late.occurred_at - 174 * 365 * 86_400_000), encoding="utf-8")
    ended(started(settings, "publish", facts))
    path.write_text("worker_id\nw2\n", encoding="utf-8")
    process = started(settings, "roster", path, "--company", "L1", "--as-of", "2025-09-30", "--language", "id")
    out, err = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, "Satu fakta w1 memakai" in " ".join(err.split())) == (2, True), out + err
