"""The checks of a world after its end: the audit's own code, and a count of every row in ClickHouse."""

from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.inbound import account, recorder_letters
from peserta.operations.audit.partition import PartitionAudit
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.reading import Stretch
from schemas.codec import JournalCodec, OutputCodec
from sinks.clickhouse.marks import TABLE
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.topics import topics
from streams.settings import WALL
from streams.wall_clock import APART_MAX_MS
from tests.simulation.log import COMMITTED, Stored
from tests.simulation.scene import Scene

if TYPE_CHECKING:
    from tests.simulation.world import Verdict

RECORDS_PER_BATCH: Final = 50
SNAPSHOTS: Final = "snapshots"
APPENDED_WITHIN_MS: Final = 120_000  # between a record's stamp and its append; delays may be long
_T = TypeVar("_T")


class MemoryReader:
    """Implements `peserta.operations.audit.reading.PartitionReader`."""

    def __init__(self, scene: Scene) -> None:
        self._broker = scene.broker

    async def stretch(self, topic: str, partition: int) -> Stretch:
        log = self._broker.logs[topic, partition]
        return Stretch(log.begin, log.stable_end)

    async def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        records = [r for r in self.all(topic, partition) if r.offset >= start and (end is None or r.offset < end)]
        for at in range(0, len(records), RECORDS_PER_BATCH):
            yield records[at : at + RECORDS_PER_BATCH]

    async def records(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Any]:
        async for batch in self.batches(topic, partition, start=start, end=end):
            for record in batch:
                yield record

    def all(self, topic: str, partition: int) -> list[Stored]:
        log = self._broker.logs[topic, partition]
        return log.fetch(log.begin, COMMITTED, log.end + 1).records


def judge(scene: Scene, verdict: "Verdict") -> list[str]:
    """What is wrong, in sentences."""
    reader = MemoryReader(scene)
    kept, findings = _run(_audit(scene, reader))
    verdict.repeats = sum(one.repeats for one in kept)
    findings += [*_rows(scene, reader), _snapshots(scene, reader), _acknowledged(scene, reader)]
    findings += _stamps(scene, reader)
    return [_sentence(finding) for finding in findings if not finding.holds]


def _run(audit: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end. It reads memory only, so it never waits."""
    try:
        audit.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    raise AssertionError("the audit waits")


async def _audit(scene: Scene, reader: MemoryReader) -> tuple[list[PartitionAudited], list[Finding]]:
    settings, numbers = scene.settings, range(scene.settings.partitions)
    kept = [await PartitionAudit(settings, reader, number).run() for number in numbers]
    letters = await recorder_letters(settings, reader, numbers)
    committed = scene.broker.group(settings.recorder_app).offsets
    _, inbound = await account(settings, reader, kept, letters, committed)
    return kept, [finding for one in kept for finding in one.findings] + inbound


def _rows(scene: Scene, reader: MemoryReader) -> Iterator[Finding]:
    """ClickHouse has the rows of every committed record, each of them once."""
    expected: dict[str, Counter[Any]] = {table: Counter() for table in scene.clickhouse.rows}
    for name, topic in topics(scene.settings.topics).items():
        for number in range(scene.settings.partitions):
            records = reader.all(name, number)
            for block in topic.blocks(Batch(Range(name, number, 0, len(records)), records, "")):
                rows = zip(*block.columns.values(), strict=True)
                expected.setdefault(block.table, Counter()).update(map(_frozen, rows))
    for table in sorted(expected.keys() - {TABLE, SNAPSHOTS}):
        found = Counter(_frozen(row.values()) for row in scene.clickhouse.rows[table])
        finding = Finding("rows are inserted once", table, expected[table].total())
        finding.missing = (expected[table] - found).total()
        finding.extra = (found - expected[table]).total()
        yield finding


def _snapshots(scene: Scene, reader: MemoryReader) -> Finding:
    """Only the newest snapshot of a range is inserted. The newest of all is there, and none is duplicated or
    unknown."""
    name = scene.settings.topics.snapshots
    topic = topics(scene.settings.topics)[name]
    rows: list[dict[str, Any]] = []
    for number in range(scene.settings.partitions):
        for record in reader.all(name, number):
            (block,) = topic.blocks(Batch(Range(name, number, 0, 1), [record], ""))
            (row,) = zip(*block.columns.values(), strict=True)
            rows.append(dict(zip(block.columns, row, strict=True)))
    newest = {row["company_id"]: row for row in sorted(rows, key=itemgetter("offset"))}
    found = Counter(_frozen(row.values()) for row in scene.clickhouse.rows[SNAPSHOTS])
    finding = Finding("the newest figures of each company are there", SNAPSHOTS, len(newest))
    finding.missing = (Counter(_frozen(row.values()) for row in newest.values()) - found).total()
    finding.extra = (found - Counter(_frozen(row.values()) for row in rows)).total()
    return finding


def _frozen(values: Iterable[Any]) -> str:
    return repr(tuple(values))


def _acknowledged(scene: Scene, reader: MemoryReader) -> Finding:
    """The topics have every record that was acknowledged to a publisher, unchanged."""
    finding = Finding("records acknowledged are in the topics", "whole book", len(scene.acknowledged))
    for (topic, partition, offset), told in scene.acknowledged.items():
        found = scene.broker.logs[topic, partition].fetch(offset, COMMITTED, 1).records
        if [(record.offset, record.key, record.value) for record in found] != [(offset, told.key, told.value)]:
            finding.wrong("missing", (topic, partition, offset))
    return finding


def _stamps(scene: Scene, reader: MemoryReader) -> Iterator[Finding]:
    """In a book with the wall clock, the recorders' stamps agree with the broker's time."""
    if scene.settings.clock != WALL:
        return
    journal, outputs = JournalCodec(), OutputCodec()
    finding = Finding("recorders stamp in the broker's time", "whole book")
    for number in range(scene.settings.partitions):
        stamped = [
            *((record, journal.decode([record.value or b""])[0].recorded_at)
              for record in reader.all(scene.settings.topics.journal, number)),
            *((record, outputs.decode_dead_letter(record.value or b"").recorded_at)
              for record in reader.all(scene.settings.topics.dead_letters, number)),
        ]  # fmt: skip
        for record, recorded_at in stamped:
            finding.compared += 1
            if abs(recorded_at - record.timestamp) > APART_MAX_MS + APPENDED_WITHIN_MS:
                finding.wrong("different", (record.topic, number, record.offset))
    yield finding


def _sentence(finding: Finding) -> str:
    counts = f"missing {finding.missing}, extra {finding.extra}, different {finding.different}"
    return f"{finding.claim} ({finding.where}): {counts}; {', '.join(finding.named[:3])}"
