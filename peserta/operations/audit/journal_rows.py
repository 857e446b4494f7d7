"""Compare ClickHouse's rows of the journal: every fact, and the newest version of each registry entry and policy.

`sinks.clickhouse.tables.journal` says which row each entry must have. The audit checks that ClickHouse has that row
once and unchanged.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.position import JOURNAL, Carried
from peserta.operations.audit.reading import TopicReader, entries_of
from peserta.operations.audit.tables import PlainRow, final_rows, rows_of
from schemas.codec import JournalCodec
from sinks.clickhouse.tables.journal import COMPANY_COLUMNS, FACT_COLUMNS, POLICY_COLUMNS, journal_blocks

RECORDS_PER_QUESTION_MAX: Final = 50_000  # journal records per query; a query covers at least one batch of the reader
FACTS, COMPANIES, POLICIES = "journal_facts", "journal_companies", "journal_policies"
_FACT_AT: Final = FACT_COLUMNS.index("offset")

# Before migration 011 the sink clamped declared dates to the range from 1900-01-01 to 2299-12-31.
DECLARED_ON: Final = frozenset(("effective_from", "effective_until", "baseline_on"))
DECLARED_FIRST, DECLARED_LAST = -25_567, 120_529


@dataclass(frozen=True)
class Newest:
    """The rows expected in a table that keeps, for each `key`, the highest `version`, and of equals the later row."""

    table: str
    columns: Sequence[str]
    key: Sequence[str]
    version: str
    rows: dict[PlainRow, PlainRow] = field(default_factory=dict)

    def put(self, row: PlainRow) -> None:
        """Add the next row, in journal order."""
        row = self._nearest(row)
        key, before = self._part(row, self.key), self.rows.get(self._part(row, self.key))
        if before is None or self._part(row, [self.version]) >= self._part(before, [self.version]):
            self.rows[key] = row

    def audit(self, client: Client, partition: int, stretch: tuple[int, int]) -> Finding:
        """Compare the table with the expected rows of `stretch`, a half-open range of journal offsets.

        Rows that a newer one behind the stretch has replaced are left out, and so are rows from before it.
        """
        first, end = stretch
        rows = map(self._nearest, final_rows(client, self.table, self.columns, partition))
        found_rows = {self._part(row, self.key): row for row in rows}
        at = {key: self._part(row, ["offset"])[0] for key, row in found_rows.items()}
        replaced = {key for key in at if at[key] >= end or (at[key] < first and self._stays(found_rows[key], key))}
        should = {key: row for key, row in self.rows.items() if key not in replaced}
        found = {
            key: row for key, row in found_rows.items() if key not in replaced and (at[key] >= first or key in should)
        }
        return compare(_claim(self.table), _where(partition), should, found, name=lambda key: key[0])

    def _stays(self, before: PlainRow, key: PlainRow) -> bool:
        """Whether a row from before the stretch has the higher version and therefore replaces the stretch's own."""
        row = self.rows.get(key)
        return row is not None and self._part(before, [self.version]) > self._part(row, [self.version])

    def _nearest(self, row: PlainRow) -> PlainRow:
        """The row with its declared dates clamped as an earlier sink may have written them."""
        return tuple(
            _nearest(value) if name in DECLARED_ON else value for name, value in zip(self.columns, row, strict=True)
        )

    def _part(self, row: PlainRow, names: Sequence[str]) -> PlainRow:
        return tuple(row[self.columns.index(name)] for name in names)


def _nearest(days: Any) -> Any:
    """Clamp a day, a list of days or None to the range of earlier sinks."""
    if isinstance(days, tuple):
        return tuple(map(_nearest, days))
    return None if days is None else max(DECLARED_FIRST, min(DECLARED_LAST, days))


async def audit_journal_rows(
    client: Client, reader: TopicReader, topic: str, kept: PartitionAudited, reached: int
) -> tuple[Carried, list[Finding]]:
    """Compare one partition of the journal behind the position, up to the offset `reached` by the sink."""
    first, codec = kept.since.carried[JOURNAL].topic_next, JournalCodec()
    end = max(first, min(reached, kept.journal_next))
    facts = Finding(_claim(FACTS), _where(kept.partition))
    companies = Newest(COMPANIES, COMPANY_COLUMNS, ("company_id",), "came_from_offset")
    policies = Newest(POLICIES, POLICY_COLUMNS, ("policy_id", "came_from_offset", "partition"), "offset")
    begin = first
    async for records, behind in _stretches(reader, topic, kept.partition, first, end):
        offsets = [record.offset for record in records]
        blocks = journal_blocks(kept.partition, list(zip(offsets, entries_of(codec, records), strict=True)))
        rows = {block.table: [*rows_of(block)] for block in blocks}
        facts.take_in(_facts(client, kept.partition, rows.get(FACTS, []), (begin, behind)))
        for table in (companies, policies):
            for row in rows.get(table.table, []):
                table.put(row)
        begin = behind
    newest = [table.audit(client, kept.partition, (first, end)) for table in (companies, policies)]
    return Carried(end, end), [facts, *newest]


async def _stretches(
    reader: TopicReader, topic: str, partition: int, first: int, end: int
) -> AsyncIterator[tuple[list[Any], int]]:
    """The records in [first, end) in chunks of about RECORDS_PER_QUESTION_MAX, each with the offset of its end."""
    records: list[Any] = []
    async for batch in reader.batches(topic, partition, start=first, end=end):
        records += batch
        if len(records) >= RECORDS_PER_QUESTION_MAX:
            yield records, records[-1].offset + 1
            records = []
    yield records, end


def _facts(client: Client, partition: int, due: Sequence[PlainRow], stretch: tuple[int, int]) -> Finding:
    found = final_rows(client, FACTS, FACT_COLUMNS, partition, stretch)
    by_place = ({(row[_FACT_AT], row[0]): row for row in rows} for rows in (due, found))
    return compare(_claim(FACTS), _where(partition), *by_place, name=lambda key: key[0])


def _claim(table: str) -> str:
    return f"{table.replace('_', ' ')} in ClickHouse"


def _where(partition: int) -> str:
    return f"partition {partition}, ClickHouse"
