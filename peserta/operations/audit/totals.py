"""Compare what the sink added up with the lines it was made of, bucket by bucket (sinks/clickhouse/ddl/README.md)."""

from collections.abc import Hashable
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.tables import rows
from sinks.clickhouse.buckets import BITS, CHANGES, bucket_of

CLAIM: Final = "added-up lines in ClickHouse"
_MONTH: Final = "toDate32(toInt64(value_on) - toDayOfMonth(value_on) + 1)"
_NAMED: Final = """
    SELECT bucket, attempt FROM ledger_buckets FINAL
    WHERE partition = {partition:UInt32} AND attempt != ''
        AND bucket >= {first:UInt64} AND bucket < {next:UInt64}"""
_TOTALS: Final = f"""
    SELECT named.bucket, count(), sum(cityHash64({{digest}}))
    FROM {{table}} INNER JOIN ({_NAMED}) AS named ON named.attempt = {{table}}.attempt
    GROUP BY named.bucket"""
_LINES: Final = f"""
    SELECT bucket, count(), sum(cityHash64({{digest}}))
    FROM
    (
        SELECT bitShiftRight(offset, {BITS}) AS bucket, company_id, {{on}} AS {{date}},
            {", ".join(f"sum(lines.{name}) AS {name}" for name in CHANGES)}
        FROM ledger_changes AS lines
        WHERE partition = {{partition:UInt32}} AND bitShiftRight(offset, {BITS}) IN (SELECT bucket FROM ({_NAMED}))
        GROUP BY bucket, company_id, {{date}}
    )
    GROUP BY bucket"""
# The table, its date, and that date of a line.
_GRAINS: Final = (("ledger_totals_by_day", "value_on", "value_on"), ("ledger_totals_by_month", "month", _MONTH))


def audit_totals(client: Client, partition: int, since: int, until: int) -> list[Finding]:
    """Compare the buckets that end between two journal offsets, by day and by month. No finding where nothing is added
    up yet."""
    asked: dict[str, Any] = {
        "partition": partition,
        "first": bucket_of(partition, since).number,
        "next": bucket_of(partition, until).number,
    }
    totals: dict[Any, Hashable] = {}
    lines: dict[Any, Hashable] = {}
    for table, date, on in _GRAINS:
        digest = f"toString(company_id), {date}, {', '.join(f'toInt64({name})' for name in CHANGES)}"
        words = {"{table}": table, "{date}": date, "{on}": on, "{digest}": digest}
        totals |= _by_bucket(client, _filled(_TOTALS, words), asked, date)
        lines |= _by_bucket(client, _filled(_LINES, words), asked, date)
    return [compare(CLAIM, f"partition {partition}, ClickHouse", lines, totals)] if totals or lines else []


def _filled(query: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        query = query.replace(mark, word)
    return query


def _by_bucket(client: Client, query: str, asked: dict[str, Any], date: str) -> dict[Any, Hashable]:
    return {f"bucket {row[0]}, by {date}": row[1:] for row in rows(client, query, asked)}
