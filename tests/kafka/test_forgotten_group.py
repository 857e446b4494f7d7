"""The whole service after its book-keeper has lost its group offsets. `tests/chaos` covers kills of workers."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from peserta.demo.material import Material, from_story
from peserta.demo.run import Run
from peserta.demo.story import story
from peserta.operations.kafka_reading import last_stable_offsets, wait_until_worked
from peserta.settings import Settings
from tests.support.group_offsets import forget_progress
from tests.support.installation import RestartingService, installation

SCALE = 0.05
PROGRESS_LIMIT_S = 120.0


@pytest.fixture
def settings(
    kafka_address: str, clickhouse_url: str, topic_prefix: str, clickhouse_database: str, tmp_path: Path
) -> Settings:
    return installation(kafka_address, clickhouse_url, topic_prefix, clickhouse_database, tmp_path)


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[RestartingService]:
    with RestartingService(settings, tmp_path / "logs") as running:
        yield running


@pytest.fixture(scope="module")
def material() -> Material:
    return from_story(story(scale=SCALE))


def ledger_records(settings: Settings) -> int:
    return sum(asyncio.run(last_stable_offsets(settings.kafka, [settings.topics.ledger])).values())


def test_a_group_that_forgot_its_position_hears_it_again_without_a_new_record(
    settings: Settings, service: RestartingService, material: Material
) -> None:
    """The same happens if the book-keeper dies after a transaction and before the group's commit."""
    run = Run(settings, material, service, say=lambda _: None)
    run.prepare()
    run.publish(material.lines[:200])
    run.wait()
    streams = settings.stream_settings()
    once = ledger_records(settings)
    service.processes["bookkeeper"].stop()
    asyncio.run(forget_progress(settings, streams.bookkeeper_app, streams.topics.journal))
    service.start("bookkeeper")
    asyncio.run(wait_until_worked(settings.kafka, streams.bookkeeper_app, [streams.topics.journal], PROGRESS_LIMIT_S))
    assert ledger_records(settings) == once > 0
