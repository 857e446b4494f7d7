"""The rebuild: fold beside the current book, check the result, and switch once nothing is left to fold."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from clickhouse_connect.driver.asyncclient import AsyncClient

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.partition import PartitionAudit
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.reading import partition_reader
from peserta.operations.clickhouse_writing import writing
from peserta.operations.failure import Failed, Unavailable
from peserta.operations.kafka_reading import end_offsets, left_to_do
from peserta.operations.rebuild.announcement import Announcement
from peserta.operations.rebuild.candidate import Candidate, begin, next_candidate
from peserta.operations.rebuild.difference import differences
from peserta.operations.rebuild.workers import Workers, working
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from sinks.clickhouse.published_views import publish_views, views
from sinks.clickhouse.reading import wait_until_caught_up
from sinks.clickhouse.topics import topics as carried

LOOK_EVERY_S: Final = 0.3
NEAR_RECORDS: Final = 1_000  # journal records that can be folded within a moment of the switch
SINK_LOOK_S: Final = 5.0
PUBLISHED: Final = "the views of analysts read the current generation"

# Called with the step, the records left and all records; None if the numbers are not known.
Say = Callable[[str, int | None, int | None], None]


@dataclass
class Rebuilt:
    """`findings`: the candidate against the journal folded again; `changes`: the current book against the candidate."""

    candidate: Candidate
    kept: list[PartitionAudited] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    changes: list[Finding] = field(default_factory=list)
    switched: bool = False
    views: Finding | None = None  # None: no switch

    @property
    def is_well(self) -> bool:
        return all(finding.holds for finding in self.findings)


async def refold(settings: Settings, say: Say) -> list[PartitionAudited]:
    """Audit every partition of a generation against its journal, folded again by this process."""
    streams = settings.stream_settings()
    async with partition_reader(streams.kafka) as reader:
        kept = []
        for partition in range(streams.partitions):
            say(f"Folding partition {partition} again", streams.partitions - partition, streams.partitions)
            kept.append(await PartitionAudit(streams, reader, partition).run())
        return kept


async def rebuild(settings: Settings, bookkeepers: int, say: Say, *, switches: bool = True) -> Rebuilt:
    """Fold a new generation and make it current. Raises Failed if it cannot continue; nothing is lost then."""
    await make_topics(settings)
    candidate = await next_candidate(settings)
    async with await Announcement.open(settings) as announcement:
        await begin(candidate, announcement)
        with working(candidate.settings, bookkeepers) as workers:
            await _folded(candidate.settings, workers, say)
            rebuilt = await _checked(candidate, say)
            if rebuilt.is_well and switches:
                await _carried(candidate.settings, workers, say)
                await _folded(candidate.settings, workers, say)
                await announcement.stands(candidate.generation)
                rebuilt.switched = True
                rebuilt.views = await _publish(candidate.settings)
    return rebuilt


async def _folded(settings: Settings, workers: Workers, say: Say) -> None:
    """Wait until the candidate is near the end of the journal, which may be growing."""
    streams = settings.stream_settings()
    while True:
        workers.check()
        ends = await end_offsets(streams.kafka, [streams.topics.journal])
        left = await left_to_do(streams.kafka, streams.bookkeeper_app, ends)
        say(f"Folding generation {settings.generation}", left, sum(ends.values()))
        if left <= min(NEAR_RECORDS, sum(ends.values()) // 10):
            return
        await asyncio.sleep(LOOK_EVERY_S)


async def _checked(candidate: Candidate, say: Say) -> Rebuilt:
    rebuilt = Rebuilt(candidate, await refold(candidate.settings, say))
    rebuilt.findings = [finding for kept in rebuilt.kept for finding in kept.findings]
    say("Comparing with the current book", None, None)
    async with partition_reader(candidate.settings.kafka) as reader:
        rebuilt.changes = await differences(candidate.current, reader, rebuilt.kept)
    return rebuilt


async def _carried(settings: Settings, workers: Workers, say: Say) -> None:
    """Wait until ClickHouse has everything that is in the topics now."""
    if not settings.clickhouse_url:
        return None
    targets = await end_offsets(settings.kafka, sorted(carried(settings.topics)))
    while True:
        workers.check()
        say(f"Waiting until ClickHouse has generation {settings.generation}", None, None)
        try:
            return await wait_until_caught_up(settings.sink_settings(), targets, SINK_LOOK_S)
        except TimeoutError as late:
            say(str(late), None, None)


async def _publish(settings: Settings) -> Finding:
    """Point analysts' views at the new generation. A sink that starts later does the same."""
    if not settings.clickhouse_url:
        return Finding(PUBLISHED, settings.clickhouse_database)
    try:
        async with writing(settings) as client:
            await publish_views(client, settings.clickhouse_database, cluster=settings.clickhouse_cluster or None)
            return await _views(client, settings)
    except Failed as error:
        raise Unavailable(
            f"Generation {settings.generation} is current, but ClickHouse did not take its views: analysts see it as "
            f"soon as its sink runs (`peserta worker sink`). {error}",
        ) from error


async def views_published(settings: Settings) -> Finding:
    """Whether every view that analysts use reads the tables of this generation."""
    if not settings.clickhouse_url:
        return Finding(PUBLISHED, settings.clickhouse_database)
    async with writing(settings) as client:
        return await _views(client, settings)


async def _views(client: AsyncClient, settings: Settings) -> Finding:
    finding = Finding(PUBLISHED, settings.clickhouse_database)
    there = await views(client, settings.clickhouse_database)
    for name, select in (await views(client, settings.database)).items():
        finding.compared += 1
        if name not in there:
            finding.wrong("missing", name)
        elif there[name] != select:
            finding.wrong("different", name)
    return finding
