"""The sink from a real Kafka to ClickHouse's own engine inserts every row exactly once, whatever fails in between."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest

from deploy.embedded.stack import Stack
from sinks.clickhouse.loop import run_sink
from sinks.clickhouse.marks import AFTER, BEFORE, TABLE
from sinks.clickhouse.migrations import migrate
from sinks.clickhouse.progress import Progress
from sinks.clickhouse.published_views import analysts_of
from sinks.clickhouse.ranges import Batch
from sinks.clickhouse.reading import progress, wait_until_caught_up
from sinks.clickhouse.refusals import ContentChanged, NotTaken, PositionLost, Refused
from sinks.clickhouse.settings import SinkSettings
from sinks.clickhouse.source import Source
from sinks.clickhouse.view_comments import comment_views
from tests.support.clickhouse_faults import FAULTY_PROGRAM, Faults
from tests.support.sink_records import (
    OUTPUT,
    alert,
    dead_letter,
    fact_entry,
    inside,
    journal_values,
    ledger_record,
    ledger_value,
    line,
    snapshot,
)
from tests.support.sink_runs import CAUGHT_UP_LIMIT_S, carry, carry_to_the_end, database, die
from tests.support.sink_topics import Topics, made_topics

JOURNAL = "coverage.journal.v1"
LEDGER = "coverage.ledger.v1"
SNAPSHOTS = "coverage.snapshots.v1"
ALERTS = "coverage.alerts.v1"
DEAD_LETTERS = "workforce.dead-letters.v1"


@pytest.fixture(scope="module")
def faulty() -> Iterator[Stack]:
    """A ClickHouse whose connections can be cut."""
    with Stack(kafka=False, clickhouse_program=FAULTY_PROGRAM) as running:
        yield running


@pytest.fixture
def faults(faulty: Stack) -> Iterator[Faults]:
    points = Faults(faulty.clickhouse_url)
    points.clear()
    yield points
    points.clear()


@pytest.fixture
def settings(kafka_address: str, topic_prefix: str, faulty: Stack, clickhouse_database: str) -> SinkSettings:
    return SinkSettings(kafka_address, faulty.clickhouse_url, clickhouse_database, topic_prefix, gather_ms=0)


@pytest.fixture
async def written(settings: SinkSettings) -> AsyncIterator[Topics]:
    async with made_topics(settings.kafka_address, settings.topic_prefix) as made:
        yield made


@pytest.fixture
async def unmerged(settings: SinkSettings) -> None:
    """Create the tables and stop merges, so that duplicate rows stay visible."""
    async with database(settings) as found:
        await migrate(found.client)
        await found.stop_merges()


def ledger_values(offsets: Sequence[int], partition: int = 0) -> list[bytes]:
    postings = [line("2025-09-01", None, inside("daily", "JKK"))]
    return [ledger_value(ledger_record(offset, postings, partition=partition)) for offset in offsets]


async def stored(settings: SinkSettings) -> dict[str, list[int]]:
    """Table -> offsets of the ledger's stored rows, including duplicates (no FINAL)."""
    async with database(settings) as found:
        return {
            table: [row["offset"] for row in await found.rows(f"SELECT offset FROM {table} ORDER BY offset")]
            for table in ("ledger_entries", "ledger_lines")
        }


def each_once(count: int) -> dict[str, list[int]]:
    return {"ledger_entries": [*range(count)], "ledger_lines": [*range(count)]}


# ---- carrying


async def test_records_of_every_topic_arrive_and_aborted_ones_do_not(settings: SinkSettings, written: Topics) -> None:
    await written.write(JOURNAL, journal_values([fact_entry(0), fact_entry(1)]))
    await written.abort(LEDGER, ledger_values([7, 8]))
    await written.write(LEDGER, ledger_values([0]))
    await written.abort(LEDGER, ledger_values([9]))
    await written.write(LEDGER, ledger_values([0], partition=1), partition=1)
    await written.write(SNAPSHOTS, [OUTPUT.encode_snapshot(snapshot(0))])
    await written.write(ALERTS, [OUTPUT.encode_alert(alert())])
    await written.write(DEAD_LETTERS, [OUTPUT.encode_dead_letter(dead_letter(3))])

    await carry(settings, written)

    async with database(settings) as found:
        views = ("journal_facts", "journal", "ledger", "coverage_current", "alerts", "dead_letters")
        counted = {view: await found.value(f"SELECT count() FROM {view}") for view in views}
        of_analysts = await found.value(f"SELECT count() FROM {analysts_of(settings.database)}.ledger")
        assert await comment_views(found.client) == ()
        reached = await progress(found.client)
    assert counted == dict(zip(views, (2, 1, 2, 1, 1, 1), strict=True))
    assert of_analysts == counted["ledger"]
    assert reached == await written.ends()


async def test_a_sink_that_starts_again_goes_on_where_it_ended(settings: SinkSettings, written: Topics) -> None:
    await written.write(LEDGER, ledger_values(range(5)))
    await carry(settings, written)
    await written.write(LEDGER, ledger_values(range(5, 8)))
    await carry(settings, written)

    assert await stored(settings) == each_once(8)


async def test_progress_passes_what_nobody_may_see(settings: SinkSettings, written: Topics) -> None:
    """Otherwise a wait for the end of a topic with aborted records would never succeed."""
    await written.write(LEDGER, ledger_values(range(2)))
    await carry(settings, written)
    await written.abort(LEDGER, ledger_values([98, 99]))

    await carry(settings, written)

    assert await stored(settings) == each_once(2)


async def test_a_large_range_is_one_part_in_each_table(settings: SinkSettings, written: Topics, unmerged: None) -> None:
    """The range is larger than one request chunk of clickhouse-connect, which is about 2 MB."""
    postings = [line("2025-09-01", None, inside("daily", "JKK"))] * 8
    await written.write(LEDGER, [ledger_value(ledger_record(offset, postings)) for offset in range(15_000)])

    await carry(settings, written)

    async with database(settings) as found:
        parts = await found.rows(
            "SELECT table, sum(rows) AS row_count, count() AS part_count FROM system.parts "
            "WHERE database = currentDatabase() AND table LIKE 'ledger%' AND active GROUP BY table"
        )
        ranges = await found.value("SELECT count() FROM sink_progress WHERE stage = 'before'")
    assert {part["row_count"] for part in parts} == {15_000, 8 * 15_000}
    assert {part["part_count"] for part in parts} == {ranges}


async def test_progress_of_nothing_is_nothing_and_waiting_says_what_is_missing(settings: SinkSettings) -> None:
    with pytest.raises(TimeoutError, match=r"within 0.3 s: .*UNKNOWN_DATABASE"):
        await wait_until_caught_up(settings, {("x", 0): 3}, 0.3)


# ---- stopped between BEFORE, insert and AFTER


KILLS = [
    pytest.param(TABLE, BEFORE, "before", id="before the range is written down"),
    pytest.param(TABLE, BEFORE, "after", id="after the range is written down"),
    pytest.param("ledger_entries", "", "before", id="before the first table"),
    pytest.param("ledger_entries", "", "after", id="between the two tables of the ledger"),
    pytest.param("ledger_lines", "", "after", id="after both tables"),
    pytest.param(TABLE, AFTER, "before", id="before the range is written off"),
    pytest.param(TABLE, AFTER, "after", id="after the range is written off"),
]


@pytest.mark.parametrize("table, stage, when", KILLS)
async def test_a_sink_killed_at_any_point_leaves_every_row_once(
    settings: SinkSettings, written: Topics, unmerged: None, table: str, stage: str, when: str
) -> None:
    await written.write(LEDGER, ledger_values(range(6)))
    await written.abort(LEDGER, ledger_values([98, 99]))
    await die(settings, table, stage, when)
    # More records arrive before the restart. The begun range must not include them.
    await written.write(LEDGER, ledger_values(range(6, 9)))

    await carry(settings, written)

    assert await stored(settings) == each_once(9)


async def mark_before(settings: SinkSettings, written: Topics, topic: str) -> None:
    """Mark a range as begun whose recorded checksum differs from its content."""
    async with database(settings) as found, await Source.open(settings) as source:
        await migrate(found.client)
        partition = (settings.topic_prefix + topic, 0)
        source.begin({partition: 0})
        batches: list[Batch] = []
        async with asyncio.timeout(CAUGHT_UP_LIMIT_S):
            while not batches:
                batches = await source.read()
        other = [Batch(batch.range, batch.records, "0" * 64) for batch in batches]
        await Progress(found.warehouse).before(other)


async def test_a_begun_range_with_another_content_is_refused(settings: SinkSettings, written: Topics) -> None:
    await written.write(LEDGER, ledger_values(range(3)))
    await mark_before(settings, written, LEDGER)

    with pytest.raises(ContentChanged, match="is not the one that was read") as refusal:
        await carry_to_the_end(settings)

    assert isinstance(refusal.value, Refused)
    assert await stored(settings) == each_once(0)


async def test_a_begun_range_of_a_compacted_topic_may_have_lost_records(
    settings: SinkSettings, written: Topics
) -> None:
    await written.write(SNAPSHOTS, [OUTPUT.encode_snapshot(snapshot(3))])
    await mark_before(settings, written, SNAPSHOTS)

    await carry(settings, written)

    async with database(settings) as found:
        assert await found.value("SELECT offset FROM snapshots") == 3


# ---- refusals and faults


async def test_a_topic_cut_short_before_the_first_start_is_refused(settings: SinkSettings, written: Topics) -> None:
    await written.write(LEDGER, ledger_values(range(5)))
    await written.cut_short(LEDGER, 2)

    with pytest.raises(PositionLost, match="begins at offset 2, but the sink is at 0") as refusal:
        await carry_to_the_end(settings)

    assert isinstance(refusal.value, Refused)


async def test_a_topic_cut_short_behind_the_position_is_refused(settings: SinkSettings, written: Topics) -> None:
    await written.write(DEAD_LETTERS, [OUTPUT.encode_dead_letter(dead_letter(0))])
    await carry(settings, written)
    await written.write(DEAD_LETTERS, [OUTPUT.encode_dead_letter(dead_letter(n)) for n in range(1, 5)])
    await written.cut_short(DEAD_LETTERS, 4)

    with pytest.raises(PositionLost, match="begins at offset 4, but the sink is at 2"):
        await carry_to_the_end(settings)


async def test_a_hole_that_an_operator_accepts_is_passed(settings: SinkSettings, written: Topics) -> None:
    """Runs exactly the statement of sinks/clickhouse/README.md."""
    await written.write(DEAD_LETTERS, [OUTPUT.encode_dead_letter(dead_letter(0))])
    await carry(settings, written)
    await written.write(DEAD_LETTERS, [OUTPUT.encode_dead_letter(dead_letter(n)) for n in range(1, 5)])
    await written.cut_short(DEAD_LETTERS, 4)
    topic = settings.topic_prefix + DEAD_LETTERS
    async with database(settings) as found:
        await found.client.command(
            "INSERT INTO sink_progress (topic, partition, first, next, stage, sha256, version) "
            f"VALUES ('{topic}', 0, 2, 4, 'after', 'accepted by NAME on DATE', 2 * 4 + 1)"
        )

    await carry(settings, written)

    async with database(settings) as found:
        assert await found.value("SELECT groupArray(offset) FROM (SELECT * FROM dead_letters ORDER BY offset)") == [
            0,
            3,
            4,
        ]


async def test_dead_letters_that_expired_before_the_first_start_are_no_hole(
    settings: SinkSettings, written: Topics
) -> None:
    await written.write(DEAD_LETTERS, [OUTPUT.encode_dead_letter(dead_letter(n)) for n in range(4)])
    await written.cut_short(DEAD_LETTERS, 3)

    await carry(settings, written)

    async with database(settings) as found:
        assert await found.value("SELECT groupArray(offset) FROM dead_letters") == [3]


async def test_a_position_beyond_the_end_of_the_topic_is_refused(settings: SinkSettings, written: Topics) -> None:
    async with await Source.open(settings) as source:
        source.begin({(settings.topic_prefix + LEDGER, 0): 1000})

        with pytest.raises(PositionLost, match="at 1000"):
            async with asyncio.timeout(CAUGHT_UP_LIMIT_S):
                while True:
                    await source.read()


# ---- ClickHouse misbehaves

INSERT_LINES = "INSERT INTO .?ledger_lines"
MISHAPS = [
    pytest.param([{"action": "cut", "point": "before"}], id="a connection cut before the insert ran"),
    pytest.param([{"action": "cut", "point": "in_body"}], id="a connection cut in the middle of the rows"),
    pytest.param([{"action": "cut", "point": "after"}], id="a connection cut after the insert ran"),
    pytest.param([{"action": "cut", "point": "after", "times": 3}], id="cut after the insert ran, three times"),
    pytest.param([{"action": "refuse", "point": "before", "times": 2}], id="503 twice"),
    pytest.param([{"action": "refuse", "point": "after"}], id="503 although the insert ran"),
    pytest.param(
        [{"action": "refuse", "point": "after", "match": "INSERT INTO .?sink_progress"}], id="503 for progress"
    ),
]


@pytest.mark.parametrize("rules", MISHAPS)
async def test_every_row_is_there_once_after_a_mishap_of_clickhouse(
    settings: SinkSettings, written: Topics, unmerged: None, faults: Faults, rules: list[dict[str, str]]
) -> None:
    await written.write(LEDGER, ledger_values(range(6)))
    for rule in rules:
        faults.add(**{"match": INSERT_LINES, **rule})

    await carry(settings, written)

    assert await stored(settings) == each_once(6)
    assert min(faults.hits()) > 0


async def test_an_insert_says_what_it_relies_on(settings: SinkSettings, written: Topics, faults: Faults) -> None:
    await written.write(LEDGER, ledger_values(range(2)))

    await carry(settings, written)

    inserts = [q["settings"] for q in faults.queries() if settings.topic_prefix in str(q["settings"])]
    assert len(inserts) == 2
    assert all(i["async_insert"] == "0" and i["insert_deduplicate"] == "1" for i in inserts)
    tokens = [i["insert_deduplication_token"] for i in inserts]
    assert all(f"{settings.topic_prefix}{LEDGER}:0:0-3:" in token for token in tokens)


async def test_a_stop_during_an_outage_ends_the_sink(settings: SinkSettings, written: Topics, faults: Faults) -> None:
    await written.write(LEDGER, ledger_values(range(2)))
    faults.add("wait", "before", match=INSERT_LINES, times=1000)
    stop = asyncio.Event()
    sink = asyncio.create_task(run_sink(settings, stop=stop))
    while not any(faults.hits()):
        await asyncio.wait({sink}, timeout=0.05)
        assert not sink.done()

    stop.set()
    await asyncio.wait_for(sink, CAUGHT_UP_LIMIT_S)

    faults.clear()
    await carry(settings, written)
    assert await stored(settings) == each_once(2)


async def test_what_clickhouse_refuses_once_and_then_takes_is_not_put_down_to_a_record(
    settings: SinkSettings, written: Topics, faults: Faults
) -> None:
    await written.write(LEDGER, ledger_values(range(6)))
    faults.add("refuse", "before", match=INSERT_LINES, code=469)

    with pytest.raises(NotTaken, match="code 469") as refusal:
        await carry_to_the_end(settings)

    assert isinstance(refusal.value, Refused)
