"""The last snapshot of each company: in the topic against the journal folded again, in ClickHouse against the topic.

Which snapshots a company has had depends on where batches ended. The last one does not: it has the company's figures
after its last change, and the place of that change. So the audit compares the last one, which compaction keeps.
"""

from collections.abc import Callable, Mapping

from clickhouse_connect.driver.client import Client

from peserta.operations.audit.expected import Expected
from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.partition_audited import LastSnapshot, PartitionAudited, PartitionDraft
from peserta.operations.audit.position import SNAPSHOTS, Carried
from peserta.operations.audit.reading import TopicReader, read_as
from peserta.operations.audit.tables import final_rows, rows_of
from schemas.codec import OutputCodec
from sinks.clickhouse.tables.snapshots import COLUMNS, snapshot_blocks

TABLE = "snapshots"
CLAIM = "last snapshots = journal folded again"

OnBehindState = Callable[[str, int, int], None]  # topic, offset there, offset in the journal


async def audit_snapshots(
    reader: TopicReader, topic: str, kept: PartitionDraft, expected: Expected, on_behind_state: OnBehindState
) -> Finding:
    """The topic behind the position, up to the state; `kept.snapshots` are the last that are found.

    Where a company has another one behind the state, the one before it may be gone: such a company is left to the next
    audit. One that an earlier release wrote is compared in its own version of the schema.
    """
    codec, later = OutputCodec(), set()
    async for record in reader.records(topic, kept.partition, start=kept.since.next[SNAPSHOTS]):
        said = read_as(codec.decode_snapshot, record)
        company_id = said.figures.company_id
        if said.offset >= kept.journal_next:
            on_behind_state(SNAPSHOTS, record.offset, said.offset)
            later.add(company_id)
            continue
        kept.snapshots[company_id] = LastSnapshot(record.offset, said.offset, (record.key, record.value))
        kept.next[SNAPSHOTS] = record.offset + 1
    found = {company_id: said.record for company_id, said in kept.snapshots.items()}
    should = {}
    for key, value in expected.snapshots.items():
        _, written = found.get(key.decode(), (key, None))
        should[key.decode()] = key, value if written is None else codec.snapshot_in_version_of(written, value)
    here = f"partition {kept.partition}"
    return compare(CLAIM, here, *({c: r for c, r in one.items() if c not in later} for one in (should, found)))


async def snapshots_due(reader: TopicReader, topic: str, kept: PartitionAudited) -> Mapping[str, LastSnapshot]:
    """The last of each company that ClickHouse was not yet compared with."""
    codec = OutputCodec()
    due: dict[str, LastSnapshot] = {}
    start, end = kept.since.carried[SNAPSHOTS].topic_next, kept.since.next[SNAPSHOTS]
    async for record in reader.records(topic, kept.partition, start=start, end=end):
        said = read_as(codec.decode_snapshot, record)
        due[said.figures.company_id] = LastSnapshot(record.offset, said.offset, (record.key, record.value))
    return {**due, **kept.snapshots}


def audit_snapshot_rows(
    client: Client, kept: PartitionAudited, due: Mapping[str, LastSnapshot], reached: Mapping[str, int]
) -> tuple[Carried, Finding]:
    """The rows of one partition; a company whose last the sink has not carried yet is left to the next audit, and so
    is one of which ClickHouse has a newer one than the audit speaks of."""
    since, codec = kept.since.carried[SNAPSHOTS], OutputCodec()
    on_their_way = {company_id: said.at for company_id, said in due.items() if said.at >= reached.get(SNAPSHOTS, 0)}
    found_rows = final_rows(client, TABLE, COLUMNS, kept.partition)
    rows = {row[0]: (row[COLUMNS.index("offset")], row) for row in found_rows}
    passed_over = {*on_their_way, *(company_id for company_id, (at, _) in rows.items() if at >= kept.journal_next)}
    blocks = snapshot_blocks([codec.decode_snapshot(said.record[1] or b"") for said in due.values()])
    should = {row[0]: row for block in blocks for row in rows_of(block)}
    found = {c: row for c, (at, row) in rows.items() if c in due or at >= since.journal_next}
    where = f"partition {kept.partition}, ClickHouse"
    here = ({c: row for c, row in one.items() if c not in passed_over} for one in (should, found))
    until = Carried(min([kept.next[SNAPSHOTS], *on_their_way.values()]), kept.journal_next)
    return until, compare("last snapshots in ClickHouse", where, *here)
