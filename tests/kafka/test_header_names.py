"""Records with header names that are not UTF-8, in every compression that Kafka has, on a real broker, through a real
recorder and every other reader."""

import io
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from peserta.operations.audit.report import audit_book
from peserta.operations.journal_files import export_facts
from peserta.operations.kafka_reading import read_to_end, wait_until_worked
from peserta.operations.service import Service
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.codec import InboundCodec, JournalCodec
from schemas.kafka.client import client_options
from schemas.records import FactEntry
from tests.support.facts import hire, noon
from tests.support.header_names import AnyName, producers_take_any_name
from tests.support.installation import installation

LIMIT_S: Final = 20.0
LINGER_MS: Final = 20  # what is sent at once is one batch
COMPRESSIONS: Final = ("gzip", "snappy", "lz4", "zstd")
GOOD: Final = "content-type"
BAD: Final = AnyName(b"\xff\xfe")


async def send(producer: AIOKafkaProducer, settings: Settings, facts: dict[str, str]) -> None:
    """One batch of hires, given as event id -> name of a header."""
    sent = [
        await producer.send(
            settings.topics.facts,
            InboundCodec().encode(hire(event_id, "2025-09-01", worker=event_id)),
            key=b"C1",
            headers=[(name, b"value")],
            timestamp_ms=noon("2025-09-02"),
        )
        for event_id, name in facts.items()
    ]
    for delivery in sent:
        await delivery


@pytest.fixture
async def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """A book whose inbound topic has such records in batches of every kind, and in an aborted transaction."""
    made = installation(kafka_address, "", topic_prefix, "unused", tmp_path)
    await make_topics(made)
    with producers_take_any_name():
        for number, compression in enumerate(COMPRESSIONS):
            async with AIOKafkaProducer(
                **client_options(made.kafka), linger_ms=LINGER_MS, compression_type=compression
            ) as producer:
                await send(producer, made, {f"e1.{number}": GOOD, f"e2.{number}": BAD, f"e3.{number}": GOOD})
        async with AIOKafkaProducer(**client_options(made.kafka), transactional_id=f"{topic_prefix}hris") as producer:
            await producer.begin_transaction()
            await send(producer, made, {"aborted": BAD})
            await producer.abort_transaction()
            async with producer.transaction():
                await send(producer, made, {"e5": GOOD, "e6": BAD})
        async with AIOKafkaProducer(**client_options(made.kafka), linger_ms=LINGER_MS) as producer:
            await send(producer, made, {"e7": BAD})
            await send(producer, made, {"e8": GOOD})
    return made


async def test_facts_with_such_names_are_recorded_and_every_reader_gets_past_them(
    settings: Settings, tmp_path: Path
) -> None:
    facts = [f"e{n}.{number}" for number, _ in enumerate(COMPRESSIONS) for n in (1, 2, 3)]
    facts += [f"e{number}" for number in range(5, 9)]
    published = [record async for record in read_to_end(settings.kafka, [settings.topics.facts])]
    assert [InboundCodec().decode(record.value)[0].event_id for record in published] == facts

    streams = settings.stream_settings()
    with Service(settings, tmp_path / "logs") as service:
        service.start("recorder")
        try:
            await wait_until_worked(settings.kafka, streams.recorder_app, streams.inbound_names, LIMIT_S)
        finally:
            service.check()

    journal = [record.value async for record in read_to_end(settings.kafka, [settings.topics.journal])]
    entries = [entry for entry in JournalCodec().decode(journal) if isinstance(entry, FactEntry)]
    assert [entry.fact.event_id for entry in entries] == facts
    assert [entry.came_from.offset for entry in entries] == [record.offset for record in published]

    report = await audit_book(settings, lambda _: None)
    assert report.is_readable
    assert sum(one.records for one in report.consumed) == sum(one.in_journal for one in report.consumed) == len(facts)
    await export_facts(settings.kafka, settings.topics.journal, out := io.StringIO())
    assert len(out.getvalue().splitlines()) == len(facts)
