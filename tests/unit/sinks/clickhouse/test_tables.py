"""The rows that each kind of record adds to each table."""

from dataclasses import replace
from typing import Any

import pytest

from schemas.codec import OutputCodec
from schemas.records import Entry, LedgerRecord, Policy
from schemas.topics import TopicNames
from schemas.vocabulary import CORRECTION, ENROLLMENT, NO_EFFECT, TERMINATION, WITHDRAWN, programme_set
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.refusals import Unreadable, Unwritable
from sinks.clickhouse.tables.alerts import COLUMNS as ALERT_COLUMNS
from sinks.clickhouse.tables.block import Block
from sinks.clickhouse.tables.dead_letters import dead_letter_blocks
from sinks.clickhouse.tables.journal import journal_blocks
from sinks.clickhouse.tables.ledger import ledger_blocks
from sinks.clickhouse.tables.snapshots import snapshot_blocks
from sinks.clickhouse.topics import topics
from tests.support.sink_records import (
    Kept,
    day,
    dead_letter,
    fact_entry,
    inside,
    journal_values,
    kept,
    ledger_record,
    ledger_value,
    line,
    policy_ended,
    policy_set,
    snapshot,
    tick,
)


def rows(block: Block) -> list[dict[str, Any]]:
    return [dict(zip(block.columns, values, strict=True)) for values in zip(*block.columns.values(), strict=True)]


OWN_FIELDS = [
    pytest.param(fact_entry(), ("hire", "daily", "", "", (), ""), id="a hire has an employment type"),
    pytest.param(
        fact_entry(kind=TERMINATION, detail=3),
        ("termination", "", "retired", "", (), ""),
        id="a termination has a reason",
    ),
    pytest.param(
        fact_entry(kind=ENROLLMENT, detail=programme_set(("JP", "JKK"))),
        ("enrollment", "", "", "enrolled", ("JKK", "JP"), ""),
        id="an enrollment has programmes, sorted",
    ),
    pytest.param(
        fact_entry(kind=ENROLLMENT, detail=WITHDRAWN | programme_set(("JMO",))),
        ("enrollment", "", "", "withdrawn", ("JMO",), ""),
        id="a withdrawal too",
    ),
    pytest.param(
        fact_entry(kind=CORRECTION, detail=0, corrects="e9"),
        ("correction", "", "", "", (), "e9"),
        id="a correction names its target",
    ),
]


@pytest.mark.parametrize("entry, expected", OWN_FIELDS)
def test_a_fact_leaves_a_row_with_its_own_fields(entry: Entry, expected: tuple[object, ...]) -> None:
    (block,) = journal_blocks(3, [(17, entry)])

    (row,) = rows(block)
    assert block.table == "journal_facts"
    names = ("type", "employment_type", "reason", "action", "programmes", "corrects")
    assert tuple(row[name] for name in names) == expected
    assert (row["partition"], row["offset"], row["came_from_offset"]) == (3, 17, 100)


def test_a_tick_leaves_nothing() -> None:
    assert journal_blocks(0, [(0, tick("2025-09-02"))]) == []


def test_a_policy_for_ever_keeps_its_dates() -> None:
    endless = Policy("p", 2000, day("0001-01-01"), effective_until=day("9999-12-31"))

    (block,) = journal_blocks(0, [(0, policy_set(4, endless)), (1, policy_ended(5, "p"))])

    began, ended = rows(block)
    assert (began["effective_from"], began["effective_until"]) == (day("0001-01-01"), day("9999-12-31"))
    assert (began["ended"], ended["ended"]) == (False, True)
    assert ended["came_from_offset"] == 5


LEDGER_CASES = [
    pytest.param(ledger_record(1, disposition=NO_EFFECT), 0, id="a record without lines leaves an entry only"),
    pytest.param(
        ledger_record(1, [line("2025-09-01", None, inside()), line("2025-09-09", inside(), None, -1)]),
        2,
        id="each line leaves a row",
    ),
]


@pytest.mark.parametrize("record, line_count", LEDGER_CASES)
def test_a_ledger_record_leaves_an_entry_and_its_lines(record: LedgerRecord, line_count: int) -> None:
    entries, *lines = ledger_blocks([record])

    assert rows(entries)[0]["line_count"] == line_count
    assert [row["posting"] for block in lines for row in rows(block)] == [*range(1, line_count + 1)]


def test_a_ledger_record_leaves_its_fields_under_their_names() -> None:
    record = ledger_record(7, [line("2025-09-01", None, inside("daily", "JKK", new=True), -1)], partition=3)
    entries, lines = ledger_blocks([record._replace(chain=b"\x0a\xff")])

    (entry,), (row,) = rows(entries), rows(lines)
    at = {"company_id": "C1", "partition": 3, "offset": 7, "recorded_at": record.recorded_at}
    assert entry == at | {"event_id": "e7", "disposition": "applied", "line_count": 1, "chain": "0aff"}
    before = {"employment_type_before": "", "programmes_before": (), "new_before": False}
    after = {"employment_type_after": "daily", "programmes_after": ("JKK",), "new_after": True}
    assert row == at | before | after | {"posting": 1, "value_on": day("2025-09-01"), "quantity": -1}


def test_a_fact_leaves_its_fields_under_their_names() -> None:
    entry = fact_entry(4)
    (block,) = journal_blocks(3, [(17, entry)])

    (row,) = rows(block)
    common = ("event_id", "company_id", "worker_id", "effective_on", "occurred_at", "source", "corrects")
    assert {name: row[name] for name in common} == {name: getattr(entry.fact, name) for name in common}
    assert (row["partition"], row["offset"], row["recorded_at"]) == (3, 17, entry.recorded_at)
    came_from = row["came_from_topic"], row["came_from_partition"], row["came_from_offset"]
    assert came_from == entry.came_from


def test_the_newest_snapshot_of_a_company_is_the_one_that_counts() -> None:
    (block,) = snapshot_blocks([snapshot(9), snapshot(3), snapshot(4, company_id="C2")])

    assert {row["company_id"]: row["offset"] for row in rows(block)} == {"C1": 9, "C2": 4}


def test_a_dead_letter_leaves_no_bytes_of_the_record() -> None:
    (block,) = dead_letter_blocks(0, [(2, dead_letter(5))])

    (row,) = rows(block)
    assert "key" not in row
    assert "value" not in row
    assert not any(isinstance(value, bytes) for value in row.values())
    assert (row["offset"], row["value_bytes"], row["letter_offset"]) == (5, 16, 2)


def test_an_alert_leaves_no_worker() -> None:
    assert not any("worker" in name for name in ALERT_COLUMNS)


def batch(topic: str, records: list[Kept]) -> Batch:
    return Batch.of(Range(topic, 1, records[0].offset, records[-1].offset + 1), records)


GOOD = {
    "coverage.journal.v1": journal_values([fact_entry()])[0],
    "coverage.ledger.v1": ledger_value(ledger_record(0)),
}
BAD_VALUES = [
    pytest.param(None, id="nothing"),
    pytest.param(b"", id="no bytes"),
    pytest.param(b"\x00\x00\x00\x27\x0f", id="an unknown schema"),
    pytest.param(b"\x00\x00\x00\x00\x17", id="a tick without a body"),
]


@pytest.mark.parametrize("topic", GOOD)
@pytest.mark.parametrize("bad", BAD_VALUES)
def test_the_first_record_that_cannot_be_read_is_named(topic: str, bad: bytes | None) -> None:
    values = [GOOD[topic], GOOD[topic], bad]

    with pytest.raises(Unreadable, match=rf"Topic p\.{topic}, partition 1, offset 42 cannot be read"):
        topics(TopicNames("p."))[f"p.{topic}"].blocks(batch(f"p.{topic}", kept(values, 40)))  # type: ignore[arg-type]


LETTERS = [
    pytest.param(1, "workforce.dead-letters.v1", ["invalid_field", "id_conflict"], id="first generation: one topic"),
    pytest.param(2, "workforce.dead-letters.v1", ["invalid_field"], id="later: of the recorder's topic its own"),
    pytest.param(2, "workforce.dead-letters.v1.g2", ["invalid_field", "id_conflict"], id="later: all of the book's"),
]


@pytest.mark.parametrize(("generation", "topic", "reasons"), LETTERS)
def test_what_an_earlier_generation_of_the_book_refused_is_not_this_ones(
    generation: int, topic: str, reasons: list[str]
) -> None:
    letters = [dead_letter(0), replace(dead_letter(1), reason="id_conflict")]
    values = [OutputCodec().encode_dead_letter(letter) for letter in letters]

    (made,) = topics(TopicNames("p.", generation))[f"p.{topic}"].blocks(batch(f"p.{topic}", kept(values, 0)))
    assert list(made.columns["reason"]) == reasons


def test_a_fact_that_ends_too_early_is_named() -> None:
    value = GOOD["coverage.journal.v1"]

    with pytest.raises(Unreadable, match="offset 6"):
        topics(TopicNames())["coverage.journal.v1"].blocks(batch("coverage.journal.v1", kept([value, value[:-4]], 5)))


def test_no_text_of_a_refusal_repeats_what_is_in_the_record() -> None:
    value = GOOD["coverage.journal.v1"].replace(b"w1", b"\xff1")

    with pytest.raises(Unreadable) as refusal:
        topics(TopicNames())["coverage.journal.v1"].blocks(batch("coverage.journal.v1", kept([value])))

    assert "0xff" not in str(refusal.value)
    assert "offset 0 cannot be read: it is no record of this topic" in str(refusal.value)


def test_of_many_records_the_first_whose_value_has_no_column_is_named() -> None:
    values = journal_values([fact_entry(n, effective_on=3_000_000 if n in (7, 9) else 20_000) for n in range(12)])

    with pytest.raises(Unwritable, match="offset 47 cannot be stored: column effective_on of journal_facts") as refusal:
        topics(TopicNames())["coverage.journal.v1"].blocks(batch("coverage.journal.v1", kept(values, 40)))

    assert "3000000" not in str(refusal.value)
