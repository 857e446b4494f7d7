"""Rows of the topic of handling: one for each action of a person on an alert."""

from collections.abc import Sequence

from schemas.handling import Handling
from sinks.clickhouse.tables.alert_ids import policy_of
from sinks.clickhouse.tables.block import Block, Row, block

COLUMNS = (
    "handling_id",
    "offset",
    "deleted",
    "alert_id",
    "company_id",
    "policy_id",
    "action",
    "handled_by",
    "handled_at",
    "assigned_to",
    "note",
)
_DELETED: Row = (True, "", "", None, "", "", 0, None, None)


def handling_blocks(records: Sequence[tuple[int, str, Handling | None]]) -> list[Block]:
    """One row for each record: (offset, handling id, handling); None is a tombstone."""
    rows = [(handling_id, offset, *_rest(handling)) for offset, handling_id, handling in records]
    return list(block("handling_records", COLUMNS, rows))


def _rest(handling: Handling | None) -> Row:
    if handling is None:
        return _DELETED
    return (
        False,
        handling.alert_id,
        handling.company_id,
        policy_of(handling.alert_id),
        handling.action,
        handling.by,
        handling.at,
        handling.to,
        handling.text,
    )
