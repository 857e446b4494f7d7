"""The public form of an answer is the same for an offline book and a book in Kafka, and contains only plain JSON."""

from datetime import UTC, date, datetime
from decimal import Decimal

from schemas.fact_json import json_line
from schemas.public_json import alert_json, row_json, stored_alert_json
from tests.support.sink_records import alert


def test_a_stored_alert_has_its_entry_of_the_journal_and_is_otherwise_the_alert() -> None:
    one = alert(offset=17)
    added = stored_alert_json(one).items() - alert_json(one).items()
    assert {name for name, _ in added} == {"journal_partition", "journal_offset", "recorded_at"}
    assert ("journal_offset", 17) in added
    assert alert_json(one).items() <= stored_alert_json(one).items()


def test_a_row_of_a_view_keeps_its_names_and_becomes_json() -> None:
    row = {
        "company_id": "JT-0001-A",
        "active": 12,
        "coverage_bp": None,
        "as_of": date(2025, 12, 31),
        "recorded_at": datetime(2025, 12, 31, 5, tzinfo=UTC),
        "share": Decimal("0.50"),
        "required": ["JKK", "JKM"],
    }
    found = row_json(row)
    assert found == row | {"as_of": "2025-12-31", "recorded_at": "2025-12-31T05:00:00.000Z", "share": "0.50"}
    assert '"recorded_at":"2025-12-31T05:00:00.000Z"' in json_line(found)
