"""The book-keeper: journal entries -> ledger, alerts, snapshots, dead letters and changed state, one batch at a time.

It translates: decode, fold, encode. What an entry means, `streams.core` knows; that its effect is there once, the lane.
"""

from collections.abc import Sequence

from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.records import Alert, DeadLetter, FactEntry, Snapshot
from schemas.topics import TopicNames
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from schemas.wire import zigzag
from streams.core.book import Book, Outcome, StateMismatch
from streams.lane import Effect, KeyValue, LaneFault, Record, Refused, Rows
from streams.recorder import letter_key

DEAD_LETTER = "dead_letter:"
REFUSED_BY_BOOK = frozenset((ID_CONFLICT, TOO_MANY_FACTS))


class Bookkeeper:
    """The step of a transactional lane, with the books of the partitions that this worker owns."""

    def __init__(self, topics: TopicNames, grace_days: int) -> None:
        self._topics = topics
        self._grace_days = grace_days
        self._books: dict[int, Book] = {}
        self._inbound, self._journal, self._outputs = InboundCodec(), JournalCodec(), OutputCodec()

    def open(self, partition: int, rows: Rows) -> None:
        """Take up a partition's book; Refused when its state was folded by other rules."""
        try:
            self._books[partition] = Book(self._grace_days, partition=partition, rows=rows)
        except StateMismatch as error:
            raise Refused(f"the book of partition {partition} cannot be taken up: {error}") from error

    def close(self, partition: int) -> None:
        """Another worker has the partition now."""
        del self._books[partition]

    def step(self, partition: int, topic: str, records: Sequence[Record], rows: Rows) -> Effect:
        """Fold a batch of journal records."""
        book = self._books[partition]
        if book.rows is not rows:
            raise LaneFault(f"partition {partition}: the rows are not those that the book was opened with")
        ledger: list[KeyValue] = []
        letters: list[KeyValue] = []
        at = zigzag(partition)
        entries = self._journal.decode([record.value or b"" for record in records])
        for record, entry in zip(records, entries, strict=True):
            outcome = book.apply(entry, record.offset)
            if outcome is None or not isinstance(entry, FactEntry):
                continue
            ledger.append((record.key, self._ledger_record(at, record.offset, entry, outcome)))
            if outcome.disposition in REFUSED_BY_BOOK:
                letters.append(self._dead_letter(entry, outcome.disposition))
        changes = book.take_changes()
        outputs = {
            self._topics.ledger: ledger,
            self._topics.dead_letters: letters,
            self._topics.alerts: list(map(self._alert, book.take_alerts())),
            self._topics.snapshots: list(map(self._snapshot, changes.snapshots)),
        }
        return Effect(outputs, changes.rows)

    def _ledger_record(self, partition: bytes, offset: int, entry: FactEntry, outcome: Outcome) -> bytes:
        fact = entry.fact
        at = partition, offset, entry.recorded_at
        return self._outputs.encode_ledger(at, fact.company_id, fact.event_id, outcome.disposition, outcome.lines)

    def _alert(self, alert: Alert) -> KeyValue:
        return alert.company_id.encode(), self._outputs.encode_alert(alert)

    def _snapshot(self, snapshot: Snapshot) -> KeyValue:
        return snapshot.figures.company_id.encode(), self._outputs.encode_snapshot(snapshot)

    def _dead_letter(self, entry: FactEntry, disposition: str) -> KeyValue:
        """A fact that the book refuses, with the bytes as they were published."""
        fact = entry.fact
        key, value = fact.company_id.encode(), entry.original or self._inbound.encode(fact)
        letter = DeadLetter(
            came_from=entry.came_from,
            recorded_at=entry.recorded_at,
            reason=disposition.removeprefix(DEAD_LETTER),
            event_id=fact.event_id,
            source=fact.source,
            key=key,
            value=value,
            key_bytes=len(key),
            value_bytes=len(value),
        )
        return letter_key(entry.came_from), self._outputs.encode_dead_letter(letter)
