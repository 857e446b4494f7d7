"""An installation in memory: the topics of a book, and the audit of what its workers wrote there.

Its workers are the real ones. `BookInMemory` runs their steps one after the other; the simulation runs them as
processes with lanes, producers and a broker, under faults.
"""

from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any, Final, TypeVar

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.inbound import account, recorder_letters
from peserta.operations.audit.partition import PartitionAudit
from peserta.operations.audit.partition_audited import PartitionAudited
from peserta.operations.audit.reading import Stretch
from streams.settings import StreamSettings
from tests.support.partition_log import COMMITTED, PartitionLog, Stored

RECORDS_PER_BATCH: Final = 7
_T = TypeVar("_T")


class TopicsInMemory:
    """Topics by name; implements `peserta.operations.audit.reading.TopicReader`, with `read_committed`."""

    def __init__(self) -> None:
        self.logs: dict[tuple[str, int], PartitionLog] = {}

    def create_topic(self, topic: str, partitions: int) -> None:
        for partition in range(partitions):
            self.logs[topic, partition] = PartitionLog(topic, partition)

    def copy(self) -> "TopicsInMemory":
        """Other topics with the same records."""
        other = TopicsInMemory()
        other.logs.update((place, log.copy()) for place, log in self.logs.items())
        return other

    def committed(self, topic: str, partition: int) -> list[Stored]:
        """The records that a committed reader sees."""
        log = self.logs[topic, partition]
        return log.fetch(log.begin, COMMITTED, log.end + 1).records

    async def stretch(self, topic: str, partition: int) -> Stretch:
        log = self.logs[topic, partition]
        return Stretch(log.begin, log.stable_end)

    async def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        seen = [r for r in self.committed(topic, partition) if r.offset >= start and (end is None or r.offset < end)]
        for at in range(0, len(seen), RECORDS_PER_BATCH):
            yield seen[at : at + RECORDS_PER_BATCH]

    async def records(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Any]:
        async for batch in self.batches(topic, partition, start=start, end=end):
            for record in batch:
                yield record


class InstallationInMemory:
    """The topics of one book, and `committed`, the recorder's offsets. A subclass runs the workers."""

    def __init__(self, settings: StreamSettings, topics: TopicsInMemory, committed: dict[tuple[str, int], int]) -> None:
        self.settings, self.topics, self.committed = settings, topics, committed
        names = settings.topics
        for topic in (
            *settings.inbound_names, names.companies, names.policies, names.journal, names.ledger,
            names.dead_letters, names.book_letters, names.alerts, names.snapshots, settings.changelog,
        ):  # fmt: skip
            topics.create_topic(topic, settings.partitions)

    async def audited(self) -> tuple[list[PartitionAudited], list[Finding]]:
        """The results of the audit's own code, of the partitions and of the inbound topics."""
        numbers = range(self.settings.partitions)
        partitions = [await PartitionAudit(self.settings, self.topics, number).run() for number in numbers]
        letters = await recorder_letters(self.settings, self.topics, numbers)
        _, inbound = await account(self.settings, self.topics, partitions, letters, self.committed)
        return partitions, [finding for one in partitions for finding in one.findings] + inbound


def at_once(work: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine to its end. It never waits, because it reads from memory."""
    try:
        work.send(None)
    except StopIteration as end:
        result: _T = end.value
        return result
    raise AssertionError("it waits")
