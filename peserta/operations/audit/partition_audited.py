"""What an audit has read in one partition of the book, and up to which offsets."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.position import Anchor, PartitionPosition, Source
from schemas.chain import GENESIS
from schemas.records import Coordinates
from streams.core.rows import Rows


class LastSnapshot(NamedTuple):
    """A snapshot in its topic: its offset there, the journal offset that it covers, its key and value."""

    at: int
    journal_offset: int
    record: tuple[bytes | None, bytes | None]


@dataclass
class PartitionAudited:
    """The contents of one partition of the book behind the position at which the audit began."""

    partition: int
    since: PartitionPosition = field(default_factory=PartitionPosition)
    journal_next: int = 0  # the offset behind the last folded entry
    ledger_at: list[tuple[int, int]] = field(default_factory=list)  # offset in the ledger, offset in the journal
    alerts_at: dict[tuple[str, str], int] = field(default_factory=dict)  # offset in the topic
    clickhouse_next: int | None = None  # journal offset up to which ClickHouse was compared; None: not compared
    entries: int = 0
    repeats: int = 0
    recorded: dict[Source, set[int]] = field(default_factory=dict)  # offsets of facts, folded or not
    awaited: dict[Source, set[int]] = field(default_factory=dict)  # those that the book has not folded yet
    not_yet_kept: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    ledger: dict[int, bytes] = field(default_factory=dict)  # journal offset -> record
    alerts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    snapshots: dict[str, LastSnapshot] = field(default_factory=dict)  # the last snapshot of each company
    head: bytes = GENESIS
    rows: Rows = field(default_factory=dict)  # the auditor's own state
    next: dict[str, int] = field(default_factory=dict)  # topic -> offset behind the last audited record
    last: dict[str, Anchor] = field(default_factory=dict)
    letters: dict[Coordinates, str] = field(default_factory=dict)  # the book's own dead letters: SHA-256 of the value
    findings: list[Finding] = field(default_factory=list)
