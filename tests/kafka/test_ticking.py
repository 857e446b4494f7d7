"""`peserta tick` on a real broker: for which companies a date begins, and that a refused date appends nothing."""

import asyncio
from pathlib import Path

import pytest

from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.operations.audit.reading import PartitionReader
from peserta.operations.business_dates import business_dates
from peserta.operations.kafka_reading import consumer_of, end_offsets, wait_until_worked
from peserta.operations.ticking import NoSuchDate, TooFarAhead, tick
from peserta.operations.topics import make_topics
from peserta.settings import Settings, read_settings
from schemas.dates import day
from schemas.records import Day
from tests.support.installation import PARTITIONS, RestartingService

ARRIVAL_LIMIT_S = 60
ALL = tuple(range(PARTITIONS))
TODAY = day("2026-06-01")


def line(event_id: str, company_id: str, recorded_on: str) -> bytes:
    return (
        f'{{"type":"hire","event_id":"{event_id}","company_id":"{company_id}","worker_id":"w1","source":"hris",'
        f'"effective_on":"2025-04-24","occurred_at":"{recorded_on}T02:00:00Z","employment_type":"permanent"}}'
    ).encode()


def publish(settings: Settings, *lines: bytes) -> None:
    publisher = Publisher(settings.kafka, settings.topics.facts, Door(now=lambda: 0, replay=True))
    asyncio.run(publisher.publish(list(enumerate(lines, 1)), lambda number, what: None))


def dates(settings: Settings) -> dict[str, Day]:
    async def read() -> dict[str, Day]:
        async with consumer_of(settings.kafka, []) as consumer:
            found = await business_dates(settings.stream_settings(), PartitionReader(consumer))
        return {company_id: on for one in found for company_id, on in one.companies.items()}

    return asyncio.run(read())


def test_a_date_begins_for_those_before_it_with_or_without_a_book_keeper(
    kafka_address: str, topic_prefix: str, tmp_path: Path
) -> None:
    settings = read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=PARTITIONS, data_dir=tmp_path, clock="replay"
    )
    asyncio.run(make_topics(settings))
    streams, journal = settings.stream_settings(), [settings.topics.journal]
    with RestartingService(settings, tmp_path / "logs") as service:
        service.start("recorder")
        publish(
            settings, line("e1", "F1", "2025-04-24"), line("e1", "F2", "2025-04-24"), line("e2", "F1", "2026-04-25")
        )
        begun = asyncio.run(tick(streams, day("2025-05-31"), today=TODAY))
        assert (begun.in_partitions, begun.beyond) == (ALL, (("F1", day("2026-04-25")),))
        found = {"F1": day("2026-04-25"), "F2": day("2025-05-31")}
        assert dates(settings) == found

        ends = asyncio.run(end_offsets(settings.kafka, journal))
        assert asyncio.run(tick(streams, day("2025-05-31"), today=TODAY)).in_partitions == ()
        for on, refused in (("2052-12-31", TooFarAhead), ("2025-05-30", NoSuchDate)):
            with pytest.raises(refused):
                asyncio.run(tick(streams, day(on), today=TODAY))
        assert asyncio.run(end_offsets(settings.kafka, journal)) == ends

        service.start("bookkeeper")
        asyncio.run(wait_until_worked(settings.kafka, streams.bookkeeper_app, journal, ARRIVAL_LIMIT_S))
        assert dates(settings) == found
        assert asyncio.run(tick(streams, day("2025-12-31"), today=TODAY)).in_partitions == ALL
        assert dates(settings) == found | {"F2": day("2025-12-31")}
