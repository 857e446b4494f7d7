"""The judgement of a world that has ended: the audit, the proof, and everything acknowledged against dispositions."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.audit.findings import Finding, compare
from deploy.audit.report import Report, audit_book
from deploy.clickhouse_reading import analyst
from deploy.demo.evidence import gather
from deploy.demo.proof import Check, prove
from deploy.kafka_reading import end_offsets, read_to_end
from deploy.settings import Settings
from schemas.codec import OutputCodec
from tests.chaos.world import World

WRITTEN_ONCE = ("journal_facts", "ledger_entries", "ledger_lines", "alert_records")


@dataclass
class Judgement:
    """What became of one world. `named` says what does not hold, in sentences."""

    records: int
    repeats: int = 0
    lost: int = 0
    doubled: int = 0
    stall_s: float = 0.0
    named: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.doubled or self.named)


def judge(world: World) -> Judgement:
    """Audit and proof of a world after its end."""
    report = asyncio.run(audit_book(world.settings, lambda _: None))
    findings = [*report.findings, *_dispositions(world, report), _written_once(world.settings)]
    checks = _proof(world)
    stall_s = asyncio.run(_longest_stall_s(world))
    return Judgement(
        records=world.run.sent.records,
        repeats=sum(kept.repeats for kept in report.kept),
        lost=sum(finding.missing for finding in findings),
        doubled=sum(finding.extra for finding in findings),
        stall_s=stall_s,
        named=[*_sentences(findings), *(f"proof: {c.claim}: {c.differing} differ" for c in checks if not c.holds)],
    )


def _sentences(findings: list[Finding]) -> Iterator[str]:
    for f in findings:
        if not f.holds:
            counts = f"missing {f.missing}, extra {f.extra}, different {f.different}"
            yield f"{f.claim} ({f.where}): {counts}; {', '.join(f.named[:2])}"


def _dispositions(world: World, report: Report) -> Iterator[Finding]:
    """Each record acknowledged, and each that is in the topics all the same, has one disposition."""
    ends = asyncio.run(end_offsets(world.settings.kafka, list(world.settings.stream_settings().inbound_names)))
    published, said = sum(ends.values()), sum(report.dispositions.values())
    finding = Finding("dispositions = records published", "whole book", published)
    finding.missing, finding.extra = max(0, published - said), max(0, said - published)
    yield finding
    yield compare(
        "records acknowledged are in the topics",
        "whole book",
        dict.fromkeys((*world.run.sent.lines, *world.run.sent.raw), True),
        {at: True for at in (*world.run.sent.lines, *world.run.sent.raw) if at.offset < ends[at.topic, at.partition]},
    )


def _written_once(settings: Settings) -> Finding:
    """Rows as they were inserted: views would hide a row that is there twice, and merges do it in the end."""
    finding = Finding("rows are inserted once", "ClickHouse")
    with analyst(settings) as client:
        for table in WRITTEN_ONCE:
            rows, once = (_count(client, f"{table}{final}") for final in ("", " FINAL"))
            finding.compared += once
            if rows != once:
                finding.extra += rows - once
                finding.named.append(f"{table}: {rows} rows for {once}")
    return finding


def _count(client: Any, table: str) -> int:
    found: int = client.query(f"SELECT count() FROM {table}").result_rows[0][0]
    return found


def _proof(world: World) -> list[Check]:
    """The demonstration's proof; only where every record in the topics was acknowledged, as it compares both."""
    ends = asyncio.run(end_offsets(world.settings.kafka, list(world.settings.stream_settings().inbound_names)))
    if sum(ends.values()) != world.run.sent.records:
        return []
    return prove(world.material, world.run.sent, gather(world.settings))


async def _longest_stall_s(world: World) -> float:
    """From a fact's acknowledgement to the writing of its ledger record, by the wall clock."""
    longest, codec, seen = 0.0, OutputCodec(), set()
    async for record in read_to_end(world.settings.kafka, [world.settings.topics.ledger]):
        said = codec.decode_ledger(record.value)
        identity = said.company_id, said.event_id
        if identity not in seen and identity in world.acknowledged_at:
            longest = max(longest, record.timestamp / 1000 - world.acknowledged_at[identity])
        seen.add(identity)
    return longest
