"""What a switch changes: ledger and alerts of the current generation compared with those of the candidate."""

from collections.abc import Iterable
from typing import TypeAlias

from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.reading import TopicReader
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.records import Alert

Identity: TypeAlias = tuple[str, str]


async def differences(current: Settings, reader: TopicReader, candidate: Iterable[PartitionAudited]) -> list[Finding]:
    """Findings by partition, up to the offset that both generations reached; the current one is the expectation."""
    found = []
    for kept in candidate:
        found += await _of_partition(current, reader, kept)
    return found


async def _of_partition(current: Settings, reader: TopicReader, kept: PartitionAudited) -> list[Finding]:
    codec, topics, where = OutputCodec(), current.topics, f"partition {kept.partition}"
    ledger = {
        codec.decode_ledger(record.value).offset: record.value
        async for record in reader.records(topics.ledger, kept.partition)
    }
    alerts = {
        _identity(alert): (alert.journal_offset, record.value)
        async for record in reader.records(topics.alerts, kept.partition)
        for alert in (codec.decode_alert(record.value),)
    }
    until = min(kept.journal_next, max(ledger, default=-1) + 1)
    new_alerts = {at: (codec.decode_alert(value).journal_offset, value) for at, value in kept.alerts.items()}
    return [
        compare("ledger", where, *({at: v for at, v in one.items() if at < until} for one in (ledger, kept.ledger))),
        compare("alerts", where, *({i: v for i, (at, v) in one.items() if at < until} for one in (alerts, new_alerts))),
    ]


def _identity(alert: Alert) -> Identity:
    return alert.alert_id, alert.status
