"""The checks of a world after its end: the audit's own code, and a count of every row in ClickHouse."""

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from peserta.operations.audit.findings import Finding
from schemas.codec import JournalCodec, OutputCodec
from sinks.clickhouse.marks import TABLE
from sinks.clickhouse.ranges import Batch, Range
from sinks.clickhouse.topics import topics
from streams.settings import WALL
from streams.wall_clock import APART_MAX_MS
from tests.simulation.scene import Scene
from tests.support.installation_in_memory import at_once
from tests.support.partition_log import COMMITTED

if TYPE_CHECKING:
    from tests.simulation.world import Verdict

SNAPSHOTS: Final = "snapshots"
APPENDED_WITHIN_MS: Final = 120_000  # between a record's stamp and its append; delays may be long


def judge(scene: Scene, verdict: "Verdict") -> list[str]:
    """What is wrong, in sentences."""
    partitions, findings = at_once(scene.audited())
    verdict.repeats = sum(one.repeats for one in partitions)
    findings += [*_rows(scene), _snapshots(scene), _acknowledged(scene), *_stamps(scene)]
    return [_sentence(finding) for finding in findings if not finding.holds]


def _rows(scene: Scene) -> Iterator[Finding]:
    """ClickHouse has the rows of every committed record, each of them once."""
    expected: dict[str, Counter[Any]] = {table: Counter() for table in scene.clickhouse.rows}
    read = topics(scene.settings.topics)
    for name, number in scene.topics.logs:
        if name in read:  # nobody tells anybody of alerts here, so there are no topics of that
            records = scene.topics.committed(name, number)
            for block in read[name].blocks(Batch(Range(name, number, 0, len(records)), records, "")):
                rows = zip(*block.columns.values(), strict=True)
                expected.setdefault(block.table, Counter()).update(map(_frozen, rows))
    for table in sorted(expected.keys() - {TABLE, SNAPSHOTS}):
        found = Counter(_frozen(row.values()) for row in scene.clickhouse.rows[table])
        finding = Finding("rows are inserted once", table, expected[table].total())
        finding.missing = (expected[table] - found).total()
        finding.extra = (found - expected[table]).total()
        yield finding


def _snapshots(scene: Scene) -> Finding:
    """Only the newest snapshot of a range is inserted. The newest of all is there, and none is duplicated or
    unknown."""
    name = scene.settings.topics.snapshots
    topic = topics(scene.settings.topics)[name]
    rows: list[dict[str, Any]] = []
    for number in range(scene.settings.partitions):
        for record in scene.topics.committed(name, number):
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


def _acknowledged(scene: Scene) -> Finding:
    """The topics have every record that was acknowledged to a publisher, unchanged."""
    finding = Finding("records acknowledged are in the topics", "whole book", len(scene.acknowledged))
    for (topic, partition, offset), told in scene.acknowledged.items():
        found = scene.broker.logs[topic, partition].fetch(offset, COMMITTED, 1).records
        if [(record.offset, record.key, record.value) for record in found] != [(offset, told.key, told.value)]:
            finding.wrong("missing", (topic, partition, offset))
    return finding


def _stamps(scene: Scene) -> Iterator[Finding]:
    """In a book with the wall clock, the recorders' stamps agree with the broker's time."""
    if scene.settings.clock != WALL:
        return
    journal, outputs = JournalCodec(), OutputCodec()
    finding = Finding("recorders stamp in the broker's time", "whole book")
    for number in range(scene.settings.partitions):
        stamped = [
            *((record, journal.decode([record.value or b""])[0].recorded_at)
              for record in scene.topics.committed(scene.settings.topics.journal, number)),
            *((record, outputs.decode_dead_letter(record.value or b"").recorded_at)
              for record in scene.topics.committed(scene.settings.topics.dead_letters, number)),
        ]  # fmt: skip
        for record, recorded_at in stamped:
            finding.compared += 1
            if abs(recorded_at - record.timestamp) > APART_MAX_MS + APPENDED_WITHIN_MS:
                finding.wrong("different", (record.topic, number, record.offset))
    yield finding


def _sentence(finding: Finding) -> str:
    counts = f"missing {finding.missing}, extra {finding.extra}, different {finding.different}"
    return f"{finding.claim} ({finding.where}): {counts}; {', '.join(finding.named[:3])}"
