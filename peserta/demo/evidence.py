"""What the service says after a run: read from its topics as a committed reader, and from ClickHouse as an analyst."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from peserta.operations.clickhouse_reading import analyst
from peserta.operations.journal_files import Exported, entries_of, note
from peserta.operations.kafka_reading import read_to_end
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.dates import day_text
from schemas.public_json import JsonObject
from schemas.records import WINDOW_DAYS, Alert, Coordinates, DeadLetter, FactEntry, LedgerRecord
from schemas.vocabulary import EMPLOYMENT_TYPES, PROGRAMMES, programme_names
from streams.core.simulate import Rules

WINDOW_FIELDS = ("joined", "left", "gained_cover", "lost_cover", "mean_coverage_bp", "min_coverage_bp")

At = tuple[int, int]  # partition and offset in the journal


@dataclass
class Evidence:
    """Everything that came out."""

    journal: dict[At, FactEntry] = field(default_factory=dict)
    exported: Exported = field(default_factory=Exported)
    ledger: dict[At, LedgerRecord] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    dead_letters: dict[Coordinates, DeadLetter] = field(default_factory=dict)
    repeated_ledger: int = 0
    companies: dict[str, JsonObject] = field(default_factory=dict)
    clickhouse_alerts: list[dict[str, Any]] = field(default_factory=list)
    clickhouse_lines: list[tuple[Any, ...]] = field(default_factory=list)
    clickhouse_facts: int = 0
    clickhouse_dead_letters: int = 0

    @property
    def rules_in_journal(self) -> Rules:
        """Policies and registry as the journal has them."""
        return Rules(tuple(self.exported.policies.values()), tuple(self.exported.companies.values()))


def gather(settings: Settings) -> Evidence:
    """Read it all."""
    evidence = Evidence()
    asyncio.run(_topics(settings, evidence))
    _clickhouse(settings, evidence)
    return evidence


async def _topics(settings: Settings, evidence: Evidence) -> None:
    topics, codec = settings.topics, OutputCodec()
    async for at, entry in entries_of(settings.kafka, topics.journal, evidence.exported):
        if isinstance(entry, FactEntry):
            evidence.journal[at.partition, at.offset] = entry
            evidence.exported.partitions_with_facts.add(at.partition)
        else:
            note(evidence.exported, entry, at.partition)
    async for record in read_to_end(settings.kafka, [topics.ledger]):
        line = codec.decode_ledger(record.value)
        evidence.repeated_ledger += (line.partition, line.offset) in evidence.ledger
        evidence.ledger[line.partition, line.offset] = line
    async for record in read_to_end(settings.kafka, [topics.alerts]):
        evidence.alerts.append(codec.decode_alert(record.value))
    async for record in read_to_end(settings.kafka, sorted({topics.dead_letters, topics.book_letters})):
        letter = codec.decode_dead_letter(record.value)
        evidence.dead_letters[letter.came_from] = letter


def _clickhouse(settings: Settings, evidence: Evidence) -> None:
    with analyst(settings) as client:
        statuses: dict[str, list[JsonObject]] = {}
        for status in client.query("SELECT * FROM policy_status ORDER BY company_id, policy_id").named_results():
            statuses.setdefault(status["company_id"], []).append(_status(status))
        for row in client.query("SELECT * FROM coverage_current").named_results():
            evidence.companies[row["company_id"]] = _company(row, statuses.get(row["company_id"], []))
        evidence.clickhouse_alerts = list(client.query("SELECT * FROM alerts").named_results())
        evidence.clickhouse_lines = [tuple(row) for row in client.query(LEDGER_LINES).result_rows]
        evidence.clickhouse_facts = client.query("SELECT count() FROM journal").result_rows[0][0]
        evidence.clickhouse_dead_letters = client.query("SELECT count() FROM dead_letters").result_rows[0][0]


LEDGER_LINES = """
    SELECT partition, offset, posting, company_id, value_on, employment_type_before, programmes_before, new_before,
           employment_type_after, programmes_after, new_after, quantity
    FROM ledger ORDER BY partition, offset, posting"""


def _status(row: dict[str, Any]) -> JsonObject:
    since = None if row["since"] is None else str(row["since"])
    return {"policy_id": row["policy_id"], "state": row["state"], "since": since, "gap_people": row["gap_people"]}


def _company(row: dict[str, Any], statuses: list[JsonObject]) -> JsonObject:
    """A row of coverage_current as the company line of section 8."""
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


def ledger_rows(evidence: Evidence) -> Iterator[tuple[Any, ...]]:
    """The ledger topic in the form of LEDGER_LINES."""
    for (partition, offset), record in sorted(evidence.ledger.items()):
        for posting, line in enumerate(record.lines, 1):
            sides: list[Any] = []
            for parts in (line.before, line.after):
                if parts is None:
                    sides += ["", [], False]
                else:
                    sides += [
                        EMPLOYMENT_TYPES[parts.employment_type],
                        list(programme_names(parts.programmes)),
                        parts.new,
                    ]
            value_on = date.fromisoformat(day_text(line.value_on))
            yield partition, offset, posting, record.company_id, value_on, *sides, line.quantity
