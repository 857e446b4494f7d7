"""The facts and rules of a run by partition, and the records that the service must write for them.

The workers' own steps compute these records once, in one process and without Kafka.
"""

import hashlib
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from schemas.codec import OutputCodec
from schemas.topics import TopicNames
from streams.bookkeeper import Bookkeeper
from streams.partitioning import partition_of
from streams.recorder import Recorder
from streams.settings import REPLAY, StreamSettings
from tests.bench.load import GRACE_DAYS, Load
from tests.bench.place import PREFIX_DIGITS
from tests.support.raw_records import RawRecord

PARTITIONS: Final = 8
POLICIES: Final = 3
RECORDS_PER_STEP: Final = 5_000
PREFIX: Final = f"b{0:0{PREFIX_DIGITS}}."
"""Stands in the records that are computed here where a run has its own, which is as long."""

Line = tuple[bytes, bytes, int]
KeyValue = tuple[bytes, bytes]
Partitions = list[list[KeyValue]]


class Material:
    """The records of one load at each stage of the service. Each stage is computed on first use."""

    def __init__(self, load: Load, partitions: int = PARTITIONS) -> None:
        self._load, self.partitions = load, partitions
        self.topics = TopicNames(PREFIX)

    @classmethod
    def without_facts(cls, partitions: int = PARTITIONS) -> "Material":
        """The material of a book that starts empty."""
        empty = cls(Load(0), partitions)
        empty.__dict__["inbound"] = empty.__dict__["policies"] = empty.__dict__["journal"] = [[]] * partitions
        return empty

    @cached_property
    def inbound(self) -> list[list[Line]]:
        """Facts by partition, with their times of recording."""
        found: list[list[Line]] = [[] for _ in range(self.partitions)]
        for record in self._load.inbound:
            key, value = record.key or b"", record.value or b""
            found[partition_of(key, self.partitions)].append((key, value, record.timestamp))
        return found

    @cached_property
    def policies(self) -> list[list[Line]]:
        """Policies by partition of their own topic, recorded before the first fact."""
        found: list[list[Line]] = [[] for _ in range(self.partitions)]
        at, encode = self._load.facts[0].recorded_at, OutputCodec().encode_policy
        for policy in self._load.policies(POLICIES):
            key = policy.policy_id.encode()
            found[partition_of(key, self.partitions)].append((key, encode(policy), at))
        return found

    @property
    def facts(self) -> int:
        return sum(map(len, self.inbound))

    @cached_property
    def journal(self) -> Partitions:
        """The journal by partition: policies, then facts."""
        settings = StreamSettings("no broker", Path(), self.topics, self.partitions, clock=REPLAY)
        recorder, journal = Recorder(settings, lambda: 0), [list[KeyValue]() for _ in range(self.partitions)]
        for topic, lines in ((self.topics.policies, self.policies), (self.topics.facts, self.inbound)):
            for number, own in enumerate(lines):
                for append in recorder.step(topic, number, raw(own)):
                    journal[append.partition].append((append.key or b"", append.value or b""))
        return journal

    @cached_property
    def outputs(self) -> dict[str, Partitions]:
        """The book-keeper's records, by topic without a prefix. The snapshots are those of batches of 5,000."""
        found: dict[str, Partitions] = {}
        keeper = Bookkeeper(self.topics, GRACE_DAYS)
        for number, own in enumerate(self.journal):
            rows: dict[bytes, bytes] = {}
            keeper.open(number, rows)
            records = raw((*pair, 0) for pair in own)
            for first in range(0, len(records), RECORDS_PER_STEP):
                said = keeper.step(number, self.topics.journal, records[first : first + RECORDS_PER_STEP], rows)
                for topic, lines in said.outputs.items():
                    empty = [list[KeyValue]() for _ in range(self.partitions)]
                    kept = found.setdefault(topic.removeprefix(PREFIX), empty)
                    kept[number] += [(key or b"", value or b"") for key, value in lines]
                for key, row in said.changed.items():
                    if row is None:
                        rows.pop(key, None)
                    else:
                        rows[key] = row
        return found


def raw(lines: Iterable[Line]) -> list[RawRecord]:
    """The lines as a consumer would return them."""
    return [RawRecord(offset, key, value, timestamp) for offset, (key, value, timestamp) in enumerate(lines)]


def named(partitions: Partitions, prefix: str) -> Partitions:
    """The records with this prefix in place of PREFIX."""
    own, there = PREFIX.encode(), prefix.encode()
    return [[(key, value.replace(own, there)) for key, value in lines] for lines in partitions]


def digest(partitions: Sequence[Iterable[KeyValue]]) -> list[str]:
    """SHA-256 of the records of each partition, in order."""
    return [hashlib.sha256(b"".join(part for pair in lines for part in pair)).hexdigest() for lines in partitions]
