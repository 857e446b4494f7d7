"""ClickHouse against the topics: ledger with its chain, lines, alerts and dead letters, row by row."""

from collections.abc import Hashable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from deploy.audit.findings import Finding, compare
from deploy.audit.partition import Kept
from schemas.chain import chain_of
from schemas.codec import OutputCodec
from schemas.records import Coordinates, Posting
from schemas.vocabulary import EMPLOYMENT_TYPES, ClassParts, programme_names
from streams.core.dates import EPOCH_ORDINAL

_ENTRIES: Final = """
    SELECT partition, offset, disposition, event_id, company_id, chain FROM ledger_entries FINAL
    WHERE partition = {partition:UInt32} AND offset < {next:UInt64}"""
_LINES: Final = """
    SELECT offset, posting, value_on, employment_type_before, programmes_before, new_before,
        employment_type_after, programmes_after, new_after, quantity
    FROM ledger_lines FINAL WHERE partition = {partition:UInt32} AND offset < {next:UInt64}"""
_ALERTS: Final = """
    SELECT alert_id, status, business_date, covered, divisor, gap_people, recorded_at FROM alerts
    WHERE journal_partition = {partition:UInt32} AND journal_offset < {next:UInt64}"""
_DEAD_LETTERS: Final = "SELECT topic, partition, offset, reason FROM dead_letters"


def audit_warehouse(client: Client, kept: Kept, reached: int) -> list[Finding]:
    """One partition of the book, as far as the sink has carried it (`reached`: journal offset)."""
    where = f"partition {kept.partition}, ClickHouse"
    until = min(kept.journal_next, reached)
    codec = OutputCodec()
    asked: dict[str, Any] = {"partition": kept.partition, "next": until}
    entries: dict[Any, Hashable] = {}
    lines: dict[Any, Hashable] = {}
    for offset, value in kept.ledger.items():
        if offset < until:
            said = codec.decode_ledger(value)
            entries[offset] = said.disposition, said.event_id, said.company_id, chain_of(value).hex()
            lines |= {(offset, number): _line(line) for number, line in enumerate(said.lines, 1)}
    alerts = {identity: _alert(codec, value) for identity, value in kept.alerts.items()}
    alerts = {identity: fields for identity, fields in alerts.items() if fields[-1] < until}
    found_entries = {row[1]: tuple(row[2:]) for row in _rows(client, _ENTRIES, asked)}
    found_lines = {(row[0], row[1]): _plain(row[2:]) for row in _rows(client, _LINES, asked)}
    found_alerts = {(row[0], row[1]): _plain(row[2:]) for row in _rows(client, _ALERTS, asked)}
    return [
        compare("ledger records and chain", where, entries, found_entries),
        compare("ledger lines", where, lines, found_lines),
        compare("alerts", where, {identity: fields[:-1] for identity, fields in alerts.items()}, found_alerts),
    ]


def audit_dead_letters(client: Client, letters: dict[Coordinates, str]) -> Finding:
    """The dead letters of the recorder, each once."""
    found = {Coordinates(*row[:3]): row[3] for row in _rows(client, _DEAD_LETTERS, {})}
    recorded = {at: reason for at, reason in found.items() if at in letters}
    return compare("dead letters of the recorder", "ClickHouse", letters, recorded)


def _rows(client: Client, query: str, asked: dict[str, Any]) -> Iterable[Sequence[Any]]:
    rows: Iterable[Sequence[Any]] = client.query(query, parameters=asked).result_rows
    return rows


def _line(line: Posting) -> tuple[Hashable, ...]:
    value_on = date.fromordinal(line.value_on + EPOCH_ORDINAL)
    return value_on, *_side(line.before), *_side(line.after), line.quantity


def _side(parts: ClassParts | None) -> tuple[str, tuple[str, ...], bool]:
    if parts is None:
        return "", (), False
    return EMPLOYMENT_TYPES[parts.employment_type], programme_names(parts.programmes), parts.new


def _alert(codec: OutputCodec, value: bytes) -> tuple[Any, ...]:
    """The fields that are compared, and behind them the journal offset."""
    a = codec.decode_alert(value)
    business_date = date.fromordinal(a.business_date + EPOCH_ORDINAL)
    return business_date, a.covered, a.divisor, a.gap_people, a.recorded_at, a.journal_offset


def _plain(values: Sequence[Any]) -> tuple[Hashable, ...]:
    """Values of ClickHouse as ours: lists as tuples, instants as milliseconds."""
    return tuple(map(_plain_value, values))


def _plain_value(value: Any) -> Hashable:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    return tuple(value) if isinstance(value, list) else value
