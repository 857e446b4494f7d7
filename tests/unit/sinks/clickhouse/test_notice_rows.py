"""The rows that notices and handling add, and the records that are none."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import pytest

from schemas.handling import ACKNOWLEDGED, NOTE, Handling
from schemas.notices import DELIVERED, POSITION_KEY, SUPERSEDED, Notice, Position
from schemas.topics import TopicNames
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.refusals import RecordRefused, Unreadable, Unwritable
from sinks.clickhouse.tables.alert_ids import policy_of
from sinks.clickhouse.topics import topics
from tests.support.alerts import alert
from tests.support.notices import AT, digest_of, notice_of
from tests.support.sink_records import Kept

NAMES: Final = TopicNames()
READ: Final = topics(NAMES)
NOTICE: Final = notice_of(alert("C1", at=AT))
HANDLING: Final = Handling("h1", "C1/P1/1", "C1", NOTE, "Sri", AT, text="called HR")


def kept(offset: int, notice: Notice) -> Kept:
    return Kept(offset, notice.encode(), notice.notice_id.encode())


def rows(topic: str, *records: Kept) -> list[dict[str, Any]]:
    blocks = READ[topic].blocks(Batch.of(Range(topic, 0, 0, 100), records))
    return [
        dict(zip(block.columns, row, strict=True))
        for block in blocks
        for row in zip(*block.columns.values(), strict=True)
    ]


def test_of_several_records_of_a_notice_the_last_leaves_a_row() -> None:
    tried = replace(NOTICE, attempts=1, first_at=AT + 1)
    other = replace(NOTICE, notice_id="hook/C2/P1/1/firing")

    found = rows(NAMES.notices, kept(3, NOTICE), kept(4, other), kept(9, tried.ended(DELIVERED, "200 OK", AT + 2)))

    assert [(row["notice_id"], row["offset"], row["state"], row["last_answer"]) for row in found] == [
        (NOTICE.notice_id, 9, "delivered", "200 OK"),
        (other.notice_id, 4, "pending", ""),
    ]
    first = found[0]
    assert (first["attempts"], first["first_at"], first["next_at"], first["last_at"]) == (1, AT + 1, None, AT + 2)
    assert (first["alert_id"], first["company_id"], first["policy_id"]) == ("C1/P1/1", "C1", "P1")


def test_what_a_notice_says_leaves_nothing() -> None:
    (row,) = rows(NAMES.notices, kept(0, notice_of(text="Call sri@pt.example, 0812 3456 7890.\n")))

    assert "pt.example" not in repr(row)
    assert not {"message", "text", "subject", "items"} & row.keys()


def test_a_digest_is_about_no_alert_of_its_own() -> None:
    (row,) = rows(NAMES.notices, kept(0, digest_of(alert("C1"), alert("C2"))))

    assert [row[name] for name in ("kind", "alert_id", "company_id", "policy_id", "status")] == [
        "digest", None, None, None, None,
    ]  # fmt: skip


def test_how_far_the_notifier_has_come_leaves_no_row_even_if_nobody_can_read_it() -> None:
    position = Kept(0, Position().encode(), POSITION_KEY)

    assert rows(NAMES.notices, position, Kept(1, b"another form", POSITION_KEY)) == []


def test_a_deleted_record_leaves_a_row_that_says_so_and_nothing_else() -> None:
    deleted = Kept(7, None, NOTICE.notice_id.encode())
    (notice,) = rows(NAMES.notices, kept(3, NOTICE), deleted)
    _, handling = rows(NAMES.handling, Kept(1, HANDLING.encode(), b"h1"), Kept(2, None, b"h1"))
    (nobodys,) = rows(NAMES.handling, Kept(5, None, b"\xff"))

    assert (notice["notice_id"], notice["offset"], notice["deleted"]) == (NOTICE.notice_id, 7, True)
    assert (handling["handling_id"], handling["offset"], handling["deleted"]) == ("h1", 2, True)
    assert {*notice.values()} == {NOTICE.notice_id, 7, True, "", None, 0}
    assert {*handling.values()} == {"h1", 2, True, "", None, 0}
    assert nobodys["deleted"]


def test_every_action_leaves_a_row() -> None:
    acknowledged = replace(HANDLING, handling_id="h2", action=ACKNOWLEDGED, text=None)

    found = rows(NAMES.handling, Kept(4, HANDLING.encode(), b"h1"), Kept(6, acknowledged.encode(), b"h2"))

    names = ("handling_id", "offset", "action", "handled_by", "handled_at", "assigned_to", "note", "policy_id")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("h1", 4, "note", "Sri", AT, None, "called HR", "P1"),
        ("h2", 6, "acknowledged", "Sri", AT, None, None, "P1"),
    ]


@pytest.mark.parametrize(
    ("alert_id", "policy_id"),
    [("C1/floor/12", "floor"), ("a/b/c/floor/1", "floor"), ("C1", None), ("", None), (None, None)],
)
def test_the_policy_is_the_last_part_but_one_of_an_alerts_id(alert_id: str | None, policy_id: str | None) -> None:
    assert policy_of(alert_id) == policy_id


# ---- records that are none


def with_field(record: Notice | Handling, name: str, value: object) -> bytes:
    fields = json.loads(record.encode())
    assert name in fields, name
    return json.dumps(fields | {name: value}).encode()


def without(record: Notice | Handling, name: str) -> bytes:
    return json.dumps({field: value for field, value in asdict(record).items() if field != name}).encode()


HALF_A_PAIR: Final = "\ud800"
NO_NOTICE: Final[Mapping[str, bytes]] = {
    "no JSON": b"secret",
    "no UTF-8": b"\xff\xfe\xff",
    "a list": b"[]",
    "far too deep": b"[" * 100_000,
    "empty": b"",
    "a field is missing": without(NOTICE, "gone"),
    "a field more": NOTICE.encode()[:-1] + b', "more": 1}',
    **{
        f"{name} is {value!r}": with_field(NOTICE, name, value)
        for name, value in (
            ("notice_id", 7), ("notice_id", ""), ("subscription_id", None), ("alert_id", ["a"]), ("company_id", 1),
            ("status", False), ("digest_id", 3), ("kind", "sample"), ("kind", ["alert"]), ("state", "sent"),
            ("seq", "1"), ("attempts", 1.5), ("attempts", True), ("created_at", None), ("created_at", "2025-09-01"),
            ("ordered_at", None), ("first_at", "x"), ("next_at", 1e3), ("last_at", float("nan")), ("gone", 0),
            ("closed", None), ("last_answer", None), ("last_answer", HALF_A_PAIR), ("company_id", HALF_A_PAIR),
            ("items", [1]), ("items", None), ("message", "x"), ("message", {"alerts": [{}]}),
        )
    },
}  # fmt: skip
NO_HANDLING: Final[Mapping[str, bytes]] = {
    "no JSON": b"secret",
    "no UTF-8": b"\xff\xfe\xff",
    "far too deep": b"[" * 100_000,
    "empty": b"",
    "a field is missing": without(HANDLING, "by"),
    **{
        f"{name} is {value!r}": with_field(HANDLING, name, value)
        for name, value in (
            ("handling_id", ""), ("alert_id", None), ("company_id", 7), ("action", "closed"), ("by", "x" * 65),
            ("at", "now"), ("at", True), ("to", "Budi"), ("text", None), ("text", HALF_A_PAIR), ("by", HALF_A_PAIR),
        )
    },
}  # fmt: skip


def refused(kind: type[RecordRefused], topic: str, record: Kept) -> str:
    """The words with which a range with this record after a good one is refused, from which it can be told."""
    good = {NAMES.notices: kept(0, NOTICE), NAMES.handling: Kept(0, HANDLING.encode(), b"h1")}[topic]
    with pytest.raises(kind) as refusal:
        rows(topic, good, record)
    assert (refusal.value.topic, refusal.value.partition, refusal.value.offset) == (topic, 0, record.offset)
    return str(refusal.value)


@pytest.mark.parametrize("value", NO_NOTICE.values(), ids=NO_NOTICE)
def test_a_record_that_is_no_notice_is_named(value: bytes) -> None:
    words = refused(Unreadable, NAMES.notices, Kept(5, value, NOTICE.notice_id.encode()))
    assert "it is no record of this topic" in words
    assert "secret" not in words


@pytest.mark.parametrize("value", NO_HANDLING.values(), ids=NO_HANDLING)
def test_a_record_that_is_no_handling_is_named(value: bytes) -> None:
    words = refused(Unreadable, NAMES.handling, Kept(5, value, b"h1"))
    assert "it is no record of this topic" in words
    assert "secret" not in words


@pytest.mark.parametrize("key", [b"another", b"\xff", b"", None])
def test_a_record_under_another_key_is_named(key: bytes | None) -> None:
    """Compaction goes by keys: such a record would outlive its successor, or vanish before it."""
    for topic, value in ((NAMES.notices, NOTICE.encode()), (NAMES.handling, HANDLING.encode())):
        assert "its key is another one" in refused(Unreadable, topic, Kept(5, value, key))


BEYOND: Final = {
    **{
        name: (NAMES.notices, with_field(NOTICE, name, value), NOTICE.notice_id)
        for name, value in (
            ("created_at", 1 << 60), ("first_at", -(1 << 60)), ("next_at", 1 << 60), ("last_at", 1 << 60),
            ("attempts", -1), ("seq", 1 << 64),
        )
    },
    "handled_at": (NAMES.handling, with_field(HANDLING, "at", 1 << 60), "h1"),
}  # fmt: skip


@pytest.mark.parametrize("column", BEYOND)
def test_a_number_that_no_column_holds_is_named(column: str) -> None:
    topic, value, key = BEYOND[column]
    assert f"column {column}" in refused(Unwritable, topic, Kept(5, value, key.encode()))


def test_what_the_notifier_writes_is_read_back() -> None:
    for one in (NOTICE, NOTICE.ended(SUPERSEDED, "x", AT), digest_of(alert("C1"))):
        assert Notice.decode(one.encode()) == one
