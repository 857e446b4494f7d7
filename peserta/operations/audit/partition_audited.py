"""What an audit has read in one partition of the book, and up to which offsets."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from typing import NamedTuple

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.position import JOURNAL, Anchor, PartitionPosition, Source
from schemas.chain import GENESIS
from schemas.records import Coordinates
from streams.core.rows import Rows


class LastSnapshot(NamedTuple):
    """A snapshot in its topic: its offset there, the journal offset that it covers, its key and value."""

    at: int
    journal_offset: int
    record: tuple[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True)
class PartitionAudited:
    """The contents of one partition of the book behind the position at which the audit began."""

    partition: int
    since: PartitionPosition
    journal_next: int  # the offset behind the last folded entry
    ledger_at: Sequence[tuple[int, int]]  # offset in the ledger, offset in the journal
    alerts_at: Mapping[tuple[str, str], int]  # offset in the topic
    entries: int
    repeats: int
    recorded: Mapping[Source, Set[int]]  # offsets of facts, folded or not
    awaited: Mapping[Source, Set[int]]  # those that the book has not folded yet
    not_yet_kept: int
    dispositions: Mapping[str, int]
    ledger: Mapping[int, bytes]  # journal offset -> record
    alerts: Mapping[tuple[str, str], bytes]
    snapshots: Mapping[str, LastSnapshot]  # the last snapshot of each company
    head: bytes
    rows: Rows  # the auditor's own state
    next: Mapping[str, int]  # topic -> offset behind the last audited record
    last: Mapping[str, Anchor]
    letters: Mapping[Coordinates, str]  # the book's own dead letters: SHA-256 of the value
    findings: Sequence[Finding]
    clickhouse_next: int | None = None  # journal offset up to which ClickHouse was compared; None: not compared


@dataclass
class PartitionDraft:
    """What the audit of one partition has read so far. Only the audit of the partition writes it."""

    partition: int
    since: PartitionPosition
    journal_next: int = field(init=False)
    ledger_at: list[tuple[int, int]] = field(default_factory=list)
    alerts_at: dict[tuple[str, str], int] = field(default_factory=dict)
    entries: int = 0
    repeats: int = 0
    recorded: dict[Source, set[int]] = field(default_factory=dict)
    awaited: dict[Source, set[int]] = field(default_factory=dict)
    not_yet_kept: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    ledger: dict[int, bytes] = field(default_factory=dict)
    alerts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    snapshots: dict[str, LastSnapshot] = field(default_factory=dict)
    head: bytes = GENESIS
    rows: Rows = field(default_factory=dict)
    next: dict[str, int] = field(init=False)
    last: dict[str, Anchor] = field(init=False)
    letters: dict[Coordinates, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.journal_next = self.since.next[JOURNAL]
        self.next, self.last = dict(self.since.next), dict(self.since.last)

    def result(self) -> PartitionAudited:
        """What was read, for good."""
        return PartitionAudited(**{one.name: getattr(self, one.name) for one in fields(self)})
