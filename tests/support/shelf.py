"""Topics in memory, read like those of a broker by an audit."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from peserta.operations.audit.reading import Stretch

RECORDS_PER_BATCH = 7


@dataclass(frozen=True)
class Stored:
    """A record as a consumer gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0


class Shelf:
    """(topic, partition) -> records; speaks as `peserta.operations.audit.reading.PartitionReader` does."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], list[Stored]] = defaultdict(list)
        self.begin: dict[tuple[str, int], int] = {}

    def copy(self) -> "Shelf":
        """Another one with the same records."""
        other = Shelf()
        other.stored.update((place, list(log)) for place, log in self.stored.items())
        other.begin = dict(self.begin)
        return other

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None, timestamp: int = 0) -> Stored:
        log = self.stored[topic, partition]
        record = Stored(topic, partition, log[-1].offset + 1 if log else 0, key, value, timestamp)
        log.append(record)
        return record

    async def stretch(self, topic: str, partition: int) -> Stretch:
        log = self.stored[topic, partition]
        return Stretch(self.begin.get((topic, partition), 0), log[-1].offset + 1 if log else 0)

    async def batches(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Sequence[Any]]:
        log = [r for r in self.stored[topic, partition] if r.offset >= start and (end is None or r.offset < end)]
        for at in range(0, len(log), RECORDS_PER_BATCH):
            yield log[at : at + RECORDS_PER_BATCH]

    async def records(
        self, topic: str, partition: int, *, start: int = 0, end: int | None = None
    ) -> AsyncIterator[Any]:
        async for batch in self.batches(topic, partition, start=start, end=end):
            for record in batch:
                yield record
