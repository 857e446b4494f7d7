"""Compare ClickHouse with the topics, row by row: ledger records with their chain, lines, alerts and dead letters."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.inbound import Letter
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.position import ALERTS, LEDGER, LETTERS, Carried, topic_names
from peserta.operations.audit.reading import TopicReader
from peserta.operations.audit.tables import PlainRow, each_by, rows
from schemas.chain import chain_of
from schemas.codec import OutputCodec
from schemas.records import Alert, Coordinates, Posting
from schemas.vocabulary import EMPLOYMENT_TYPES, ClassParts, programme_names
from sinks.clickhouse.tables.alerts import COLUMNS as ALERT_COLUMNS
from streams.settings import StreamSettings

IDENTITY: Final = 2  # the number of key columns in an alert's row: id and status

_ENTRIES: Final = """
    SELECT offset, disposition, event_id, company_id, chain FROM ledger_entries FINAL
    WHERE partition = {partition:UInt32} AND offset >= {first:UInt64} AND offset < {next:UInt64}"""
_LINES: Final = """
    SELECT offset, posting, value_on, employment_type_before, programmes_before, new_before,
        employment_type_after, programmes_after, new_after, quantity
    FROM ledger_lines FINAL
    WHERE partition = {partition:UInt32} AND offset >= {first:UInt64} AND offset < {next:UInt64}"""
_ALERTS: Final = f"""
    SELECT {", ".join(ALERT_COLUMNS)} FROM alerts
    WHERE journal_partition = {{partition:UInt32}}
        AND journal_offset >= {{first:UInt64}} AND journal_offset < {{next:UInt64}}"""
# Read the table, not the view: the view leaves out records that were recorded when they were read before.
_DEAD_LETTERS: Final = """
    SELECT topic, partition, offset, reason, field, rule FROM dead_letter_records FINAL
    WHERE letter_partition = {partition:UInt32} AND letter_offset >= {first:UInt64} AND NOT by_book"""


@dataclass(frozen=True, slots=True)
class Written:
    """The ledger records and alerts of one partition that no audit has compared with ClickHouse yet.

    `ledger` and `alerts` hold (offset in the topic, value). `since` is where the comparison begins in each topic and in
    the journal. `journal_next` is the journal offset behind the last folded entry.
    """

    partition: int
    since: Mapping[str, Carried]
    journal_next: int
    ledger: Sequence[tuple[int, bytes]]
    alerts: Sequence[tuple[int, bytes]]


async def written(settings: StreamSettings, reader: TopicReader, kept: PartitionAudited) -> Written:
    """The records that this audit has read, preceded by those that earlier audits read but could not compare yet."""
    since = kept.since
    earlier: dict[str, list[tuple[int, bytes]]] = {LEDGER: [], ALERTS: []}
    for name, found in earlier.items():
        topic, start, end = topic_names(settings)[name], since.carried[name].topic_next, since.next[name]
        async for record in reader.records(topic, kept.partition, start=start, end=end):
            found.append((record.offset, record.value))
    ledger = [(at, kept.ledger[offset]) for at, offset in kept.ledger_at]
    alerts = [(at, kept.alerts[identity]) for identity, at in kept.alerts_at.items()]
    return Written(
        kept.partition, since.carried, kept.journal_next, [*earlier[LEDGER], *ledger], [*earlier[ALERTS], *alerts]
    )


def audit_warehouse(
    client: Client, book: Written, reached: Mapping[str, int]
) -> tuple[dict[str, Carried], list[Finding]]:
    """Compare one partition of the book with ClickHouse; return how far each topic was compared, and the findings.

    `reached` gives the offset up to which the sink has copied each topic.
    """
    where, codec = f"partition {book.partition}, ClickHouse", OutputCodec()
    entries: dict[Any, Hashable] = {}
    lines: dict[Any, Hashable] = {}
    ledger = [(at, codec.decode_ledger(value), value) for at, value in book.ledger]
    kept_to = _carried(book, [(at, said.offset) for at, said, _ in ledger], LEDGER, reached)
    for _, said, value in ledger:
        if said.offset < kept_to.journal_next:
            entries[said.offset] = said.disposition, said.event_id, said.company_id, chain_of(value).hex()
            lines |= {(said.offset, number): _line(line) for number, line in enumerate(said.lines, 1)}
    said_alerts = [(at, codec.decode_alert(value)) for at, value in book.alerts]
    told_to = _carried(book, [(at, alert.journal_offset) for at, alert in said_alerts], ALERTS, reached)
    alerts: dict[Any, Hashable] = {
        (alert.alert_id, alert.status): _alert(alert)
        for _, alert in said_alerts
        if alert.journal_offset < told_to.journal_next
    }
    asked = _asked(book, LEDGER, kept_to)
    found_entries = _by(1, rows(client, _ENTRIES, asked))
    found_lines = _by(2, rows(client, _LINES, asked))
    found_alerts = _by(IDENTITY, rows(client, _ALERTS, _asked(book, ALERTS, told_to)))
    return {LEDGER: kept_to, ALERTS: told_to}, [
        compare("ledger records and chain in ClickHouse", where, entries, found_entries),
        compare("ledger lines in ClickHouse", where, lines, found_lines),
        compare("alerts in ClickHouse", where, alerts, found_alerts),
    ]


def _by(key: int, found: Iterable[PlainRow]) -> dict[Hashable, PlainRow]:
    """Rows by their key: the first value if `key` is 1, else the tuple of the first `key` values."""
    each = each_by(lambda row: row[0] if key == 1 else row[:key], found)
    return {name: row[key:] for name, row in each.items()}


def _carried(book: Written, places: Sequence[tuple[int, int]], name: str, reached: Mapping[str, int]) -> Carried:
    """Where the comparison ends: at the first record that the sink has not copied, else at the end of the book.

    One journal entry may raise several alerts. If the sink lacks one of them, the next audit compares all of that
    entry's.
    """
    until = min((offset for at, offset in places if at >= reached.get(name, 0)), default=book.journal_next)
    behind = max((at + 1 for at, offset in places if offset < until), default=0)
    return Carried(max(behind, book.since[name].topic_next), max(until, book.since[name].journal_next))


def _asked(book: Written, name: str, until: Carried) -> dict[str, Any]:
    return {"partition": book.partition, "first": book.since[name].journal_next, "next": until.journal_next}


def audit_dead_letters(
    client: Client, partition: int, since: Carried, letters: Mapping[Coordinates, Letter], reached: Mapping[str, int]
) -> Finding:
    """Compare the recorder's dead letters in one partition of their topic with ClickHouse, as far as the sink has come.

    Each refused record counts once.
    """
    due = {
        at: (letter.reason, letter.field, letter.rule)
        for at, letter in letters.items()
        if letter.partition == partition and since.topic_next <= letter.offset < reached.get(LETTERS, 0)
    }
    asked = {"partition": partition, "first": since.topic_next}
    found = {Coordinates(*row[:3]): tuple(row[3:]) for row in rows(client, _DEAD_LETTERS, asked)}
    here = {at: why for at, why in found.items() if at in due}
    claim = "dead letters of the recorder in ClickHouse"
    return compare(claim, f"partition {partition}, ClickHouse", due, here)


def _line(line: Posting) -> tuple[Hashable, ...]:
    return line.value_on, *_side(line.before), *_side(line.after), line.quantity


def _side(parts: ClassParts | None) -> tuple[str, tuple[str, ...], bool]:
    if parts is None:
        return "", (), False
    return EMPLOYMENT_TYPES[parts.employment_type], programme_names(parts.programmes), parts.new


def _alert(alert: Alert) -> tuple[Hashable, ...]:
    """The columns of an alert that are not part of its key."""
    return tuple(getattr(alert, name) for name in ALERT_COLUMNS[IDENTITY:])
