"""The timelines of one company's workers: its journal entries folded by the core, up to the end of the journal.

The result is the same whether or not the book-keeper runs, since the journal alone decides it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from peserta.operations.audit.reading import PartitionReader, entries_of
from peserta.operations.kafka_reading import AT_ONCE_MS, consumer_of
from schemas.codec import JournalCodec
from schemas.kafka.access import Brokers
from schemas.records import Entry, FactEntry, Instant
from schemas.vocabulary import CORRECTION
from streams.core.timeline import Remembered
from streams.core.worker import in_force, remember, unpacked
from streams.partitioning import partition_of

GRACE_DAYS_OF_NO_MATTER: Final = 0  # membership and programmes do not depend on it

OnPassed = Callable[[int, int], None]  # offsets passed, offsets in all


@dataclass(frozen=True, slots=True)
class KnownWorker:
    """What the book knows of a worker. `facts` are those that are not void, in the order of SEMANTICS 3.

    `event_ids_taken` has the ids of all known facts and those named by corrections: another fact with one of them would
    have no effect. `latest_occurred_at` is the latest of all known facts; None if there is none.
    """

    facts: tuple[Remembered, ...] = ()
    event_ids_taken: frozenset[str] = frozenset()
    latest_occurred_at: Instant | None = None


UNKNOWN: Final = KnownWorker()


@dataclass(frozen=True, slots=True)
class CompanyTimelines:
    """The workers of one company up to the end of its journal; `rows` are the core's (streams.core.worker)."""

    company_id: str
    rows: Mapping[str, bytes]

    def __iter__(self) -> Iterator[str]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def worker(self, worker_id: str) -> KnownWorker:
        """What the book knows of the worker; UNKNOWN if there is no fact about the worker."""
        row = self.rows.get(worker_id)
        return UNKNOWN if row is None else _known(unpacked(row))


class CompanyFold:
    """Folds the entries of the company's partition."""

    def __init__(self, company_id: str) -> None:
        self._company_id = company_id
        self._rows: dict[str, bytes] = {}
        self._cursors: dict[tuple[str, int], int] = {}

    def follow(self, entries: Iterable[Entry]) -> None:
        """Fold further entries, in order; entries that the recorder repeated are skipped, as in the book."""
        for entry in entries:
            topic, partition, offset = entry.came_from
            if offset <= self._cursors.get((topic, partition), -1):
                continue
            self._cursors[topic, partition] = offset
            if isinstance(entry, FactEntry) and entry.fact.company_id == self._company_id:
                worker_id = entry.fact.worker_id
                _, row, _ = remember(self._rows.get(worker_id), entry.fact, GRACE_DAYS_OF_NO_MATTER)
                if row is not None:
                    self._rows[worker_id] = row

    def timelines(self) -> CompanyTimelines:
        """The company after these entries."""
        return CompanyTimelines(self._company_id, dict(self._rows))


async def company_timelines(kafka: Brokers, journal: str, company_id: str, on_passed: OnPassed) -> CompanyTimelines:
    """Fold the committed journal entries of a company.

    Raises Failed without a broker or journal, and Unreadable for a record that is no entry.
    """
    async with consumer_of(kafka, [journal], fetch_wait_ms=AT_ONCE_MS) as consumer:
        partition = partition_of(company_id.encode(), len(consumer.assignment()))
        consumer.unsubscribe()
        reader = PartitionReader(consumer)
        begin, end = await reader.stretch(journal, partition)
        fold, codec = CompanyFold(company_id), JournalCodec()
        async for batch in reader.batches(journal, partition, end=end):
            fold.follow(entries_of(codec, batch))
            on_passed(batch[-1].offset + 1 - begin, end - begin)
    return fold.timelines()


def _known(facts: list[Remembered]) -> KnownWorker:
    corrected = {fact[5].split(b" ", 1)[0].decode() for fact in facts if fact[2] == CORRECTION}
    return KnownWorker(
        tuple(in_force(facts)),
        frozenset(fact[3].decode() for fact in facts) | corrected,
        max((fact[1] for fact in facts), default=None),
    )
