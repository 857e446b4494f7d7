"""The service in memory: the real recorder and book-keeper, step by step, on lists in place of topics.

What comes out is read as the demonstration reads it; ClickHouse's part is what a right sink would hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from peserta.demo.evidence import Evidence, ledger_rows
from peserta.demo.material import Material
from peserta.demo.run import Sent
from peserta.operations.journal_files import note
from schemas.admission import Refusal
from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.dates import day_text, jakarta_day, jakarta_midnight
from schemas.fact_json import read_record
from schemas.records import Coordinates, FactEntry
from streams.bookkeeper import Bookkeeper
from streams.core.simulate import company_line
from streams.lane.records import Append, Rows
from streams.partitioning import partition_of
from streams.recorder import Recorder
from streams.settings import REPLAY, StreamSettings

PARTITIONS: Final = 2


@dataclass(frozen=True)
class Record:
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


class Service:
    """One installation of the workers, and all that its topics hold."""

    def __init__(self, grace_days: int) -> None:
        self.settings = StreamSettings("", Path(), partitions=PARTITIONS, clock=REPLAY, grace_days=grace_days)
        self.topics = self.settings.topics
        self.held: dict[str, list[Record]] = defaultdict(list)
        self._ends: Counter[tuple[str, int]] = Counter()
        self._recorder = Recorder(self.settings, now=lambda: 0)
        self._bookkeeper = Bookkeeper(self.topics, grace_days)
        self._rows: dict[int, Rows] = {partition: {} for partition in range(PARTITIONS)}
        for partition, rows in self._rows.items():
            self._bookkeeper.open(partition, rows)

    def put(self, topic: str, key: bytes | None, value: bytes | None, timestamp: int, partition: int) -> Record:
        offset = self._ends[topic, partition]
        self._ends[topic, partition] += 1
        self.held[topic].append(Record(topic, partition, offset, timestamp, key, value))
        return self.held[topic][-1]

    def publish(self, topic: str, key: bytes, value: bytes, timestamp: int) -> Coordinates:
        """One inbound record, through the recorder and the book-keeper."""
        record = self.put(topic, key, value, timestamp, partition_of(key, PARTITIONS))
        self.record(self._recorder.step(topic, record.partition, [record]))
        return Coordinates(record.topic, record.partition, record.offset)

    def tick(self, on: int) -> None:
        self.record(self._recorder.ticks(on, jakarta_midnight(on)))

    def record(self, appends: Iterable[Append]) -> None:
        for append in appends:
            record = self.put(append.topic, append.key, append.value, 0, append.partition)
            if append.topic == self.topics.journal:
                self.keep(record)

    def keep(self, record: Record) -> None:
        partition = record.partition
        effect = self._bookkeeper.step(partition, record.topic, [record], self._rows[partition])
        for row, value in effect.changed.items():
            if value is not None:
                self._rows[partition][row] = value
        for topic, records in effect.outputs.items():
            for key, value in records:
                self.put(topic, key, value, 0, partition)


def through(material: Material) -> tuple[Sent, Evidence]:
    """The material through the service, and what is there afterwards."""
    service, sent = Service(material.rules.grace_days), Sent()
    outputs, inbound, topics = OutputCodec(), InboundCodec(), service.topics
    for policy in material.rules.policies:
        key, value = policy.policy_id.encode(), outputs.encode_policy(policy)
        service.publish(topics.policies, key, value, material.starts_at)
    for company in material.rules.companies:
        key, value = company.company_id.encode(), outputs.encode_company(company)
        service.publish(topics.companies, key, value, material.starts_at)
    for number, line in material.lines:
        read = read_record(line)
        if isinstance(read, Refusal):
            sent.refused[number] = read
        else:
            at = service.publish(
                topics.facts, read.fact.company_id.encode(), inbound.encode(read.fact), read.recorded_at
            )
            sent.lines[at] = number
    for raw in material.raw_records:
        sent.raw[service.publish(topics.facts, raw.key, raw.value, raw.timestamp)] = raw
    service.tick(material.as_of)
    return sent, evidence_of(service)


def evidence_of(service: Service) -> Evidence:
    """What a committed reader of the topics finds, and an analyst in a ClickHouse that a right sink has filled."""
    evidence, outputs, topics = Evidence(), OutputCodec(), service.topics
    _journal(service, evidence)
    for record in service.held[topics.ledger]:
        line = outputs.decode_ledger(record.value or b"")
        evidence.ledger[line.partition, line.offset] = line
    evidence.alerts = [outputs.decode_alert(record.value or b"") for record in service.held[topics.alerts]]
    for record in service.held[topics.dead_letters]:
        letter = outputs.decode_dead_letter(record.value or b"")
        evidence.dead_letters[letter.came_from] = letter
    for record in service.held[topics.snapshots]:
        figures = outputs.decode_snapshot(record.value or b"").figures
        evidence.companies[figures.company_id] = company_line(figures)
    evidence.clickhouse_alerts = [_row(asdict(alert)) for alert in evidence.alerts]
    evidence.clickhouse_lines = list(ledger_rows(evidence))
    evidence.clickhouse_facts = len(evidence.journal)
    evidence.clickhouse_dead_letters = len(evidence.dead_letters)
    return evidence


def _journal(service: Service, evidence: Evidence) -> None:
    """Partition after partition, as a reader of a whole topic gets it."""
    codec, exported = JournalCodec(), evidence.exported
    for record in sorted(service.held[service.topics.journal], key=lambda record: record.partition):
        (entry,) = codec.decode([record.value or b""])
        if isinstance(entry, FactEntry):
            evidence.journal[record.partition, record.offset] = entry
            exported.partitions_with_facts.add(record.partition)
        else:
            note(exported, entry, record.partition)
        exported.last_on = max(exported.last_on or 0, jakarta_day(entry.recorded_at))


def _row(fields: dict[str, Any]) -> dict[str, Any]:
    """An alert with the types of a ClickHouse client."""
    for name in ("business_date", "episode_start"):
        fields[name] = date.fromisoformat(day_text(fields[name]))
    fields["recorded_at"] = datetime.fromtimestamp(fields["recorded_at"] / 1000, UTC)
    return fields


def copied(evidence: Evidence) -> Evidence:
    """The same evidence, to be altered: its records are frozen, what holds them is new."""
    exported = replace(
        evidence.exported, policies=dict(evidence.exported.policies), companies=dict(evidence.exported.companies)
    )
    return replace(
        evidence,
        exported=exported,
        journal=dict(evidence.journal),
        ledger=dict(evidence.ledger),
        alerts=list(evidence.alerts),
        dead_letters=dict(evidence.dead_letters),
        companies=dict(evidence.companies),
        clickhouse_alerts=list(evidence.clickhouse_alerts),
        clickhouse_lines=list(evidence.clickhouse_lines),
    )
