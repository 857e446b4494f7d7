"""Ranges: the changes that alter their hash and token, and the position that follows from a mark."""

import pytest

from sinks.clickhouse.marks import AFTER, BEFORE, Mark
from sinks.clickhouse.ranges import Batch, Range
from tests.support.sink_records import Kept

RANGE = Range("t1.coverage.ledger.v1", 3, 10, 14)
RECORDS = [Kept(10, b"a", b"C1"), Kept(12, b"b", b"C1")]


def test_a_token_names_table_place_range_and_content() -> None:
    batch = Batch.of(RANGE, RECORDS)

    assert batch.token("ledger_lines") == f"ledger_lines:t1.coverage.ledger.v1:3:10-14:{batch.sha256[:16]}"


OTHERS = [
    pytest.param(RANGE, [Kept(10, b"a", b"C1")], id="a record less"),
    pytest.param(RANGE, [Kept(10, b"a", b"C1"), Kept(12, b"x", b"C1")], id="another value"),
    pytest.param(RANGE, [Kept(10, b"a", b"C1"), Kept(12, b"b", b"C2")], id="another key"),
    pytest.param(RANGE, [Kept(10, b"a", b"C1"), Kept(13, b"b", b"C1")], id="another offset"),
    pytest.param(RANGE, [Kept(10, b"aC1", b""), Kept(12, b"b", b"C1")], id="the same bytes, cut elsewhere"),
    pytest.param(RANGE, [Kept(10, b"a", b"C1"), Kept(12, b"b", None)], id="no key"),
    pytest.param(Range(RANGE.topic, 3, 10, 15), RECORDS, id="another range"),
]


@pytest.mark.parametrize("range_, records", OTHERS)
def test_another_content_has_another_hash(range_: Range, records: list[Kept]) -> None:
    assert Batch.of(range_, records).sha256 != Batch.of(RANGE, RECORDS).sha256


def test_no_value_and_an_empty_value_are_not_the_same() -> None:
    assert Batch.of(RANGE, [Kept(10, None)]).sha256 != Batch.of(RANGE, [Kept(10, b"")]).sha256


@pytest.mark.parametrize("stage, position", [(BEFORE, 10), (AFTER, 14)], ids=["begun: its first", "done: behind it"])
def test_a_mark_says_where_the_rows_end(stage: str, position: int) -> None:
    assert Mark(RANGE, stage, "").position == position
