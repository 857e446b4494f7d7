"""Notices and handling, as the notifier's own store and people's commands write them, in ClickHouse's views."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from peserta.operations.handling import handle, read_handling
from peserta.operations.notices import read_notices
from peserta.operations.topics import create_topics
from peserta.settings import Settings, read_settings
from schemas.dates import EPOCH
from schemas.handling import ACKNOWLEDGED, ASSIGNED, NOTE, Handling
from schemas.notices import DELIVERED, GIVEN_UP, HELD, PENDING, STATES, Notice, Position, Taken
from sinks.clickhouse.marks import AFTER, BEFORE, TABLE
from sinks.clickhouse.migrations import migrate, migrations
from sinks.clickhouse.refusals import PositionLost
from sinks.clickhouse.settings import SinkSettings
from sinks.notices.kafka.store import KafkaStore
from tests.chaos.broker_orders import delete_topic, set_topic
from tests.support.alerts import alert
from tests.support.notices import AT, digest_of, notice_of
from tests.support.sink_database import Database, made_database
from tests.support.sink_records import OUTPUT, Kept
from tests.support.sink_runs import CAUGHT_UP_LIMIT_S, carry, carry_to_the_end, database, die
from tests.support.sink_topics import PARTITIONS, Topics, made_topics

ALERTS: Final = "coverage.alerts.v1"
LEDGER: Final = "coverage.ledger.v1"
NOTICES: Final = "peserta.notices.v1"
HANDLING: Final = "peserta.alert-handling.v1"
FIRED: Final = alert("PT/7", at=AT)  # a company whose id has a slash in it


@pytest.fixture
def installed(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    """The settings of those who write."""
    return read_settings(
        kafka=kafka_address, topic_prefix=topic_prefix, partitions=PARTITIONS, data_dir=tmp_path, clock="replay"
    )


@pytest.fixture
def settings(kafka_address: str, topic_prefix: str, clickhouse_url: str, clickhouse_database: str) -> SinkSettings:
    return SinkSettings(kafka_address, clickhouse_url, clickhouse_database, topic_prefix, gather_ms=0)


@pytest.fixture
async def written(settings: SinkSettings) -> AsyncIterator[Topics]:
    async with made_topics(settings.kafka_address, settings.topic_prefix) as made:
        await made.write(ALERTS, [OUTPUT.encode_alert(FIRED)])
        yield made


@asynccontextmanager
async def notifier(installed: Settings) -> AsyncIterator[KafkaStore]:
    """The store of a notifier that leads."""
    store = KafkaStore(installed.kafka, installed.topics.notices, f"{installed.topic_prefix}notifier")
    await store.begin()
    try:
        yield store
    finally:
        await store.close()


async def rows(settings: SinkSettings, query: str) -> list[dict[str, Any]]:
    async with database(settings) as found:
        return await found.rows(query)


def ms(at: datetime | None) -> int | None:
    return None if at is None else round((at - EPOCH).total_seconds() * 1000)


TOLD: Final = notice_of(FIRED, "hr")
TRIED: Final = replace(
    TOLD, attempts=1, first_at=AT + 1, last_at=AT + 1, next_at=AT + 5_000, last_answer="503 Service Unavailable"
)
DELIVERED_AT: Final = AT + 6_000
HAD: Final = replace(TRIED, attempts=2).ended(DELIVERED, "200 OK", DELIVERED_AT)
WAITS: Final = replace(notice_of(alert("C2"), "district"), state=HELD, seq=2)
DIGEST: Final = replace(digest_of(alert("C2"), alert("C3")), attempts=1, first_at=AT, last_at=AT, next_at=AT + 5_000)


async def tell(installed: Settings) -> None:
    """What a notifier commits: notices, attempts, and how far it has come."""
    async with notifier(installed) as store:
        await store.commit([TOLD, WAITS], Position(1, {0: Taken(1, 7)}))
        await store.commit([TRIED], None)
        await store.commit([replace(WAITS, digest_id=DIGEST.notice_id), DIGEST], None)
        await store.commit([HAD], Position(1, {0: Taken(2, 8)}))


async def act(installed: Settings, number: int, action: str, **words: str) -> Handling:
    """What a person does about the alert."""
    return await handle(
        installed, FIRED.alert_id, action, handling_id=f"h{number}", by=f"P{number}", at=AT + number, **words
    )


# ---- carrying


async def test_what_the_notifier_stores_is_in_the_view_as_people_are_shown_it(
    settings: SinkSettings, installed: Settings, written: Topics
) -> None:
    await tell(installed)
    await carry(settings, written)

    found = await rows(settings, "SELECT * FROM notices ORDER BY seq")

    shown = await read_notices(installed)
    names = ("notice_id", "subscription_id", "kind", "status", "alert_id", "company_id", "state", "attempts")
    more = ("last_answer", "gone", "digest_id", "seq")
    times = ("created_at", "first_at", "next_at", "last_at")
    assert len(found) == 3
    for row, notice in zip(found, shown, strict=True):
        assert {name: row[name] for name in (*names, *more)} == {
            name: getattr(notice, name) for name in (*names, *more)
        }
        assert {name: ms(row[name]) for name in times} == {name: getattr(notice, name) for name in times}
    assert [(row["state"], row["policy_id"], ms(row["ended_at"])) for row in found] == [
        ("delivered", "P1", DELIVERED_AT),
        ("held", "P1", None),
        ("pending", None, None),
    ]


async def test_what_people_do_is_in_the_view_with_its_order(
    settings: SinkSettings, installed: Settings, written: Topics
) -> None:
    done = [
        await act(installed, 1, ACKNOWLEDGED),
        await act(installed, 3, ASSIGNED, to="Budi"),
        await act(installed, 2, ASSIGNED, to="Ani"),  # by a clock that is behind
        await act(installed, 4, NOTE, text="Called HR;\n'waits'"),
    ]
    await carry(settings, written)

    found = await rows(settings, "SELECT * FROM alert_handling ORDER BY offset")
    (holds,) = await rows(
        settings,
        "SELECT alert_id, argMaxIf(handled_by, offset, action = 'acknowledged') AS by, "
        "argMaxIf(assigned_to, offset, action = 'assigned') AS assigned FROM alert_handling GROUP BY alert_id",
    )

    names = ("handling_id", "alert_id", "company_id", "policy_id", "action", "handled_by", "assigned_to", "note")
    assert [(*(row[name] for name in names), ms(row["handled_at"])) for row in found] == [
        (one.handling_id, one.alert_id, "PT/7", "P1", one.action, one.by, one.to, one.text, one.at) for one in done
    ]
    known = (await read_handling(installed))[FIRED.alert_id]
    assert (holds["by"], holds["assigned"]) == (known.acknowledged_by, known.assigned_to) == ("P1", "Ani")


async def test_what_was_aborted_is_in_no_view_and_progress_passes_it(settings: SinkSettings, written: Topics) -> None:
    await written.write_keyed(NOTICES, [(TOLD.notice_id.encode(), TOLD.encode())])
    await written.abort(NOTICES, [b"not committed"])

    await carry(settings, written)

    assert await rows(settings, "SELECT state FROM notices") == [{"state": PENDING}]


async def test_a_sink_of_before_goes_on_with_the_notices_that_are_there(
    settings: SinkSettings, installed: Settings, written: Topics, tmp_path: Path
) -> None:
    """Its database has marks of the other topics, and none of the tables."""
    folder = tmp_path / "ddl"
    folder.mkdir()
    for migration in migrations():
        if migration.name < "015":
            (folder / f"{migration.name}.sql").write_text(migration.text, encoding="utf-8")
    await tell(installed)
    await act(installed, 1, ACKNOWLEDGED)
    async with database(settings) as before:
        await migrate(before.client, folder=folder)
        await before.client.command(
            "INSERT INTO sink_progress (topic, partition, first, next, stage, sha256, version) "
            f"VALUES ('{settings.topic_prefix}{ALERTS}', 0, 0, 2, 'after', '', 5)"
        )

    await carry(settings, written)

    assert await rows(settings, "SELECT count() AS n FROM notices") == [{"n": 3}]
    assert await rows(settings, "SELECT count() AS n FROM alert_handling") == [{"n": 1}]
    assert await rows(settings, "SELECT count() AS n FROM alerts") == [{"n": 0}], "the sink has carried them before"


# ---- stopped in the middle

KILLS: Final = [
    pytest.param(TABLE, BEFORE, "after", id="after the ranges are written down"),
    pytest.param("notice_records", "", "before", id="before the notices"),
    pytest.param("notice_records", "", "after", id="after the notices"),
    pytest.param("handling_records", "", "after", id="after the handling"),
    pytest.param(TABLE, AFTER, "before", id="before the ranges are written off"),
]


@pytest.mark.parametrize(("table", "stage", "when"), KILLS)
async def test_a_sink_killed_at_any_point_repeats_nothing(
    settings: SinkSettings, installed: Settings, written: Topics, table: str, stage: str, when: str
) -> None:
    async with database(settings) as found:
        await migrate(found.client)
        await found.stop_merges()  # so that a row that came twice stays twice
    await tell(installed)
    actions = [await act(installed, 1, ACKNOWLEDGED), await act(installed, 2, NOTE, text="x")]
    await die(settings, table, stage, when)
    # More arrives before the restart. The begun ranges must not include it.
    later = HAD.ended(GIVEN_UP, "410 Gone", DELIVERED_AT + 1, gone=True)
    async with notifier(installed) as store:
        await store.commit([later], None)
    actions.append(await act(installed, 3, NOTE, text="y"))

    await carry(settings, written)

    stored = await rows(settings, "SELECT notice_id, offset, count() AS n FROM notice_records GROUP BY 1, 2")
    assert {row["n"] for row in stored} == {1}
    handled = await rows(settings, "SELECT handling_id FROM handling_records ORDER BY offset")
    assert [row["handling_id"] for row in handled] == [action.handling_id for action in actions]
    found_notices = await rows(settings, "SELECT state, last_answer FROM notices ORDER BY seq")
    assert [(row["state"], row["last_answer"]) for row in found_notices] == [
        ("given_up", "410 Gone"), ("held", ""), ("pending", ""),
    ]  # fmt: skip


# ---- topics that are other ones


async def test_a_topic_that_was_made_anew_is_refused(
    settings: SinkSettings, installed: Settings, written: Topics
) -> None:
    for number in range(3):
        await act(installed, number, ACKNOWLEDGED)
    await carry(settings, written)
    await asyncio.to_thread(delete_topic, settings.kafka_address, settings.topic_prefix + HANDLING)
    await create_topics(settings.kafka_address, prefix=settings.topic_prefix, partitions=PARTITIONS)
    await act(installed, 9, ACKNOWLEDGED)

    with pytest.raises(PositionLost, match=f"{HANDLING}-0 at 3"):
        await carry_to_the_end(settings)


async def test_notices_cut_off_behind_the_position_are_refused(
    settings: SinkSettings, installed: Settings, written: Topics
) -> None:
    """Nothing deletes them by age, but somebody may have set a retention."""
    await written.write_keyed(NOTICES, [(TOLD.notice_id.encode(), TOLD.encode())])
    await carry(settings, written)
    await tell(installed)
    topic = settings.topic_prefix + NOTICES
    await asyncio.to_thread(set_topic, settings.kafka_address, topic, {"cleanup.policy": "compact,delete"})
    await written.cut_short(NOTICES, 4)

    with pytest.raises(PositionLost, match=f"{NOTICES}-0 begins at offset 4, but the sink is at 2"):
        await carry_to_the_end(settings)


class Heard(logging.Handler):
    """Waits for a line of the log with these words."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words, self.event = words, asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self.words in record.getMessage():
            self.event.set()


async def test_a_sink_says_which_topic_it_waits_for(settings: SinkSettings, written: Topics) -> None:
    """A book of an earlier release has no topic of notices."""
    await asyncio.to_thread(delete_topic, settings.kafka_address, settings.topic_prefix + NOTICES)
    heard = Heard(f"there is no {settings.topic_prefix}{NOTICES}. `peserta topics create` makes what is missing")
    log = logging.getLogger("sinks.clickhouse.source")
    log.addHandler(heard)
    try:
        sink = asyncio.create_task(carry(settings, written))
        await asyncio.wait_for(heard.event.wait(), CAUGHT_UP_LIMIT_S)
        await create_topics(settings.kafka_address, prefix=settings.topic_prefix, partitions=PARTITIONS)
        await sink
    finally:
        log.removeHandler(heard)


# ---- one row for each, whatever was merged, cut or compacted

FEW: Final = examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
EVENTS: Final = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([*STATES, None])), min_size=1, max_size=12)
CUTS: Final = st.lists(st.tuples(st.integers(0, 11), st.booleans(), st.booleans()), max_size=5)


@pytest.fixture
async def engine(clickhouse_url: str, clickhouse_database: str) -> AsyncIterator[Database]:
    """Its rows are merged only when a test says so."""
    async with made_database(clickhouse_url, clickhouse_database) as made:
        await made.stop_merges()
        yield made


@pytest.fixture
def numbers() -> "count[int]":
    return count()


@FEW
@given(EVENTS, CUTS, st.booleans())
async def test_a_view_has_the_last_record_of_each_key_and_none_that_was_deleted(
    engine: Database,
    numbers: "count[int]",
    events: list[tuple[str, str | None]],
    cuts: list[tuple[int, bool, bool]],
    merged: bool,
) -> None:
    """Ranges end anywhere, are read before or after compaction, and another sink inserts some of it once more, late."""
    place = f"{next(numbers)}/"
    told, actions = [], []
    for number, (key, state) in enumerate(events):
        offset = 3 * number  # markers lie between
        notice = Notice(place + key, place, "alert", state or HELD, number, AT + number)
        action = Handling(place + key, "C1/P1/1", place, NOTE, f"P{number}", AT, text="x")
        told.append(Kept(offset, notice.encode() if state else None, notice.notice_id.encode()))
        actions.append(Kept(offset, action.encode() if state else None, action.handling_id.encode()))
    for topic, records in ((NOTICES, told), (HANDLING, actions)):
        for part in ranges(records, cuts):
            await engine.put_records(topic, part)
    if merged:
        await engine.merge()
        await engine.stop_merges()

    last = {place + key: (number, state) for number, (key, state) in enumerate(events)}
    found = await engine.rows("SELECT * FROM notices WHERE startsWith(notice_id, {p:String})", p=place)
    handled = await engine.rows("SELECT * FROM alert_handling WHERE startsWith(handling_id, {p:String})", p=place)

    assert sorted((row["notice_id"], row["seq"], row["state"]) for row in found) == sorted(
        (key, number, state) for key, (number, state) in last.items() if state
    )
    assert sorted((row["handling_id"], row["handled_by"]) for row in handled) == sorted(
        (key, f"P{number}") for key, (number, state) in last.items() if state
    )


def ranges(records: Sequence[Kept], cuts: Sequence[tuple[int, bool, bool]]) -> list[list[Kept]]:
    """The records in ranges that end at the cuts; of some only what compaction leaves. Some records come late once
    more, in ranges of their own, which have other tokens."""
    kinds = {at: (again, compacted) for at, again, compacted in cuts}
    newest = {record.key: record.offset for record in records}
    found, late, part = [], [], []
    for number, record in enumerate(records):
        part.append(record)
        if number in kinds or number == len(records) - 1:
            again, compacted = kinds.get(number, (False, False))
            found.append([one for one in part if one.offset == newest[one.key]] if compacted else part)
            late += [[one] for one in part if again]
            part = []
    return found + late
