"""A record that the sink cannot store stops it with exit code 78. The error gives only the record's coordinates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest

from schemas.handling import NOTE, Handling
from schemas.notices import ALERT, PENDING, Notice
from schemas.records import Coordinates, Posting
from sinks.clickhouse.loop import Sink, run_sink
from sinks.clickhouse.refusals import NotTaken, RecordRefused, Refused, Unreadable, Unwritable
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import Source
from sinks.clickhouse.topics import topics
from sinks.clickhouse.warehouse import Columns, Warehouse
from tests.support.sink_database import Database, made_database
from tests.support.sink_records import (
    OUTPUT,
    alert,
    dead_letter,
    fact_entry,
    inside,
    journal_values,
    ledger_record,
    ledger_value,
    snapshot,
)
from tests.support.sink_topics import Topics, made_topics

LIMIT_S = 30
JOURNAL = "coverage.journal.v1"
LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
ALERTS = "coverage.alerts.v1"
DEAD_LETTERS = "workforce.dead-letters.v1"
NOTICES = "peserta.notices.v1"
HANDLING = "peserta.alert-handling.v1"
OF_ONE_PARTITION = (NOTICES, HANDLING)


@pytest.fixture
def settings(kafka_address: str, topic_prefix: str, clickhouse_url: str, clickhouse_database: str) -> SinkSettings:
    return SinkSettings(kafka_address, clickhouse_url, clickhouse_database, topic_prefix, gather_ms=0)


@pytest.fixture
async def written(settings: SinkSettings) -> AsyncIterator[Topics]:
    async with made_topics(settings.kafka_address, settings.topic_prefix) as made:
        yield made


@pytest.fixture
async def database(settings: SinkSettings) -> AsyncIterator[Database]:
    async with made_database(settings.clickhouse_url, settings.database) as made:
        yield made


@pytest.mark.parametrize("topic", [JOURNAL, LEDGER, SNAPSHOTS, ALERTS, DEAD_LETTERS, NOTICES, HANDLING])
async def test_a_record_that_cannot_be_read_stops_the_sink_and_is_named(
    settings: SinkSettings, written: Topics, database: Database, topic: str
) -> None:
    await written.write(topic, [b"not of ours"], partition=partition_of(topic))

    await refused(settings, database, Unreadable, topic, "it is no record of this topic")


def partition_of(topic: str) -> int:
    return 0 if topic in OF_ONE_PARTITION else 1


async def refused(
    settings: SinkSettings, database: Database, kind: type[RecordRefused], topic: str, reason: str
) -> None:
    """Assert that the first record of the topic stops the sink at every start, and that the sink has begun no range."""
    words = f"{topic}, partition {partition_of(topic)}, offset 0 .*: {reason}.*A restart does not help"
    for _ in range(2):
        with pytest.raises(kind, match=words) as refusal:
            await asyncio.wait_for(run_sink(settings, stop=asyncio.Event()), LIMIT_S)
        assert isinstance(refusal.value, Refused)

    assert await database.value("SELECT count() FROM sink_progress WHERE stage = 'before'") == 0


TOO_FAR = 3_000_000  # days since 1970; a day in the year 10183
NOTICE = Notice("C1", "hr", ALERT, PENDING, 1, created_at=1 << 60)  # its id is the key that these records have
ACTION = Handling("C1", "C1/P1/1", "C1", NOTE, "Sri", at=1 << 60, text="x")
NOT_OURS = [
    pytest.param(JOURNAL, journal_values([fact_entry(effective_on=TOO_FAR)]), "column effective_on", id="a fact"),
    pytest.param(JOURNAL, journal_values([fact_entry(occurred_at=1 << 60)]), "column occurred_at", id="its instant"),
    pytest.param(
        LEDGER,
        [ledger_value(ledger_record(0, [Posting(TOO_FAR, None, inside(), 1)]))],
        "column value_on",
        id="a posting",
    ),
    pytest.param(
        SNAPSHOTS,
        [OUTPUT.encode_snapshot(replace(snapshot(0), figures=replace(snapshot(0).figures, as_of=TOO_FAR)))],
        "column as_of",
        id="a snapshot",
    ),
    pytest.param(
        ALERTS, [OUTPUT.encode_alert(replace(alert(), episode_start=TOO_FAR))], "column episode_start", id="an alert"
    ),
    pytest.param(
        DEAD_LETTERS,
        [OUTPUT.encode_dead_letter(replace(dead_letter(0), came_from=Coordinates("t", -1, 0)))],
        "column partition",
        id="a dead letter",
    ),
    pytest.param(
        NOTICES, [Notice("C1", "hr", "alert", "pending", 1, 1 << 60).encode()], "column created_at", id="a notice"
    ),
    pytest.param(
        HANDLING,
        [Handling("C1", "a", "C1", "note", "Sri", 1 << 60, text="x").encode()],
        "column handled_at",
        id="an action",
    ),
]


@pytest.mark.parametrize("topic, values, reason", NOT_OURS)
async def test_a_record_whose_values_no_column_holds_stops_the_sink_and_is_named(
    settings: SinkSettings, written: Topics, database: Database, topic: str, values: list[bytes], reason: str
) -> None:
    """The service itself never writes such records."""
    await written.write(topic, values, partition=partition_of(topic))

    await refused(settings, database, Unwritable, topic, reason)


class Choosy(Warehouse):
    """A warehouse that refuses the rows of one worker, like a table with an added constraint. The embedded engine does
    not report errors that it finds after it has read an insert, so a real constraint cannot be used."""

    async def insert(self, table: str, columns: Columns, token: str) -> None:
        if "w77" in columns.get("worker_id", ()):
            raise NotTaken(f"insert {token}", "VIOLATED_CONSTRAINT")
        await super().insert(table, columns, token)


@pytest.mark.parametrize("before", [0, 1, 50, 99], ids=lambda before: f"{before} records before it")
async def test_a_record_that_clickhouse_refuses_is_found(
    settings: SinkSettings, written: Topics, database: Database, before: int
) -> None:
    """After ClickHouse accepts the record, the sink continues and the view shows each row once."""
    workers = ["w77" if n == before else f"v{n}" for n in range(100)]
    await written.write(JOURNAL, journal_values(fact_entry(n, worker_id=w) for n, w in enumerate(workers)))
    await written.write(LEDGER, [ledger_value(ledger_record(n)) for n in range(100)])

    async with (
        await Source.open(settings) as source,
        await Choosy.open(settings) as warehouse,
        aclosing(Sink(source, warehouse, topics(settings.topics))) as sink,
    ):
        await sink.begin()
        with pytest.raises(Unwritable, match=f"{JOURNAL}, partition 0, offset {before} .*VIOLATED") as refusal:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    await sink.round()

    assert isinstance(refusal.value, Refused)
    async with (
        await Source.open(settings) as source,
        await Warehouse.open(settings) as patient,
        aclosing(Sink(source, patient, topics(settings.topics))) as sink,
    ):
        await sink.begin()  # inserts the begun range again
        while await database.value("SELECT count() FROM ledger_entries FINAL") < len(workers):
            await sink.round()
    offsets = [row["offset"] for row in await database.rows("SELECT offset FROM journal ORDER BY offset")]
    assert offsets == [*range(100)]
