"""The whole service on a real Kafka and ClickHouse's engine: whatever is killed with -9, the proof holds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from peserta.demo.evidence import Evidence, gather
from peserta.demo.material import Material, from_story
from peserta.demo.proof import prove
from peserta.demo.run import Run
from peserta.demo.story import story
from peserta.operations.kafka_reading import last_stable_offsets, wait_until_worked
from peserta.settings import Settings
from schemas.records import Alert
from tests.support.installation import RestartingService, installation

SCALE = 0.3
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


def wait_for_more_ledger_than(settings: Settings, service: RestartingService, count: int) -> None:
    """Until the book-keeper has committed something beyond; killed workers are started again meanwhile."""

    looks = retry_if_result(lambda found: found <= count)

    @retry(retry=looks, wait=wait_fixed(0.02), stop=stop_after_delay(PROGRESS_LIMIT_S))
    def look() -> int:
        service.check()
        return ledger_records(settings)

    look()


def assert_proved(run: Run, evidence: Evidence) -> None:
    checks = prove(run.material, run.sent, evidence)
    assert [check for check in checks if not check.holds] == []
    assert sum(evidence.report.dispositions.values()) == run.sent.records
    assert sum(check.compared for check in checks) > len(run.material.lines)


def test_kill_of_every_worker_in_the_middle_of_the_stream_loses_and_doubles_nothing(
    settings: Settings, service: RestartingService, material: Material
) -> None:
    run = Run(settings, material, service, say=lambda _: None)
    third = len(material.lines) // 3
    run.prepare()

    run.publish(material.lines[:third])
    wait_for_more_ledger_than(settings, service, 0)
    service.kill("bookkeeper")
    service.kill("sink")
    run.publish(material.lines[third : 2 * third])
    wait_for_more_ledger_than(settings, service, ledger_records(settings))
    service.kill("recorder")
    run.publish(material.lines[2 * third :])
    service.kill("bookkeeper")
    run.arrive()

    assert service.restarts >= 4
    assert_proved(run, gather(settings))


def test_a_journal_in_which_everything_was_recorded_twice_gives_the_same_book(
    settings: Settings, service: RestartingService, material: Material
) -> None:
    """The recorder's offsets are lost: it records everything again, and the book-keeper passes it over."""
    run = Run(settings, material, service, say=lambda _: None)
    run.prepare()
    run.publish(material.lines)
    run.arrive()
    once = gather(settings)

    streams = settings.stream_settings()
    service.processes["recorder"].stop()
    service.processes["bookkeeper"].stop()
    asyncio.run(forget_progress(settings, streams.recorder_app, streams.inbound_names[0]))
    asyncio.run(forget_progress(settings, streams.bookkeeper_app, streams.topics.journal))
    service.start("recorder", "bookkeeper")
    run.wait()

    evidence = gather(settings)
    assert evidence.exported.repeats >= len(material.lines)
    assert evidence.ledger == once.ledger
    assert by_identity(evidence) == by_identity(once)
    assert_proved(run, evidence)


def by_identity(evidence: Evidence) -> dict[tuple[str, str], Alert]:
    return {(alert.alert_id, alert.status): alert for alert in evidence.alerts}


def test_a_group_that_forgot_its_position_hears_it_again_without_a_new_record(
    settings: Settings, service: RestartingService, material: Material
) -> None:
    """As when the book-keeper dies after a transaction and before the group's commit."""
    run = Run(settings, material, service, say=lambda _: None)
    run.prepare()
    run.publish(material.lines[:200])
    run.wait()
    streams = settings.stream_settings()
    service.processes["bookkeeper"].stop()
    asyncio.run(forget_progress(settings, streams.bookkeeper_app, streams.topics.journal))
    service.start("bookkeeper")
    asyncio.run(wait_until_worked(settings.kafka, streams.bookkeeper_app, [streams.topics.journal], PROGRESS_LIMIT_S))
    assert ledger_records(settings) > 0


async def forget_progress(settings: Settings, group: str, topic: str) -> None:
    """Put a group back to the beginning of a topic, as when its offsets were lost."""
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, p) for p in range(settings.partitions)]
        consumer.assign(partitions)
        await consumer.commit(dict.fromkeys(partitions, 0))
    finally:
        await consumer.stop()
