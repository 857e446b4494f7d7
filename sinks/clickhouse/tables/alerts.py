"""Rows of the alerts' topic: the fields of an alert, unchanged."""

from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter

from schemas.records import Alert
from sinks.clickhouse.tables.block import Block, block

COLUMNS = tuple(field.name for field in fields(Alert))
_row = attrgetter(*COLUMNS)


def alert_blocks(alerts: Sequence[Alert]) -> list[Block]:
    return list(block("alert_records", COLUMNS, [_row(alert) for alert in alerts]))
