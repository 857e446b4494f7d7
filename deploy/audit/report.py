"""The whole audit: partitions, inbound records, ClickHouse, seal; and what it says."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.audit.findings import Finding
from deploy.audit.inbound import Consumed, account, committed_offsets, recorder_letters
from deploy.audit.partition import Kept, PartitionAudit
from deploy.audit.reading import PartitionReader
from deploy.audit.seal import check
from deploy.audit.warehouse import audit_dead_letters, audit_warehouse
from deploy.clickhouse_reading import analyst
from deploy.kafka_reading import consumer_of
from deploy.settings import Settings
from schemas.records import Coordinates

Say = Callable[[str], None]


@dataclass
class Report:
    """What was audited, up to which offsets it speaks, and what was found."""

    kept: list[Kept] = field(default_factory=list)
    consumed: list[Consumed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return all(finding.holds for finding in self.findings)

    @property
    def dispositions(self) -> Counter[str]:
        """Of all records consumed, by disposition."""
        counted: Counter[str] = Counter()
        for book in self.kept:
            counted.update(book.dispositions)
        for one in self.consumed:
            counted.update({f"dead_letter:{reason}": count for reason, count in one.dead_letters.items()})
        return counted

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "is_well": self.is_well,
            "dispositions": dict(self.dispositions),
            "partitions": [
                {
                    "partition": book.partition,
                    "journal_next": book.journal_next,
                    "entries": book.entries,
                    "repeats": book.repeats,
                    "not_yet_kept": book.not_yet_kept,
                    "clickhouse_next": book.clickhouse_next,
                    "ledger_records": len(book.ledger),
                    "alerts": len(book.alerts),
                    "chain": book.head.hex(),
                }
                for book in self.kept
            ],
            "inbound": [
                {
                    "topic": one.source[0],
                    "partition": one.source[1],
                    "consumed_next": one.next_offset,
                    "records": one.records,
                    "in_journal": one.in_journal,
                    "dead_letters": dict(one.dead_letters),
                }
                for one in self.consumed
            ],
            "findings": [
                {
                    "claim": f.claim,
                    "where": f.where,
                    "compared": f.compared,
                    "missing": f.missing,
                    "extra": f.extra,
                    "different": f.different,
                    "named": f.named,
                }
                for f in self.findings
            ],
        }


async def audit_book(settings: Settings, say: Say, sealed: Mapping[str, Any] | None = None) -> Report:
    """Audit what Kafka holds. It may run beside the service: it speaks up to the offsets that it names."""
    streams, report = settings.stream_settings(), Report()
    committed = await committed_offsets(streams.kafka, streams.recorder_app)
    async with consumer_of(streams.kafka, [streams.topics.journal]) as consumer:
        consumer.unsubscribe()
        reader = PartitionReader(consumer)
        for partition in range(streams.partitions):
            say(f"Folding partition {partition} again")
            kept = await PartitionAudit(streams, reader, partition).run()
            report.kept.append(kept)
            report.findings += kept.findings
        say("Accounting for every record published")
        letters = await recorder_letters(streams, reader, range(streams.partitions))
        report.consumed, findings = await account(streams, reader, report.kept, letters, committed)
        report.findings += findings
    if sealed is not None:
        report.findings += check(sealed, report.kept)
    if settings.clickhouse_url:
        say("Looking at ClickHouse")
        report.findings += _warehouse(settings, report.kept, letters)
    return report


def _warehouse(settings: Settings, kept: list[Kept], letters: dict[Coordinates, str]) -> list[Finding]:
    """ClickHouse as far as the sink has come; the rest of the topics is on its way."""
    with analyst(settings) as client:
        reached = _reached(client, settings)
        findings = []
        for book in kept:
            carried = reached.get((settings.topics.ledger, book.partition), 0)
            book.clickhouse_next = max((at + 1 for offset, at in book.ledger_at if offset < carried), default=0)
            findings += audit_warehouse(client, book, book.clickhouse_next)
        findings.append(audit_dead_letters(client, letters))
    return findings


def _reached(client: Any, settings: Settings) -> dict[tuple[str, int], int]:
    rows = client.query(
        "SELECT topic, partition, if(stage = 'after', next, first) FROM sink_progress FINAL"
    ).result_rows
    return {(topic, partition): position for topic, partition, position in rows}
