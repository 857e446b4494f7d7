"""The audit of one partition of the book: its journal folded again, and everything that the book-keeper said of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.audit.findings import Finding, compare
from deploy.audit.reading import TopicReader
from schemas.chain import GENESIS, chain_of, verify
from schemas.codec import JournalCodec, OutputCodec
from schemas.records import Coordinates, FactEntry
from schemas.topics import TopicNames
from streams.bookkeeper import Bookkeeper
from streams.core.admission import REASONS
from streams.lane import CURSOR_PREFIX, Rows
from streams.settings import StreamSettings

Source = tuple[str, int]


@dataclass
class Kept:
    """What one partition of the book holds, as far as its state says that it has come."""

    partition: int
    journal_next: int = 0  # the offset behind the last entry that is in the state
    ledger_at: list[tuple[int, int]] = field(default_factory=list)  # offset in the ledger, offset in the journal
    clickhouse_next: int | None = None  # journal offset up to which ClickHouse was compared; None: not looked at
    entries: int = 0
    repeats: int = 0
    recorded: dict[Source, set[int]] = field(default_factory=dict)  # facts by source, with those not yet kept
    not_yet_kept: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    ledger: dict[int, bytes] = field(default_factory=dict)  # journal offset -> record
    alerts: dict[tuple[str, str], bytes] = field(default_factory=dict)
    head: bytes = GENESIS
    findings: list[Finding] = field(default_factory=list)


class PartitionAudit:
    """Folds a journal partition again with the code at hand, and compares byte for byte."""

    def __init__(self, settings: StreamSettings, reader: TopicReader, partition: int) -> None:
        self._settings, self._reader, self._partition = settings, reader, partition
        self._topics: TopicNames = settings.topics
        self._journal, self._outputs = JournalCodec(), OutputCodec()
        self._where = f"partition {partition}"

    async def run(self) -> Kept:
        """Read state, journal and outputs of the partition; the findings are in the result."""
        kept = Kept(self._partition)
        standing = await self._standing_state()
        cursor = standing.pop(CURSOR_PREFIX + self._topics.journal.encode(), None)
        kept.journal_next = 0 if cursor is None else int(cursor) + 1
        expected = await self._refold(kept)
        await self._ledger(kept, expected)
        await self._alerts(kept, expected)
        await self._letters(kept, expected)
        kept.findings.append(compare("state = journal folded again", self._where, expected.rows, standing))
        await self._not_yet_kept(kept)
        return kept

    async def _standing_state(self) -> Rows:
        """The rows of the partition's state as its changelog has them."""
        rows: Rows = {}
        async for record in self._reader.records(self._settings.changelog, self._partition):
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = record.value
        return rows

    async def _refold(self, kept: Kept) -> "Expected":
        expected = Expected()
        bookkeeper = Bookkeeper(self._topics, self._settings.grace_days)
        bookkeeper.open(self._partition, expected.rows)
        last = -1
        async for batch in self._reader.batches(self._topics.journal, self._partition, end=kept.journal_next):
            self._account(kept, batch)
            effect = bookkeeper.step(self._partition, self._topics.journal, batch, expected.rows)
            expected.rows.update({key: value for key, value in effect.changed.items() if value is not None})
            expected.ledger += [value or b"" for _, value in effect.outputs[self._topics.ledger]]
            expected.alerts += [value or b"" for _, value in effect.outputs[self._topics.alerts]]
            expected.letters += [value or b"" for _, value in effect.outputs[self._topics.dead_letters]]
            last = batch[-1].offset
        if last + 1 < kept.journal_next:
            finding = Finding("journal has every entry that the state contains", self._where, kept.entries)
            finding.wrong("missing", f"offsets {last + 1} to {kept.journal_next - 1}")
            kept.findings.append(finding)
        return expected

    def _account(self, kept: Kept, batch: Any) -> None:
        """Which facts of which source the journal holds, repeats apart."""
        for entry in self._journal.decode([record.value for record in batch]):
            kept.entries += 1
            if isinstance(entry, FactEntry):
                self._seen(kept, entry.came_from)

    def _seen(self, kept: Kept, came_from: Coordinates) -> None:
        offsets = kept.recorded.setdefault((came_from.topic, came_from.partition), set())
        if came_from.offset in offsets:
            kept.repeats += 1
        offsets.add(came_from.offset)

    async def _ledger(self, kept: Kept, expected: "Expected") -> None:
        """Ledger lines and dispositions against the refold, and the chain through all of them."""
        found: dict[int, bytes] = {}
        doubled: list[int] = []
        in_topic: list[tuple[int, bytes]] = []
        async for record in self._reader.records(self._topics.ledger, self._partition):
            said = self._outputs.decode_ledger(record.value)
            if said.offset >= kept.journal_next:
                continue  # committed while the audit runs
            if said.offset in found:
                doubled.append(said.offset)
            found[said.offset] = record.value
            in_topic.append((record.offset, record.value))
            kept.dispositions[said.disposition] += 1
            kept.ledger_at.append((record.offset, said.offset))
        should = {self._outputs.decode_ledger(value).offset: value for value in expected.ledger}
        finding = compare("ledger = journal folded again", self._where, should, found)
        for offset in doubled:
            finding.wrong("extra", offset)
        kept.ledger = found
        kept.findings += [finding, self._chain(kept, in_topic)]

    def _chain(self, kept: Kept, in_topic: list[tuple[int, bytes]]) -> Finding:
        verdict = verify(in_topic)
        kept.head = verdict.head
        finding = Finding("chain of the ledger", self._where, len(in_topic))
        if verdict.first_wrong is not None:
            finding.wrong("different", f"the ledger's offset {verdict.first_wrong} is the first that does not fit")
        elif in_topic:
            assert kept.head == chain_of(in_topic[-1][1])
        return finding

    async def _alerts(self, kept: Kept, expected: "Expected") -> None:
        found: dict[tuple[str, str], bytes] = {}
        doubled = []
        async for record in self._reader.records(self._topics.alerts, self._partition):
            alert = self._outputs.decode_alert(record.value)
            if alert.journal_offset >= kept.journal_next:
                continue
            identity = alert.alert_id, alert.status
            if identity in found:
                doubled.append(identity)
            found[identity] = record.value
        finding = compare("alerts = journal folded again", self._where, dict(self._by_identity(expected.alerts)), found)
        for identity in doubled:
            finding.wrong("extra", identity)
        kept.alerts = found
        kept.findings.append(finding)

    async def _letters(self, kept: Kept, expected: "Expected") -> None:
        """The dead letters of facts that the book refuses; the recorder's are told apart by their reasons."""
        should = {self._outputs.decode_dead_letter(value).came_from: value for value in expected.letters}
        found = {}
        async for record in self._reader.records(self._topics.dead_letters, self._partition):
            letter = self._outputs.decode_dead_letter(record.value)
            at = letter.came_from
            if letter.reason not in REASONS and (at in should or at.offset in self._kept_of(kept, at)):
                found[at] = record.value
        kept.findings.append(compare("dead letters = journal folded again", self._where, should, found))

    @staticmethod
    def _kept_of(kept: Kept, at: Coordinates) -> set[int]:
        return kept.recorded.get((at.topic, at.partition), set())

    def _by_identity(self, values: list[bytes]) -> Iterator[tuple[tuple[str, str], bytes]]:
        for value in values:
            alert = self._outputs.decode_alert(value)
            yield (alert.alert_id, alert.status), value

    async def _not_yet_kept(self, kept: Kept) -> None:
        """Facts in the journal that the book-keeper has not reached: recorded, and not yet lost."""
        before = kept.entries
        async for batch in self._reader.batches(self._topics.journal, self._partition, start=kept.journal_next):
            self._account(kept, batch)
        kept.not_yet_kept, kept.entries = kept.entries - before, before


@dataclass
class Expected:
    """What the journal folded again gives."""

    rows: Rows = field(default_factory=dict)
    ledger: list[bytes] = field(default_factory=list)
    alerts: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
