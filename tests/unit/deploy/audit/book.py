"""A small installation in memory: a story recorded and kept by the real recorder and book-keeper, without a broker."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml

from deploy.story import story
from schemas.codec import InboundCodec, JournalCodec, OutputCodec
from schemas.records import Coordinates, PolicySet
from schemas.topics import TopicNames
from streams.bookkeeper import Bookkeeper
from streams.core.admission import Refusal
from streams.core.dates import instant
from streams.core.declared import policies
from streams.core.lines import read_record
from streams.lane import CURSOR_PREFIX, Rows
from streams.partitioning import partition_of
from streams.recorder import Recorder
from streams.settings import StreamSettings
from tests.support.shelf import Shelf

PARTITIONS = 2
RECORDS_PER_STEP = 50
TOPICS = TopicNames()
SETTINGS = StreamSettings(kafka="", data_dir=Path(), partitions=PARTITIONS, clock="replay")


@dataclass
class BookInMemory:
    """What Kafka would hold."""

    shelf: Shelf = field(default_factory=Shelf)
    committed: dict[tuple[str, int], int] = field(default_factory=dict)
    letters: dict[Coordinates, str] = field(default_factory=dict)

    def publish(self, key: bytes, value: bytes, timestamp: int) -> None:
        self.shelf.append(TOPICS.facts, partition_of(key, PARTITIONS), key, value, timestamp)

    def record(self, *, again: bool = False) -> None:
        """The recorder reads all inbound topics; `again`: from their beginnings, as when its offsets were lost."""
        recorder, codec = Recorder(SETTINGS, now=lambda: 0), OutputCodec()
        for partition in range(PARTITIONS):
            log = self.shelf.stored[TOPICS.facts, partition]
            fresh = log if again else log[self.committed.get((TOPICS.facts, partition), 0) :]
            for append in recorder.step(TOPICS.facts, partition, fresh):
                self.shelf.append(append.topic, append.partition, append.key, append.value)
                if append.topic == TOPICS.dead_letters and append.value is not None:
                    letter = codec.decode_dead_letter(append.value)
                    self.letters[letter.came_from] = letter.reason
            self.committed[TOPICS.facts, partition] = len(log)

    def keep(self) -> None:
        """The book-keeper folds every partition, a few records at a time."""
        for partition in range(PARTITIONS):
            keeper, rows = Bookkeeper(TOPICS, SETTINGS.grace_days), Rows()
            keeper.open(partition, rows)
            log = self.shelf.stored[TOPICS.journal, partition]
            for at in range(0, len(log), RECORDS_PER_STEP):
                batch = log[at : at + RECORDS_PER_STEP]
                effect = keeper.step(partition, TOPICS.journal, batch, rows)
                rows.update({key: value for key, value in effect.changed.items() if value is not None})
                for topic, outputs in effect.outputs.items():
                    for key, value in outputs:
                        self.shelf.append(topic, partition, key, value)
            for row, value in [*rows.items(), (CURSOR_PREFIX + TOPICS.journal.encode(), b"%d" % log[-1].offset)]:
                self.shelf.append(SETTINGS.changelog, partition, row, value)


def kept_book() -> BookInMemory:
    """The story, small, with two records that the recorder refuses, recorded and kept."""
    told, book, codec = story(scale=0.05), BookInMemory(), InboundCodec()
    for line in told.facts:
        read = read_record(line.encode())
        assert not isinstance(read, Refusal)
        book.publish(read.fact.company_id.encode(), codec.encode(read.fact), read.recorded_at)
    for partition in range(PARTITIONS):
        book.shelf.append(TOPICS.facts, partition, b"C9", b"no Avro", 1_735_000_000_000)
    for topic, partition, key, value in _policy_entries(told.policies_yaml):
        book.shelf.append(topic, partition, key, value)
    book.record()
    book.keep()
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
        for number, policy in enumerate(policies(yaml.safe_load(text)))
        for partition in range(PARTITIONS)
    ]
