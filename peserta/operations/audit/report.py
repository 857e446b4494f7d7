"""The whole audit, from the beginning or a saved position: partitions, inbound records, ClickHouse, seal, report."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from peserta.operations.audit.findings import UNREADABLE, Finding, unreadable
from peserta.operations.audit.inbound import Consumed, Letter, account, committed_offsets, recorder_letters
from peserta.operations.audit.journal_rows import audit_journal_rows
from peserta.operations.audit.partition import PartitionAudit
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.position import (
    ALERTS,
    IN_CLICKHOUSE,
    JOURNAL,
    LEDGER,
    LETTERS,
    SNAPSHOTS,
    TOPICS,
    Carried,
    PartitionPosition,
    Position,
    Source,
    beginning,
    book_of,
    check_fits,
    topic_names,
)
from peserta.operations.audit.reading import OnRead, TopicReader, Unreadable, WatchedReader, partition_reader
from peserta.operations.audit.seal import check
from peserta.operations.audit.snapshots import audit_snapshot_rows, snapshots_due
from peserta.operations.audit.totals import audit_totals
from peserta.operations.audit.warehouse import audit_dead_letters, audit_warehouse, written
from peserta.operations.clickhouse_reading import analyst
from peserta.settings import Settings
from schemas.records import Coordinates
from sinks.clickhouse.marks import LAST, marks
from streams.settings import StreamSettings

Say = Callable[[str], None]
OnPlanned = Callable[[int], OnRead]  # called with the number of offsets to read


@dataclass
class Report:
    """What was audited, from and up to which offsets, and what was found."""

    kept: list[PartitionAudited] = field(default_factory=list)
    consumed: list[Consumed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    since: Position | None = None  # None: from the beginning
    carried: dict[int, dict[str, Carried]] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        return all(finding.holds for finding in self.findings)

    @property
    def is_readable(self) -> bool:
        """Whether the audit could read every topic to its end."""
        return all(finding.claim != UNREADABLE for finding in self.findings)

    @property
    def dispositions(self) -> Counter[str]:
        """Number of consumed records in the audited range, by disposition."""
        counted: Counter[str] = Counter()
        for book in self.kept:
            counted.update(book.dispositions)
        for one in self.consumed:
            counted.update({f"dead_letter:{reason}": count for reason, count in one.dead_letters.items()})
        return counted

    @property
    def dispositions_in_total(self) -> Counter[str]:
        """The same, including those counted by earlier audits."""
        return self.dispositions + (self.since.dispositions if self.since else Counter())

    @property
    def extent(self) -> str:
        """A sentence about the audited range."""
        until = "up to the offsets named above"
        if not self.is_readable:
            return "A record cannot be read: the records after it, and their effects, were not checked."
        if self.since is None:
            return f"This audit covers the whole book, from its first record {until}."
        return (
            f"This audit covers everything after the position from which it continued, {until}. Earlier audits checked "
            "what lies before it; that was not read again, nor were the state's records from before: "
            "a full audit reads them."
        )

    def position(self, settings: StreamSettings) -> Position:
        """The position from which the next audit may continue. Save it only if all is well."""
        partitions = {kept.partition: self._partition_position(kept) for kept in self.kept}
        return Position(book_of(settings), partitions, {one.source: one.position for one in self.consumed})

    def _partition_position(self, kept: PartitionAudited) -> PartitionPosition:
        counted = {"entries": kept.entries, "repeats": kept.repeats, LEDGER: len(kept.ledger), ALERTS: len(kept.alerts)}
        return PartitionPosition(
            next=kept.next,
            last=kept.last,
            carried={**kept.since.carried, **self.carried.get(kept.partition, {})},
            head=kept.head,
            rows=kept.rows,
            counts=dict(Counter(kept.since.counts) + Counter(counted)),
            dispositions=dict(Counter(kept.since.dispositions) + Counter(kept.dispositions)),
            letters=kept.letters,
        )

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "is_well": self.is_well,
            "extent": self.extent,
            "dispositions": dict(self.dispositions),
            "dispositions_in_total": dict(self.dispositions_in_total),
            "partitions": [_kept_json(book) for book in self.kept],
            "inbound": [_consumed_json(one) for one in self.consumed],
            "findings": [_finding_json(finding) for finding in self.findings],
        }


def letters_carried(kept: PartitionAudited, uncarried: list[int]) -> Carried:
    """How far a partition's dead letters were compared with ClickHouse."""
    return Carried(max(min([kept.next[LETTERS], *uncarried]), kept.since.carried[LETTERS].topic_next))


def _kept_json(book: PartitionAudited) -> dict[str, Any]:
    return {
        "partition": book.partition,
        "journal_first": book.since.next[JOURNAL],
        "journal_next": book.journal_next,
        "entries": book.entries,
        "repeats": book.repeats,
        "not_yet_kept": book.not_yet_kept,
        "clickhouse_next": book.clickhouse_next,
        "ledger_records": len(book.ledger),
        "alerts": len(book.alerts),
        "chain": book.head.hex(),
    }


def _consumed_json(one: Consumed) -> dict[str, Any]:
    return {
        "topic": one.source[0],
        "partition": one.source[1],
        "consumed_first": one.since.settled_next,
        "consumed_next": one.next_offset,
        "records": one.records,
        "in_journal": one.in_journal,
        "dead_letters": dict(one.dead_letters),
    }


def _finding_json(f: Finding) -> dict[str, Any]:
    counts = {"compared": f.compared, "missing": f.missing, "extra": f.extra, "different": f.different}
    return {"claim": f.claim, "where": f.where, **counts, "named": f.named}


async def audit_book(
    settings: Settings,
    say: Say,
    sealed: Mapping[str, Any] | None = None,
    *,
    since: Position | None = None,
    on_planned: OnPlanned | None = None,
) -> Report:
    """Audit Kafka's topics, and ClickHouse if one is configured. Raises Failed if `since` is no position of this book.

    The audit may run beside the service: its result covers the offsets that it names.
    """
    streams = settings.stream_settings()
    committed = await committed_offsets(streams.kafka, streams.recorder_app)
    async with partition_reader(streams.kafka, streams.topics.journal) as of_kafka:
        reader: TopicReader = of_kafka
        if since is not None:
            await check_fits(streams, reader, since)
        if on_planned is not None:
            reader = WatchedReader(reader, on_planned(await _planned(settings, reader, since)))
        report = await audit_topics(streams, reader, say, committed, since)
        if sealed is not None:
            report.findings += check(sealed, report.kept)
        if settings.clickhouse_url and report.is_readable:
            say("Looking at ClickHouse")
            await audit_clickhouse(settings, reader, report)
    return report


async def audit_topics(
    streams: StreamSettings,
    reader: TopicReader,
    say: Say,
    committed: Mapping[Source, int],
    since: Position | None = None,
) -> Report:
    """Audit the topics against each other. `committed` holds the recorder's offsets, read before the audit began."""
    start, report = since or beginning(streams), Report(since=since)
    for partition in range(streams.partitions):
        say(f"Folding partition {partition} again")
        kept = await PartitionAudit(streams, reader, partition, start.partitions[partition]).run()
        report.kept.append(kept)
        report.findings += kept.findings
    if not report.is_readable:
        return report
    say("Accounting for every record published")
    try:
        letters = await _letters(streams, reader, start)
    except Unreadable as error:
        report.findings.append(unreadable("dead letters", error))
        return report
    report.consumed, findings = await account(streams, reader, report.kept, letters, committed, start.sources)
    report.findings += findings
    return report


async def _letters(
    streams: StreamSettings, reader: TopicReader, start: Position, *, carried: bool = False
) -> dict[Coordinates, Letter]:
    """The recorder's dead letters behind the position, or with `carried` behind those compared with ClickHouse."""
    starts = {
        partition: at.carried[LETTERS].topic_next if carried else at.next[LETTERS]
        for partition, at in start.partitions.items()
    }
    return await recorder_letters(streams, reader, range(streams.partitions), starts)


async def audit_clickhouse(settings: Settings, reader: TopicReader, report: Report) -> None:
    """Compare ClickHouse with the topics, up to the offsets that the sink has copied so far."""
    streams = settings.stream_settings()
    start = report.since or beginning(streams)
    names = {name: topic for name, topic in topic_names(streams).items() if name in IN_CLICKHOUSE}
    letters = await _letters(streams, reader, start, carried=True)
    with analyst(settings, settings.database) as client:
        progress = marks(client.query(LAST).result_rows)
        for place, book in enumerate(report.kept):
            found = {name: progress.get((topic, book.partition)) for name, topic in names.items()}
            reached = {name: mark.position if mark else 0 for name, mark in found.items()}
            carried, findings = audit_warehouse(client, await written(streams, reader, book), reached)
            compared_to = carried[LEDGER].journal_next
            findings += audit_totals(client, book.partition, book.since.carried[LEDGER].journal_next, compared_to)
            findings.append(audit_dead_letters(client, book.partition, book.since.carried[LETTERS], letters, reached))
            until, facts = await audit_journal_rows(client, reader, names[JOURNAL], book, reached[JOURNAL])
            due = await snapshots_due(reader, names[SNAPSHOTS], book)
            newest, snapshots = audit_snapshot_rows(client, book, due, reached)
            carried |= {JOURNAL: until, SNAPSHOTS: newest}
            later = [one.offset for one in letters.values() if one.partition == book.partition]
            uncarried = [offset for offset in later if offset >= reached[LETTERS]]
            report.carried[book.partition] = {**carried, LETTERS: letters_carried(book, uncarried)}
            report.kept[place] = replace(book, clickhouse_next=carried[LEDGER].journal_next)
            report.findings += [*facts, *findings, snapshots]


async def _planned(settings: Settings, reader: TopicReader, since: Position | None) -> int:
    """The number of offsets to read between the position and the ends of the topics.

    The journal counts twice if ClickHouse is compared with it.
    """
    streams = settings.stream_settings()
    start, planned = since or beginning(streams), 0
    passed = (*TOPICS, JOURNAL) if settings.clickhouse_url else TOPICS
    for partition, at in start.partitions.items():
        for name in passed:
            begin, end = await reader.stretch(topic_names(streams)[name], partition)
            planned += max(0, end - max(begin, at.next[name]))
    for topic in streams.inbound_names:
        for partition in range(streams.partitions):
            begin, end = await reader.stretch(topic, partition)
            source = start.sources.get((topic, partition))
            planned += max(0, end - max(begin, source.settled_next if source else 0))
    return planned
