"""Rows of the notices' topic: what became of each notice. What a notice says does not come here."""

from collections.abc import Sequence

from schemas.notices import Notice
from sinks.clickhouse.tables.alert_ids import policy_of
from sinks.clickhouse.tables.block import Block, Row, block

COLUMNS = (
    "notice_id",
    "offset",
    "deleted",
    "subscription_id",
    "kind",
    "status",
    "alert_id",
    "company_id",
    "policy_id",
    "state",
    "attempts",
    "last_answer",
    "gone",
    "digest_id",
    "seq",
    "created_at",
    "first_at",
    "next_at",
    "last_at",
)
_DELETED: Row = (True, "", "", None, None, None, None, "", 0, "", False, None, 0, 0, None, None, None)


def notice_blocks(records: Sequence[tuple[int, str, Notice | None]]) -> list[Block]:
    """One row for each notice, from its last record here, which would replace the others anyway. Records are (offset,
    notice id, notice), in order; None is a tombstone."""
    last = {notice_id: (offset, notice) for offset, notice_id, notice in records}
    rows = [(notice_id, offset, *_rest(notice)) for notice_id, (offset, notice) in last.items()]
    return list(block("notice_records", COLUMNS, rows))


def _rest(notice: Notice | None) -> Row:
    if notice is None:
        return _DELETED
    return (
        False,
        notice.subscription_id,
        notice.kind,
        notice.status,
        notice.alert_id,
        notice.company_id,
        policy_of(notice.alert_id),
        notice.state,
        notice.attempts,
        notice.last_answer,
        notice.gone,
        notice.digest_id,
        notice.seq,
        notice.created_at,
        notice.first_at,
        notice.next_at,
        notice.last_at,
    )
