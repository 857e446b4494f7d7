"""Rows of the ledger's topic: one entry for each fact, and its lines."""

from collections.abc import Sequence
from functools import lru_cache

from schemas.records import LedgerRecord
from schemas.vocabulary import EMPLOYMENT_TYPES, ClassParts, programme_names
from sinks.tables.block import Block, Row, block

ENTRY_COLUMNS = ("company_id", "partition", "offset", "recorded_at", "event_id", "disposition", "line_count", "chain")
LINE_COLUMNS = (
    "company_id",
    "partition",
    "offset",
    "posting",
    "recorded_at",
    "value_on",
    "employment_type_before",
    "programmes_before",
    "new_before",
    "employment_type_after",
    "programmes_after",
    "new_after",
    "quantity",
)


def ledger_blocks(records: Sequence[LedgerRecord]) -> list[Block]:
    """The rows of these records."""
    entries = [
        (r.company_id, r.partition, r.offset, r.recorded_at, r.event_id, r.disposition, len(r.lines), r.chain.hex())
        for r in records
    ]
    lines = [row for record in records for row in _line_rows(record)]
    return [*block("ledger_entries", ENTRY_COLUMNS, entries), *block("ledger_lines", LINE_COLUMNS, lines)]


def _line_rows(r: LedgerRecord) -> list[Row]:
    return [
        (
            r.company_id,
            r.partition,
            r.offset,
            posting,
            r.recorded_at,
            line.value_on,
            *_class_fields(line.before),
            *_class_fields(line.after),
            line.quantity,
        )
        for posting, line in enumerate(r.lines, start=1)
    ]


@lru_cache(maxsize=1024)
def _class_fields(parts: ClassParts | None) -> tuple[str, tuple[str, ...], bool]:
    """employment_type, programmes and new of a class; OUTSIDE has none of them."""
    if parts is None:
        return "", (), False
    return EMPLOYMENT_TYPES[parts.employment_type], programme_names(parts.programmes), parts.new
