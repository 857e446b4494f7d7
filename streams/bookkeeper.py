"""The book-keeper: journal entries -> ledger, alerts, snapshots, dead letters and changed state, one batch at a time.

It decodes, folds and encodes. `streams.core` defines what an entry means; the lane writes its effect exactly once.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.admission import refusal
from schemas.chain import GENESIS, chain_of
from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.records import Alert, Day, DeadLetter, FactEntry, Snapshot
from schemas.topics import TopicNames
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from streams.core.book import Book, StateMismatch
from streams.lane.records import Effect, KeyValue, Record, Rows
from streams.lane.stop import LaneFault, Refused
from streams.recorder import DEAD_LETTER, letter_key

CHAIN_KEY = b"h"  # the row with the chain value of the partition's last ledger record
REFUSED_BY_BOOK = frozenset((ID_CONFLICT, TOO_MANY_FACTS))


@dataclass(frozen=True, slots=True)
class Folded:
    """The result of a batch: facts by disposition, alerts by status, and entries skipped because the recorder wrote
    them twice. `rows` of state and the business date are the partition's current ones. Opening a partition gives zero
    counts.
    """

    partition: int
    rows: int
    today: Day
    repeats: int = 0
    dispositions: Mapping[str, int] = field(default_factory=dict)
    alerts: Mapping[str, int] = field(default_factory=dict)


OnFolded = Callable[[Folded], None]


class Bookkeeper:
    """The step of a transactional lane, with the books of the partitions that this worker owns.

    It calls `on_folded` after each step, and when a partition is opened.
    """

    def __init__(self, topics: TopicNames, grace_days: int, on_folded: OnFolded | None = None) -> None:
        self._topics = topics
        self._on_folded = on_folded
        self._grace_days = grace_days
        self._books: dict[int, Book] = {}
        self._inbound, self._journal, self._outputs = InboundCodec(), JournalCodec(), OutputCodec()

    def open(self, partition: int, rows: Rows) -> None:
        """Load a partition's book from its rows. Raises Refused if other rules produced its state."""
        try:
            book = self._books[partition] = Book(self._grace_days, partition=partition, rows=rows)
        except StateMismatch as error:
            raise Refused(f"the book of partition {partition} cannot be taken up: {error}") from error
        if self._on_folded is not None:
            self._on_folded(Folded(partition, len(rows), book.today))

    def close(self, partition: int) -> None:
        """Drop the book of a partition that was revoked."""
        del self._books[partition]

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        """Fold a batch of journal records."""
        book = self._books[partition]
        if book.rows is not rows:
            raise LaneFault(f"partition {partition}: the rows are not those that the book was opened with")
        ledger: list[KeyValue] = []
        letters: list[KeyValue] = []
        dispositions: list[str] = []
        repeats_before, head = book.repeats, rows.get(CHAIN_KEY, GENESIS)
        encode = self._outputs.encode_ledger
        entries = self._journal.decode([record.value or b"" for record in records])
        for record, entry in zip(records, entries, strict=True):
            outcome = book.apply(entry, record.offset)
            if outcome is None or not isinstance(entry, FactEntry):
                continue
            (disposition, lines), fact = outcome, entry.fact
            dispositions.append(disposition)
            # Each ledger record is chained to the one before it in this partition.
            at = partition, record.offset, entry.recorded_at
            value = encode(at, fact.company_id, fact.event_id, disposition, lines, head)
            head = chain_of(value)
            ledger.append((record.key, value))
            if disposition in REFUSED_BY_BOOK:
                letters.append(self._dead_letter(entry, disposition))
        changes, alerts = book.take_changes(), book.take_alerts()
        if self._on_folded is not None:
            by_status = Counter(alert.status for alert in alerts)
            repeats = book.repeats - repeats_before
            self._on_folded(Folded(partition, len(rows), book.today, repeats, Counter(dispositions), by_status))
        outputs = {
            self._topics.ledger: ledger,
            self._topics.book_letters: letters,
            self._topics.alerts: list(map(self._alert, alerts)),
            self._topics.snapshots: list(map(self._snapshot, changes.snapshots)),
        }
        return Effect(outputs, {**changes.rows, CHAIN_KEY: head} if ledger else changes.rows)

    def _alert(self, alert: Alert) -> KeyValue:
        return alert.company_id.encode(), self._outputs.encode_alert(alert)

    def _snapshot(self, snapshot: Snapshot) -> KeyValue:
        return snapshot.figures.company_id.encode(), self._outputs.encode_snapshot(snapshot)

    def _dead_letter(self, entry: FactEntry, disposition: str) -> KeyValue:
        """The dead letter for a fact that the book refuses, with its bytes as published."""
        fact = entry.fact
        why = refusal(disposition.removeprefix(DEAD_LETTER), fact)
        key, value = fact.company_id.encode(), entry.original or self._inbound.encode(fact)
        letter = DeadLetter(
            came_from=entry.came_from,
            recorded_at=entry.recorded_at,
            reason=why.reason,
            event_id=why.event_id,
            source=why.source,
            key=key,
            value=value,
            key_bytes=len(key),
            value_bytes=len(value),
        )
        return letter_key(entry.came_from), self._outputs.encode_dead_letter(letter)
