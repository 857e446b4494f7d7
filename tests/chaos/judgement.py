"""The judgement of a world that has ended: the audit, the proof, and acknowledged records against dispositions."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from peserta.demo.evidence import gather
from peserta.demo.proof import prove
from peserta.operations.audit.findings import Finding, compare
from peserta.operations.audit.report import Report, audit_book
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.kafka_reading import Offsets, end_offsets, read_to_end
from peserta.settings import Settings
from schemas.codec import JournalCodec, OutputCodec
from schemas.records import FactEntry
from streams.wall_clock import APART_MAX_MS
from tests.chaos.stretch import Stretch, note_repeats, note_stalls
from tests.chaos.world import World

WRITTEN_ONCE = ("journal_facts", "ledger_entries", "ledger_lines", "alert_records")
APPENDED_WITHIN_MS = 300_000  # of its stamp


@dataclass
class Judgement:
    """The result for one world. `named` has a sentence for each claim that does not hold."""

    records: int = 0
    repeats: int = 0
    lost: int = 0
    doubled: int = 0
    named: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        return not (self.lost or self.doubled or self.named)


def judge(world: World, stretches: Sequence[Stretch] = ()) -> Judgement:
    """Audit and prove a world after its end, and add repeats and stalls to its stretches."""
    report = asyncio.run(audit_book(world.settings, lambda _: None))
    findings = [*report.findings, *_dispositions(world, report), _written_once(world.settings)]
    findings.append(asyncio.run(_dates_go_on(world.settings)))
    if not world.is_history:
        findings.append(asyncio.run(_stamps(world.settings)))
    checks = _proof(world)
    note_stalls(stretches, asyncio.run(_waited(world)))
    note_repeats(stretches, asyncio.run(_repeats(world.settings)))
    return Judgement(
        records=world.run.sent.records,
        repeats=sum(kept.repeats for kept in report.kept),
        lost=sum(finding.missing for finding in findings),
        doubled=sum(finding.extra for finding in findings),
        named=[*_sentences(findings), *(f"proof: {sentence}" for sentence in _sentences(checks))],
    )


def _sentences(findings: list[Finding]) -> Iterator[str]:
    for f in findings:
        if not f.holds:
            counts = f"missing {f.missing}, extra {f.extra}, different {f.different}"
            yield f"{f.claim} ({f.where}): {counts}; {', '.join(f.named[:2])}"


def _dispositions(world: World, report: Report) -> Iterator[Finding]:
    """Every record in the inbound topics has one disposition, and every acknowledged record is in the topics."""
    ends = _inbound_ends(world)
    published, said = sum(ends.values()) + len(world.without_topic), sum(report.dispositions.values())
    finding = Finding("dispositions = records published", "whole book", published)
    finding.missing, finding.extra = max(0, published - said), max(0, said - published)
    yield finding
    due = {*world.run.sent.lines, *world.run.sent.raw} - world.without_topic
    yield compare(
        "records acknowledged are in the topics",
        "whole book",
        dict.fromkeys(due, True),
        {at: True for at in due if at.offset < ends[at.topic, at.partition]},
    )


def _inbound_ends(world: World) -> Offsets:
    return asyncio.run(end_offsets(world.settings.kafka, list(world.settings.stream_settings().inbound_names)))


def _written_once(settings: Settings) -> Finding:
    """No row was inserted twice. Counts the tables' own rows, because views hide duplicates. Merges remove them too."""
    finding = Finding("rows are inserted once", "ClickHouse")
    with analyst(settings, settings.database) as client:
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


def _proof(world: World) -> list[Finding]:
    """The demonstration's proof. It applies only to a book of history, whose times are the story's, and only if every
    record in the topics was acknowledged, because it compares the two."""
    published = sum(_inbound_ends(world).values()) + len(world.without_topic)
    if not world.is_history or published != world.run.sent.records:
        return []
    return prove(world.told(), world.run.sent, gather(world.settings))


async def _dates_go_on(settings: Settings) -> Finding:
    """A company's business date never goes back, whatever the clocks show."""
    finding, codec, last = Finding("business dates go on", "snapshots"), OutputCodec(), dict[str, int]()
    async for record in read_to_end(settings.kafka, [settings.topics.snapshots]):
        figures = codec.decode_snapshot(record.value).figures
        finding.compared += 1
        if figures.as_of < last.get(figures.company_id, figures.as_of):
            finding.different += 1
            finding.named.append(f"{figures.company_id} at {record.partition}, {record.offset}")
        last[figures.company_id] = figures.as_of
    return finding


async def _stamps(settings: Settings) -> Finding:
    """Recorders stamp a record with the time of its append. The record's own Kafka timestamp shows that time, because
    no scenario changes the clock that the Kafka client uses."""
    journal, outputs, topics = JournalCodec(), OutputCodec(), settings.topics
    finding = Finding("recorders stamp in the broker's time", "journal and dead letters")
    async for record in read_to_end(settings.kafka, [topics.journal, topics.dead_letters]):
        if record.topic == topics.journal:
            recorded_at = journal.decode([record.value])[0].recorded_at
        else:
            recorded_at = outputs.decode_dead_letter(record.value).recorded_at
        finding.compared += 1
        if abs(recorded_at - record.timestamp) > APART_MAX_MS + APPENDED_WITHIN_MS:
            finding.different += 1
            finding.named.append(f"{record.topic} at {record.partition}, {record.offset}")
    return finding


async def _waited(world: World) -> list[tuple[float, float]]:
    """For each fact: when it was acknowledged, and how many seconds later its ledger record was written."""
    found, codec, seen = [], OutputCodec(), set()
    async for record in read_to_end(world.settings.kafka, [world.settings.topics.ledger]):
        said = codec.decode_ledger(record.value)
        identity = said.company_id, said.event_id
        if identity not in seen and identity in world.acknowledged_at:
            at = world.acknowledged_at[identity]
            found.append((at, record.timestamp / 1000 - at))
        seen.add(identity)
    return found


async def _repeats(settings: Settings) -> list[float]:
    """Times at which the recorder appended a fact again, in seconds since 1970."""
    found, codec, seen = [], JournalCodec(), set()
    async for record in read_to_end(settings.kafka, [settings.topics.journal]):
        (entry,) = codec.decode([record.value])
        if isinstance(entry, FactEntry):
            if entry.came_from in seen:
                found.append(record.timestamp / 1000)
            seen.add(entry.came_from)
    return found
