"""The results of a run: the topics as the audit reads them, and ClickHouse as an analyst sees it."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from peserta.operations.audit.reading import TopicReader, partition_reader
from peserta.operations.audit.report import Report, Say, audit_book
from peserta.operations.audit.tables import each_by, rows
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.journal_files import Exported, note, without_repeats
from peserta.operations.notices import read_notices
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.notices import Notice
from schemas.public_json import JsonObject
from schemas.records import WINDOW_DAYS, Alert, Coordinates, DeadLetter, FactEntry, LedgerRecord
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES
from streams.core.simulate import Rules
from streams.settings import StreamSettings

NOTICES = "SELECT notice_id, state FROM notices"
REFUSED = "SELECT topic, partition, offset, reason FROM dead_letters"
WINDOW_FIELDS = ("joined", "left", "gained_cover", "lost_cover", "mean_coverage_bp", "min_coverage_bp")

At: TypeAlias = tuple[int, int]  # partition and offset in the journal


@dataclass
class Evidence:
    """The results: the audit's report, the facts and rules of the journal, dead letters, and figures.

    `journal_ends`: partition -> the offset behind its last entry. `companies`, `refused` and `notice_states` come from
    ClickHouse's views: the figures by company, the reason of each refused record, the state of each notice.
    """

    report: Report
    journal: dict[At, FactEntry] = field(default_factory=dict)
    journal_ends: dict[int, int] = field(default_factory=dict)
    exported: Exported = field(default_factory=Exported)
    ledger: dict[At, LedgerRecord] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    dead_letters: dict[Coordinates, DeadLetter] = field(default_factory=dict)
    companies: dict[str, JsonObject] = field(default_factory=dict)
    refused: dict[Hashable, str] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    notice_states: dict[Hashable, str] = field(default_factory=dict)

    @property
    def rules_in_journal(self) -> Rules:
        """The policies and registry entries in the journal."""
        return Rules(tuple(self.exported.policies.values()), tuple(self.exported.companies.values()))


def gather(settings: Settings, say: Say = lambda _: None) -> Evidence:
    """Audit the book, then read the other results. `say` is called with each step as it begins."""
    report = asyncio.run(audit_book(settings, say))
    say("Reading what came out")
    evidence = asyncio.run(_of_kafka(settings, report))
    evidence.notices = asyncio.run(read_notices(settings))
    with analyst(settings) as client:
        statuses: dict[str, list[JsonObject]] = {}
        for status in client.query("SELECT * FROM policy_status ORDER BY company_id, policy_id").named_results():
            statuses.setdefault(status["company_id"], []).append(_status(status))
        for row in client.query("SELECT * FROM coverage_current").named_results():
            evidence.companies[row["company_id"]] = _company(row, statuses.get(row["company_id"], []))
        letters = each_by(lambda row: Coordinates(*row[:3]), rows(client, REFUSED, {}))
        evidence.refused = {at: row[3] for at, row in letters.items()}
        states = each_by(lambda row: row[0], rows(client, NOTICES, {}))
        evidence.notice_states = {notice_id: row[1] for notice_id, row in states.items()}
    return evidence


async def _of_kafka(settings: Settings, report: Report) -> Evidence:
    async with partition_reader(settings.kafka) as reader:
        return await of_topics(settings.stream_settings(), reader, report)


async def of_topics(streams: StreamSettings, reader: TopicReader, report: Report) -> Evidence:
    """The results in the topics; ledger and alerts come from the audit's report."""
    evidence, topics, codec = Evidence(report), streams.topics, OutputCodec()
    async for at, entry in without_repeats(_records(streams, reader, topics.journal), evidence.exported):
        evidence.journal_ends[at.partition] = at.offset + 1
        if isinstance(entry, FactEntry):
            evidence.journal[at.partition, at.offset] = entry
            evidence.exported.partitions_with_facts.add(at.partition)
        else:
            note(evidence.exported, entry, at.partition)
    for book in report.kept:
        evidence.ledger |= {(book.partition, at): codec.decode_ledger(value) for at, value in book.ledger.items()}
        evidence.alerts += map(codec.decode_alert, book.alerts.values())
    for topic in sorted({topics.dead_letters, topics.book_letters}):
        async for record in _records(streams, reader, topic):
            letter = codec.decode_dead_letter(record.value)
            evidence.dead_letters[letter.came_from] = letter
    return evidence


async def _records(streams: StreamSettings, reader: TopicReader, topic: str) -> AsyncIterator[Any]:
    for partition in range(streams.partitions):
        async for record in reader.records(topic, partition):
            yield record


def _status(row: dict[str, Any]) -> JsonObject:
    since = None if row["since"] is None else str(row["since"])
    return {"policy_id": row["policy_id"], "state": row["state"], "since": since, "gap_people": row["gap_people"]}


def _company(row: dict[str, Any], statuses: list[JsonObject]) -> JsonObject:
    """A row of coverage_current in the form of the company line of SEMANTICS 8."""
    by_type = {t: {"active": row[f"active_{t}"], "covered": row[f"covered_{t}"]} for t in EMPLOYMENT_TYPES}
    same = ("company_id", "active", "covered", "uncovered", "uncovered_new", "coverage_bp", "coverage_due_bp")
    return {
        "kind": "company",
        **{name: row[name] for name in same},
        "as_of": str(row["as_of"]),
        "enrolled": {p: row[f"enrolled_{p.lower()}"] for p in PROGRAMMES},
        "by_employment_type": {t: counts for t, counts in by_type.items() if counts["active"]},
        "windows": {str(n): {name: row[f"{name}_{n}"] for name in WINDOW_FIELDS} for n in WINDOW_DAYS},
        "policies": statuses,
    }
