"""Rebuilds of an existing book on a real Kafka and ClickHouse's engine: of its state only, and as a new generation."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, wait_fixed

from deploy.embedded.stack import Stack
from peserta.demo.material import Material, from_story
from peserta.demo.run import Run
from peserta.demo.story import story
from peserta.operations.audit.report import Report, audit_book
from peserta.operations.audit.seal import check, seal
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.clickhouse_writing import writing
from peserta.operations.failure import Failed
from peserta.operations.generations import current_book
from peserta.operations.kafka_reading import end_offsets, read_to_end
from peserta.operations.rebuild.candidate import next_candidate
from peserta.operations.rebuild.state import restore
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from streams.lane.stop_code import StopCode
from tests.support.installation import RestartingService, installation
from tests.support.waiting import INTERVAL_S, wait_until

SCALE: Final = 0.06
COMMAND_LIMIT_S: Final = 120
LIMIT_S: Final = 120.0
VIEWS: Final = ("journal", "ledger", "alerts", "coverage_current", "coverage_daily", "dead_letters", "policy_status")


class Book:
    """An installation with its workers and a story that is published piece by piece."""

    def __init__(self, settings: Settings, service: RestartingService, material: Material) -> None:
        self.settings, self.service, self.lines = settings, service, list(material.lines)
        self.run = Run(settings, material, service, say=lambda _: None)

    def feed(self, share: float) -> None:
        """Publish the next part of the story, this share of the whole."""
        count = min(len(self.lines), round(len(self.run.material.lines) * share))
        self.run.publish(self.lines[:count])
        del self.lines[:count]

    def standing(self) -> Settings:
        return asyncio.run(current_book(self.settings))

    def arrived(self) -> None:
        """Wait until the current generation and its ClickHouse database have everything that was published."""
        run = Run(self.standing(), self.run.material, self.service, say=lambda _: None)
        run.wait()

    def audited(self) -> Report:
        return asyncio.run(audit_book(self.standing(), lambda _: None))

    def command(self, *arguments: str) -> "subprocess.Popen[str]":
        environment = {**os.environ, **self.settings.environment()}
        return subprocess.Popen(
            [sys.executable, "-m", "peserta", "rebuild", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def rebuild(self, *arguments: str, code: int = 0) -> str:
        """The output of the command, which must exit with this code."""
        process = self.command(*arguments)
        said, _ = process.communicate(timeout=COMMAND_LIMIT_S)
        assert process.returncode == code, said
        return said

    def seen_by_analysts(self) -> dict[str, int]:
        with analyst(self.settings) as client:
            return {view: client.query(f"SELECT count() FROM {view}").result_rows[0][0] for view in VIEWS}

    def end(self, topic: str) -> int:
        return sum(asyncio.run(end_offsets(self.settings.kafka, [topic])).values())


@pytest.fixture(scope="module")
def book(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """One book for all tests of this file. Each test continues where the one before left it."""
    folder = tmp_path_factory.mktemp("rebuild")
    settings = installation(stack.kafka_address, stack.clickhouse_url, "rebuild.", "rebuild", folder)
    with RestartingService(settings, folder / "logs") as service:
        made = Book(settings, service, from_story(story(scale=SCALE)))
        made.run.prepare()
        made.feed(0.4)
        made.arrived()
        yield made


def wrong(report: Report) -> list[Any]:
    return [finding for finding in report.findings if not finding.holds]


async def deleted(kafka: Brokers, topic: str) -> None:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        await admin.delete_topics([topic])
        gone = AsyncRetrying(retry=retry_if_result(lambda topics: topic in topics), wait=wait_fixed(INTERVAL_S))
        await gone(admin.list_topics)
    finally:
        await admin.close()


async def topics_of(kafka: Brokers, prefix: str) -> set[str]:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        return {topic.removeprefix(prefix) for topic in await admin.list_topics() if topic.startswith(prefix)}
    finally:
        await admin.close()


async def say_again(settings: Settings) -> None:
    """Append a copy of an earlier ledger record, as a foreign writer might."""
    records = [r async for r in read_to_end(settings.kafka, [settings.topics.ledger]) if r.partition == 0]
    async with AIOKafkaProducer(**client_options(settings.kafka)) as producer:
        middle = records[len(records) // 2]
        await producer.send_and_wait(settings.topics.ledger, middle.value, middle.key, partition=0)


async def writes(book: Book, statement: str) -> None:
    async with writing(book.settings) as client:
        await client.command(statement)


def test_a_state_that_was_lost_is_written_anew_and_nobody_else_notices(book: Book) -> None:
    streams, before = book.settings.stream_settings(), book.audited()
    assert wrong(before) == []
    heads = seal(before.kept)["partitions"]
    outputs = {topic: book.end(topic) for topic in (streams.topics.ledger, streams.topics.alerts)}

    assert book.service.processes["bookkeeper"].stop() == 0
    asyncio.run(deleted(book.settings.kafka, streams.changelog))
    asyncio.run(make_topics(book.settings))
    book.service.start("bookkeeper")
    process = book.service.processes["bookkeeper"]
    assert process.wait(LIMIT_S) == StopCode.REFUSE
    assert "peserta rebuild --state" in process.log_tail()
    assert "state = journal folded again: missing" in book.rebuild("--check", code=1)

    book.rebuild("--state")
    book.service.start("bookkeeper")
    book.feed(0.1)
    book.arrived()
    after = book.audited()
    assert wrong(after) == []
    assert [finding for finding in check(heads, after.kept) if not finding.holds] == []
    assert all(book.end(topic) > end for topic, end in outputs.items())
    assert book.standing().generation == 1


async def test_nothing_is_rebuilt_beside_whoever_keeps_it(book: Book) -> None:
    with pytest.raises(Failed, match="Book-keepers are running"):
        await restore(book.settings, lambda *_: None, patience_s=0)
    group = book.settings.of_generation(2).stream_settings().bookkeeper_app
    journal = book.settings.topics.journal
    server = book.settings.kafka
    async with AIOKafkaConsumer(journal, **client_options(server), group_id=group, enable_auto_commit=False) as another:
        await another.getmany(timeout_ms=100)
        with pytest.raises(Failed, match="another rebuild runs"):
            await next_candidate(book.settings, patience_s=0)


def test_a_damaged_book_is_folded_beside_by_two_workers_while_facts_flow_and_the_workers_move_over(
    book: Book,
) -> None:
    heads = seal(book.audited().kept)["partitions"]
    asyncio.run(say_again(book.settings))
    assert "ledger = journal folded again: extra" in book.rebuild("--check", code=1)
    later = book.settings.of_generation(2)

    killed = book.command("--workers", "2")
    wait_until(lambda: later.topics.ledger in asyncio.run(topics_of(book.settings.kafka, "")), LIMIT_S)
    wait_until(lambda: book.end(later.topics.ledger) > 0, LIMIT_S)
    killed.kill()
    killed.communicate()
    assert book.standing().generation == 1
    assert "Generation 2 is complete, and 1 is still current" in book.rebuild("--no-switch", "--workers", "2")
    assert book.standing().generation == 1

    rebuilding = book.command("--workers", "2")
    while rebuilding.poll() is None and book.lines:
        book.feed(0.02)
    said, _ = rebuilding.communicate(timeout=COMMAND_LIMIT_S)
    assert rebuilding.returncode == 0, said
    assert "Generation 2 is current" in said
    assert "What analysts see" in said and "Analysts do not see" not in said
    ended = {role: book.service.processes[role].wait(LIMIT_S) for role in ("bookkeeper", "sink")}
    assert set(ended.values()) == {StopCode.RESTART}
    book.service.check()
    book.feed(1)
    book.arrived()

    report = book.audited()
    assert wrong(report) == []
    assert book.standing().generation == 2
    assert all(kept.clickhouse_next for kept in report.kept)
    assert sum(len(kept.ledger) for kept in report.kept) == len(book.run.sent.lines)
    assert [finding for finding in check(heads, report.kept) if not finding.holds] == []


def test_analysts_see_the_standing_generation_and_only_when_told_the_old_one_goes(book: Book) -> None:
    letters = book.settings.topics.dead_letters
    seen = book.seen_by_analysts()
    assert seen["journal"] == len(book.run.sent.lines)
    assert "rebuild.coverage.ledger.v1" in asyncio.run(topics_of(book.settings.kafka, "")), "kept until it is told"

    # Objects of the analysts must survive: a table beside the views, and a database named like a generation's.
    asyncio.run(writes(book, "CREATE TABLE rebuild.notes (said String) ENGINE = Memory"))
    asyncio.run(writes(book, "CREATE DATABASE rebuild_g99"))

    assert "notes" not in book.rebuild("--drop-old")

    left = asyncio.run(topics_of(book.settings.kafka, "rebuild."))
    assert {"coverage.ledger.v1", "coverage.alerts.v1", "peserta-bookkeeper-book-changelog"}.isdisjoint(left)
    assert {"coverage.ledger.v1.g2", "coverage.alerts.v1.g2", letters.removeprefix("rebuild.")} <= left
    assert book.seen_by_analysts() == seen
    asyncio.run(writes(book, "DROP TABLE rebuild.notes SYNC"))
    asyncio.run(writes(book, "DROP DATABASE rebuild_g99 SYNC"))
    assert "byte for byte" in book.rebuild("--check")
    with analyst(book.settings) as client:
        known = "2099-01-01T00:00:00Z"
        asked = f"SELECT sum(active) FROM coverage_as_of(as_of='2025-06-30', known_at='{known}')"
        assert client.query(asked).result_rows[0][0] > 0


def test_the_alerts_of_the_standing_generation_are_shown(book: Book) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "peserta", "alerts", "--json"],
        env={**os.environ, **book.settings.environment()},
        capture_output=True,
        check=True,
        text=True,
        timeout=COMMAND_LIMIT_S,
    )
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(shown) == book.seen_by_analysts()["alerts"] > 0
