"""Rows of the ledger's topic: one entry per fact, and its lines."""

from collections.abc import Sequence
from functools import lru_cache

from schemas.records import LedgerRecord
from schemas.vocabulary import EMPLOYMENT_TYPES, ClassParts, programme_names
from sinks.clickhouse.tables.block import Block, Row, block

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
    lines = [row for record in records if record.lines for row in _line_rows(record)]
    return [*_entries(records), *block("ledger_lines", LINE_COLUMNS, lines)]


def _entries(records: Sequence[LedgerRecord]) -> list[Block]:
    """One row per record, built column by column."""
    if not records:
        return []
    partitions, offsets, recorded, companies, events, dispositions, lines, chains = zip(*records, strict=True)
    counts, texts = list(map(len, lines)), list(map(bytes.hex, chains))
    columns = companies, partitions, offsets, recorded, events, dispositions, counts, texts
    return [Block("ledger_entries", dict(zip(ENTRY_COLUMNS, columns, strict=True)))]


def _line_rows(record: LedgerRecord) -> list[Row]:
    partition, offset, recorded_at, company_id, _, _, lines, _ = record
    at = company_id, partition, offset
    return [
        (*at, posting, recorded_at, value_on, *_class_fields(before), *_class_fields(after), quantity)
        for posting, (value_on, before, after, quantity) in enumerate(lines, start=1)
    ]


@lru_cache(maxsize=1024)
def _class_fields(parts: ClassParts | None) -> tuple[str, tuple[str, ...], bool]:
    """employment_type, programmes and new of a class; OUTSIDE has none of them."""
    if parts is None:
        return "", (), False
    return EMPLOYMENT_TYPES[parts.employment_type], programme_names(parts.programmes), parts.new
