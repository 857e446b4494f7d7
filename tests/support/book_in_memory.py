"""A small installation in memory: a story recorded and kept by the real recorder and book-keeper, without a broker."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from peserta.demo.story import story
from peserta.operations.yaml_document import Document
from schemas.admission import Refusal
from schemas.codec import InboundCodec, JournalCodec
from schemas.dates import instant, jakarta_midnight
from schemas.fact_json import read_record
from schemas.records import Coordinates, Day, PolicySet
from schemas.topics import TopicNames
from streams.bookkeeper import Bookkeeper
from streams.core.declared import policies
from streams.lane.cursors import CURSOR_PREFIX
from streams.lane.records import Append, Rows
from streams.partitioning import partition_of
from streams.recorder import Recorder
from streams.settings import StreamSettings
from tests.support.installation_in_memory import InstallationInMemory, TopicsInMemory
from tests.support.partition_log import NewRecord, Stored

PARTITIONS = 2
RECORDS_PER_STEP = 50
EVERY = 40
TOPICS = TopicNames()
SETTINGS = StreamSettings(kafka="", data_dir=Path(), partitions=PARTITIONS, clock="replay")


class BookInMemory(InstallationInMemory):
    """An installation whose workers take one step after the other. `rows` and `kept_to`: the book-keeper's state and
    place in the journal, by partition."""

    def __init__(self, settings: StreamSettings = SETTINGS) -> None:
        super().__init__(settings, TopicsInMemory(), {})
        self.rows: dict[int, Rows] = defaultdict(dict)
        self.kept_to: dict[int, int] = defaultdict(int)

    def copy(self) -> "BookInMemory":
        """Another one, as this one is."""
        book = self.without_state()
        book.rows.update((partition, dict(own)) for partition, own in self.rows.items())
        book.kept_to.update(self.kept_to)
        return book

    def without_state(self) -> "BookInMemory":
        """Another one with the same topics, whose book-keeper begins anew."""
        book = BookInMemory(self.settings)
        book.topics = self.topics.copy()
        book.committed.update(self.committed)
        return book

    def without_outputs(self) -> "BookInMemory":
        """Another one with the same journal, of which the book-keeper has said nothing yet."""
        book = self.without_state()
        for topic in (TOPICS.ledger, TOPICS.alerts, TOPICS.snapshots, SETTINGS.changelog):
            for partition in range(self.settings.partitions):
                book.stored(topic, partition).clear()
        return book

    def stored(self, topic: str, partition: int) -> list[Stored]:
        """The records of a partition, which a test may change."""
        return self.topics.logs[topic, partition].stored

    def append(self, topic: str, partition: int, key: bytes | None, value: bytes | None, timestamp: int = 0) -> Stored:
        log = self.topics.logs[topic, partition]
        log.append([NewRecord(key, value, timestamp)])
        return log.stored[-1]

    def publish(self, key: bytes, value: bytes, timestamp: int, topic: str = TOPICS.facts) -> Stored:
        return self.append(topic, partition_of(key, self.settings.partitions), key, value, timestamp)

    def record(self, *, again: bool = False, until: int | None = None) -> None:
        """The recorder reads all inbound topics to `until`; `again`: from their beginnings, its offsets being lost."""
        recorder = Recorder(self.settings, now=lambda: 0)
        for topic in (TOPICS.policies, TOPICS.companies, TOPICS.facts):
            for partition in range(self.settings.partitions):
                log = self.stored(topic, partition)
                if not log:
                    continue
                fresh = log[0 if again else self.committed.get((topic, partition), 0) : until]
                self._append(recorder.step(topic, partition, fresh))
                self.committed[topic, partition] = len(log[:until])

    def tick(self, on: Day) -> None:
        """A business date begins."""
        self._append(Recorder(self.settings, now=lambda: 0).ticks(on, jakarta_midnight(on)))

    def _append(self, appends: Iterable[Append]) -> None:
        for append in appends:
            self.append(append.topic, append.partition, append.key, append.value)

    def keep(self, until: int | None = None) -> None:
        """The book-keeper takes up every partition where it was, and folds it, a few records at a time, to `until`."""
        for partition in range(self.settings.partitions):
            keeper, rows = Bookkeeper(TOPICS, self.settings.grace_days), self.rows[partition]
            before = dict(rows)
            keeper.open(partition, rows)
            log = self.stored(TOPICS.journal, partition)[self.kept_to[partition] : until]
            self.kept_to[partition] += len(log)
            for at in range(0, len(log), RECORDS_PER_STEP):
                batch = log[at : at + RECORDS_PER_STEP]
                effect = keeper.step(partition, TOPICS.journal, batch, rows)
                rows.update({key: value for key, value in effect.changed.items() if value is not None})
                for topic, outputs in effect.outputs.items():
                    for key, value in outputs:
                        self.append(topic, partition, key, value)
            changed = [(row, value) for row, value in rows.items() if before.get(row) != value]
            cursors = [(CURSOR_PREFIX + TOPICS.journal.encode(), b"%d" % record.offset) for record in log[-1:]]
            for row, value in [*changed, *cursors]:
                self.append(SETTINGS.changelog, partition, row, value)

    def compact(self) -> None:
        """Of each company only its last snapshot stays."""
        for partition in range(self.settings.partitions):
            log = self.stored(TOPICS.snapshots, partition)
            log[:] = sorted({record.key: record for record in log}.values(), key=lambda record: record.offset)


def kept_book() -> BookInMemory:
    """The story, small, with two records that the recorder refuses, recorded and kept."""
    book = published_book()
    book.record()
    book.keep()
    return book


def published_book(scale: float = 0.05) -> BookInMemory:
    """The same, of which nobody has read anything yet. Now and then the recorder, or the book, will refuse a record."""
    told, book, codec = story(scale=scale), BookInMemory(), InboundCodec()
    for number, line in enumerate(told.facts):
        read = read_record(line.encode())
        assert not isinstance(read, Refusal)
        book.publish(read.fact.company_id.encode(), codec.encode(read.fact), read.recorded_at)
        if number % EVERY == 0:
            conflicting = read.fact._replace(source="another system")
            book.publish(read.fact.company_id.encode(), codec.encode(conflicting), read.recorded_at)
            book.publish(b"C%d" % number, b"no Avro", read.recorded_at)
    for partition in range(PARTITIONS):
        book.append(TOPICS.facts, partition, b"C9", b"no Avro", 1_735_000_000_000)
    for topic, partition, key, value in _policy_entries(told.policies_yaml):
        book.append(topic, partition, key, value)
    return book


def _policy_entries(text: str) -> list[tuple[str, int, bytes, bytes]]:
    codec, at = JournalCodec(), instant("2024-09-30T00:00:00Z")
    return [
        (
            TOPICS.journal,
            partition,
            policy.policy_id.encode(),
            codec.encode(PolicySet(Coordinates("policies", 0, number), at, policy)),
        )
        for number, policy in enumerate(policies(Document(text.encode()).value()))
        for partition in range(PARTITIONS)
    ]
