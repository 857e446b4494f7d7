"""Rewriting the state alone, where it is lost or differs from the journal while the outputs agree with it.

Nothing else changes: topics, offsets and ClickHouse stay. A partition's rows and cursor are written in one transaction.
"""

from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.audit.partition import STATE_CLAIM, PartitionAudit
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.reading import partition_reader
from peserta.operations.failure import Interrupted, NotAsAsked, Rejected
from peserta.operations.rebuild.groups import PATIENCE_S, is_kept
from peserta.operations.rebuild.run import Say
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from streams.lane.cursors import cursor_row
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault
from streams.lane.transactions import PartitionProducers
from streams.settings import StreamSettings

TRANSACTION_LIMIT_S: Final = 60.0  # for the transaction of one partition


@dataclass(frozen=True)
class Restored:
    """One restored partition: the number of rows of its state, and of the records written to restore it."""

    partition: int
    journal_next: int
    rows: int
    written: int


async def restore(settings: Settings, say: Say, patience_s: float = PATIENCE_S) -> list[Restored]:
    """Write the state that the journal gives, up to the offset that the outputs cover.

    Raises Failed if the outputs differ from the journal or if book-keepers run; nothing is written in that partition
    then.
    """
    await make_topics(settings)
    streams = settings.stream_settings()
    if await is_kept(streams.kafka, streams.bookkeeper_app, patience_s):
        raise Rejected("Book-keepers are running: stop them first, and start them again afterwards. Nothing was done.")
    producers = PartitionProducers(_lane_settings(streams))
    try:
        # A book-keeper that starts now fences this process, and one that started before is fenced: only one can write.
        await producers.own(set(range(streams.partitions)))
        restored = []
        for partition in range(streams.partitions):
            say(f"Folding partition {partition} again", streams.partitions - partition, streams.partitions)
            restored.append(await _restore_one(streams, producers, partition))
        return restored
    except (LaneFault, KafkaError) as error:
        raise Interrupted(
            f"The state cannot be written: {type(error).__name__} {error}. What was written is right, the rest is as "
            "it was: see that no book-keeper starts, and run it again.",
        ) from error
    finally:
        await producers.own(set())


async def _restore_one(streams: StreamSettings, producers: PartitionProducers, partition: int) -> Restored:
    async with partition_reader(streams.kafka) as reader:
        # No other process writes now: the state must contain everything that the outputs cover, whatever its cursor.
        audit = PartitionAudit(streams, reader, partition, to_outputs=True)
        kept = await audit.run()
    refuse_differing_outputs(kept)
    written = rows_to_write(streams, audit, kept)
    if written:
        await producers.commit(partition, {streams.changelog: written})
    return Restored(partition, kept.journal_next, len(audit.expected.rows), len(written))


def rows_to_write(
    streams: StreamSettings, audit: PartitionAudit, kept: PartitionAudited
) -> list[tuple[bytes, bytes | None]]:
    """The changes that turn the state into the one that the journal gives, the cursor last; empty if equal."""
    rows, stored = audit.expected.rows, audit.stored
    changed = [(key, value) for key, value in rows.items() if stored.get(key) != value]
    gone = [(key, None) for key in stored.keys() - rows.keys()]
    is_empty = audit.stands_at is None and kept.journal_next + kept.not_yet_kept == 0
    if not (changed or gone) and (is_empty or audit.stands_at == kept.journal_next):
        return []
    return [*changed, *gone, cursor_row(streams.topics.journal, kept.journal_next - 1)]


def refuse_differing_outputs(kept: PartitionAudited) -> None:
    """Raises Failed if anything but the state differs from the journal's result."""
    wrong = [finding for finding in kept.findings if not finding.holds and finding.claim != STATE_CLAIM]
    if wrong:
        raise NotAsAsked(
            f"Partition {kept.partition}: not only the state differs from what this code makes of the journal: "
            f"{', '.join(finding.claim for finding in wrong)}. `peserta rebuild --check` shows it; `peserta rebuild` "
            "folds a new generation of state and outputs.",
        )


def _lane_settings(streams: StreamSettings) -> LaneSettings:
    """The book-keeper's own lane settings, so that the transactional ids are the same."""
    return LaneSettings(
        bootstrap=streams.kafka,
        app_id=streams.bookkeeper_app,
        partitions=streams.partitions,
        data_dir=streams.data_dir,
        transaction_timeout_s=TRANSACTION_LIMIT_S,
    )
