"""Compare what the sink added up with the lines it was made of, bucket by bucket (sinks/clickhouse/ddl/README.md)."""

from collections.abc import Hashable
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.tables import rows
from sinks.clickhouse.buckets import BITS, CHANGES, bucket_of

CLAIM: Final = "added-up lines in ClickHouse"
_NAMED: Final = """
    SELECT bucket, attempt FROM ledger_totalled FINAL
    WHERE partition = {partition:UInt32} AND attempt != ''
        AND bucket >= {first:UInt64} AND bucket < {next:UInt64}"""
_DIGEST: Final = f"cityHash64(toString(company_id), value_on, {', '.join(f'toInt64({name})' for name in CHANGES)})"
_TOTALS: Final = f"""
    SELECT named.bucket, count(), sum({_DIGEST})
    FROM ledger_totals INNER JOIN ({_NAMED}) AS named ON named.attempt = ledger_totals.attempt
    GROUP BY named.bucket"""
_LINES: Final = f"""
    SELECT bucket, count(), sum({_DIGEST})
    FROM
    (
        SELECT bitShiftRight(offset, {BITS}) AS bucket, company_id, value_on,
            {", ".join(f"sum(lines.{name}) AS {name}" for name in CHANGES)}
        FROM ledger_changes AS lines
        WHERE partition = {{partition:UInt32}} AND bitShiftRight(offset, {BITS}) IN (SELECT bucket FROM ({_NAMED}))
        GROUP BY bucket, company_id, value_on
    )
    GROUP BY bucket"""


def audit_totals(client: Client, partition: int, since: int, until: int) -> list[Finding]:
    """Compare the buckets that end between two journal offsets. No finding where nothing is added up yet."""
    asked: dict[str, Any] = {
        "partition": partition,
        "first": bucket_of(partition, since).number,
        "next": bucket_of(partition, until).number,
    }
    totals = _by_bucket(client, _TOTALS, asked)
    if not totals:
        return []
    return [compare(CLAIM, f"partition {partition}, ClickHouse", _by_bucket(client, _LINES, asked), totals)]


def _by_bucket(client: Client, query: str, asked: dict[str, Any]) -> dict[Any, Hashable]:
    return {f"bucket {row[0]}": row[1:] for row in rows(client, query, asked)}
