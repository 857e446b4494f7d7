"""The audit of one partition of the book: its journal folded again, compared with what the book-keeper wrote."""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from peserta.operations.audit.expected import Expected, Letters
from peserta.operations.audit.findings import Finding, compare, out_of_order, row_name, unreadable
from peserta.operations.audit.partition_audited import PartitionAudited, PartitionDraft
from peserta.operations.audit.position import (
    ALERTS,
    BOOK_LETTERS,
    CHANGELOG,
    JOURNAL,
    LEDGER,
    LETTERS,
    SNAPSHOTS,
    PartitionPosition,
    anchor,
    digest,
    topic_names,
)
from peserta.operations.audit.reading import TopicReader, Unreadable, read_as
from peserta.operations.audit.recorded import Recorded
from peserta.operations.audit.snapshots import audit_snapshots
from schemas.admission import REASONS
from schemas.chain import chain_of, verify
from schemas.codec import OutputCodec
from schemas.records import Coordinates
from schemas.topics import TopicNames
from streams.bookkeeper import Bookkeeper
from streams.core.book import mismatch
from streams.core.rows import Rows
from streams.lane.cursors import CURSOR_PREFIX
from streams.settings import StreamSettings

OUTPUTS: Final = (LEDGER, ALERTS, SNAPSHOTS)
Identity: TypeAlias = tuple[str, str]  # of an alert: its id and its status
STATE_CLAIM: Final = "state = journal folded again"


class PartitionAudit:
    """Folds a journal partition again with this code, and compares byte for byte.

    `since` is where an earlier audit ended; without it, everything is read. `to_outputs`: fold to the last entry that
    the outputs cover and ignore the state's cursor; use this only while no other process writes.
    """

    def __init__(
        self,
        settings: StreamSettings,
        reader: TopicReader,
        partition: int,
        since: PartitionPosition | None = None,
        *,
        to_outputs: bool = False,
    ) -> None:
        self._settings, self._reader, self._partition = settings, reader, partition
        self._since = since or PartitionPosition()
        self._topics: TopicNames = settings.topics
        self._names = topic_names(settings)
        self._cursor_key = CURSOR_PREFIX + self._topics.journal.encode()
        self._outputs = OutputCodec()
        self._where = f"partition {partition}"
        self.expected = Expected()  # what the journal gives, when it has run
        self.stored: Rows = {}  # the rows of the state as they stand
        self.stands_at: int | None = None  # the journal's offset behind what the state says that it contains
        self._to_outputs = to_outputs
        self._ends: dict[str, int] = {}  # of the outputs, before the state was read
        self._ahead: list[int] = []  # journal offsets of outputs before those ends and behind the state
        self._recorded = Recorded(self._where, self._since.rows)

    async def run(self) -> PartitionAudited:
        """Read state, journal and outputs of the partition; the findings are in the result."""
        kept = PartitionDraft(self._partition, self._since)
        try:
            await self._audit(kept)
        except Unreadable as error:
            kept.findings.append(unreadable(self._where, error))
        return kept.result()

    async def _audit(self, kept: PartitionDraft) -> None:
        # Outputs, state and cursor are committed in one transaction: the state contains all visible outputs.
        self._ends = {name: (await self._reader.stretch(self._names[name], self._partition)).end for name in OUTPUTS}
        stored = self.stored = await self._stored_state(kept)
        kept.findings += self._folded_by_other_rules()
        state = Finding(STATE_CLAIM, self._where)
        journal_next = await self._journal_next()
        if journal_next < kept.journal_next:
            state.wrong("different", f"the state's place in the journal, {journal_next - 1}, lies before the position")
        kept.journal_next = max(journal_next, kept.journal_next)
        expected = self.expected = await self._refold(kept)
        await self._ledger(kept, expected)
        await self._alerts(kept, expected)
        snapshots = await audit_snapshots(self._reader, self._topics.snapshots, kept, expected, self._behind_state)
        kept.findings.append(snapshots)
        await self._lagging(kept, state)
        letters = await self._letters(kept)
        kept.findings.append(compare(STATE_CLAIM, self._where, expected.rows, stored, name=row_name))
        kept.findings += [] if state.holds else [state]
        await self._not_yet_kept(kept)
        kept.findings.append(self._recorded.repeats)
        kept.findings.append(self._compare_letters(kept, expected, letters))
        kept.rows = expected.rows

    def _folded_by_other_rules(self) -> list[Finding]:
        """The finding that other rules folded the state, which explains all other differences."""
        reason = mismatch(self.stored, self._settings.grace_days)
        if reason is None:
            return []
        finding = Finding(STATE_CLAIM, self._where)
        finding.wrong("different", reason)
        return [finding]

    async def _journal_next(self) -> int:
        """Up to where the state is to be folded again. Takes the cursor out of its rows."""
        cursor = self.stored.pop(self._cursor_key, None)
        self.stands_at = None if cursor is None else self._behind_cursor(cursor)
        if self._to_outputs:
            return max(self.stands_at or 0, await self._said_up_to())
        if self.stands_at is not None:
            return self.stands_at
        # The position has rows without their cursor. If the changelog has nothing new, its cursor has not moved.
        return self._since.next[JOURNAL] or await self._said_up_to()

    def _behind_cursor(self, cursor: bytes) -> int:
        """The journal offset after the entries that the state contains, by its cursor (-1: none)."""
        if not (cursor.isdigit() or cursor == b"-1"):
            raise Unreadable(f"the state's place in the journal ({self._settings.changelog}-{self._partition})")
        return int(cursor) + 1

    async def _lagging(self, kept: PartitionDraft, state: Finding) -> None:
        """Report outputs that are ahead of the state, except those committed during the audit."""
        if not self._ahead:
            return
        # A transaction becomes visible in one partition shortly before another; by now it is visible in both.
        reached, start = kept.journal_next, kept.next[CHANGELOG]
        async for record in self._reader.records(self._settings.changelog, self._partition, start=start):
            if record.key == self._cursor_key:
                reached = max(reached, self._behind_cursor(record.value or b""))
        if max(self._ahead) >= reached:
            until = f"to journal offset {max(self._ahead)}, the state contains those before {reached}"
            state.wrong("different", f"the outputs go further than the state: {until}")

    async def _said_up_to(self) -> int:
        """The journal offset after the last entry that the outputs cover: how far a lost state had come."""
        ledger = [read_as(self._outputs.decode_ledger, r).offset async for r in self._behind(LEDGER)]
        alerts = [read_as(self._outputs.decode_alert, r).journal_offset async for r in self._behind(ALERTS)]
        # An entry that is not a fact may have no other output.
        snapshots = [read_as(self._outputs.decode_snapshot, r).offset async for r in self._behind(SNAPSHOTS)]
        return max([*ledger, *alerts, *snapshots, self._since.next[JOURNAL] - 1]) + 1

    async def _stored_state(self, kept: PartitionDraft) -> Rows:
        """The rows of the partition's state in its changelog. An earlier audit has checked those before the
        position."""
        rows = dict(self._since.rows)
        begin, end = await self._reader.stretch(self._settings.changelog, self._partition)
        start = self._since.next[CHANGELOG]
        async for record in self._reader.records(self._settings.changelog, self._partition, start=start, end=end):
            if record.value is None:
                rows.pop(record.key, None)
            else:
                rows[record.key] = record.value
        kept.next[CHANGELOG] = max(begin, end)
        return rows

    async def _refold(self, kept: PartitionDraft) -> Expected:
        expected = Expected(dict(self._since.rows))
        bookkeeper = Bookkeeper(self._topics, self._settings.grace_days)
        bookkeeper.open(self._partition, expected.rows)
        start, stop = self._since.next[JOURNAL], kept.journal_next
        last = start - 1
        async for batch in self._reader.batches(self._topics.journal, self._partition, start=start, end=stop):
            self._recorded.account(kept, batch, kept=True)
            effect = bookkeeper.step(self._partition, self._topics.journal, batch, expected.rows)
            expected.rows.update({key: value for key, value in effect.changed.items() if value is not None})
            expected.ledger += [value or b"" for _, value in effect.outputs[self._topics.ledger]]
            expected.alerts += [value or b"" for _, value in effect.outputs[self._topics.alerts]]
            expected.snapshots |= {key: value or b"" for key, value in effect.outputs[self._topics.snapshots] if key}
            expected.letters += [value or b"" for _, value in effect.outputs[self._topics.book_letters]]
            last = batch[-1].offset
            kept.last[JOURNAL] = anchor(batch[-1])
        if last + 1 < stop:
            finding = Finding("journal has every entry that the state contains", self._where, kept.entries)
            finding.wrong("missing", f"offsets {last + 1} to {stop - 1}")
            kept.findings.append(finding)
        kept.next[JOURNAL] = stop
        return expected

    async def _ledger(self, kept: PartitionDraft, expected: Expected) -> None:
        """Compare ledger lines and dispositions with the refold, and verify the hash chain."""
        found: dict[int, bytes] = {}
        doubled: list[int] = []
        in_topic: list[tuple[int, bytes]] = []
        async for record in self._behind(LEDGER):
            said = read_as(self._outputs.decode_ledger, record)
            if said.offset >= kept.journal_next:
                self._behind_state(LEDGER, record.offset, said.offset)
                continue
            if said.offset in found:
                doubled.append(said.offset)
            found[said.offset] = record.value
            in_topic.append((record.offset, record.value))
            kept.dispositions[said.disposition] += 1
            kept.ledger_at.append((record.offset, said.offset))
            kept.next[LEDGER], kept.last[LEDGER] = record.offset + 1, anchor(record)
        should = {self._outputs.decode_ledger(value).offset: value for value in expected.ledger}
        finding = compare("ledger = journal folded again", self._where, should, found)
        for offset in doubled:
            finding.wrong("extra", offset)
        kept.ledger = found
        kept.findings += [finding, self._chain(kept, in_topic)]

    def _behind_state(self, name: str, at: int, journal_offset: int) -> None:
        """Note an output that is ahead of the state, unless it was committed after the audit read the topic's end."""
        if at < self._ends[name]:
            self._ahead.append(journal_offset)

    def _chain(self, kept: PartitionDraft, in_topic: list[tuple[int, bytes]]) -> Finding:
        verdict = verify(in_topic, self._since.head)
        kept.head = verdict.head
        finding = Finding("chain of the ledger", self._where, len(in_topic))
        if verdict.first_wrong is not None:
            finding.wrong("different", f"the ledger's offset {verdict.first_wrong} is the first that does not fit")
        elif in_topic:
            assert kept.head == chain_of(in_topic[-1][1])
        return finding

    async def _alerts(self, kept: PartitionDraft, expected: Expected) -> None:
        found: dict[Identity, bytes] = {}
        doubled = []
        async for record in self._behind(ALERTS):
            alert = read_as(self._outputs.decode_alert, record)
            if alert.journal_offset >= kept.journal_next:
                self._behind_state(ALERTS, record.offset, alert.journal_offset)
                continue
            identity = alert.alert_id, alert.status
            if identity in found:
                doubled.append(identity)
            found[identity] = record.value
            kept.alerts_at[identity] = record.offset
            kept.next[ALERTS], kept.last[ALERTS] = record.offset + 1, anchor(record)
        should = dict(self._by_identity(expected.alerts))
        finding = compare("alerts = journal folded again", self._where, should, found)
        for identity in doubled:
            finding.wrong("extra", identity)
        # Consumers take the last alert of a company and policy as the current state, so the order matters.
        company_of = {identity: self._outputs.decode_alert(value).company_id for identity, value in should.items()}
        for identity in out_of_order(company_of, found):
            finding.wrong("different", f"{identity} is not in its place among the company's alerts")
        kept.alerts = found
        kept.findings.append(finding)

    def _by_identity(self, values: list[bytes]) -> Iterator[tuple[Identity, bytes]]:
        for value in values:
            alert = self._outputs.decode_alert(value)
            yield (alert.alert_id, alert.status), value

    async def _letters(self, kept: PartitionDraft) -> Letters:
        """The dead letters of facts that the book refused; those of the recorder have other reasons."""
        begin, end = await self._reader.stretch(self._topics.book_letters, self._partition)
        found = []
        async for record in self._behind(BOOK_LETTERS, end):
            letter = read_as(self._outputs.decode_dead_letter, record)
            if letter.reason not in REASONS:
                found.append((letter.came_from, record.offset, record.value))
        kept.next[BOOK_LETTERS] = max(begin, end)
        kept.next[LETTERS] = max(await self._reader.stretch(self._topics.dead_letters, self._partition))
        return Letters(found, some_expired=begin > self._since.next[BOOK_LETTERS])

    def _compare_letters(self, kept: PartitionDraft, expected: Expected, letters: Letters) -> Finding:
        """Compare dead letters. Those of facts after the state may be missing still, and the oldest may have
        expired."""
        should = {self._outputs.decode_dead_letter(value).came_from: digest(value) for value in expected.letters}
        kept.letters = {**self._since.letters, **should}
        found: dict[Coordinates, str] = {}
        for at, offset, value in letters.found:
            if at not in should and at.offset in kept.awaited.get((at.topic, at.partition), ()):
                kept.next[BOOK_LETTERS] = min(kept.next[BOOK_LETTERS], offset)
            elif kept.letters.get(at) != digest(value) or at in should:
                # A book that was folded again repeats its dead letters: readers keep one, and all must be equal.
                found[at] = digest(value) if found.get(at, digest(value)) == digest(value) else "not alike"
        if letters.some_expired:
            gone = next((number for number, at in enumerate(should) if at in found), len(should))
            should = dict(list(should.items())[gone:])
        return compare("dead letters = journal folded again", self._where, should, found)

    async def _not_yet_kept(self, kept: PartitionDraft) -> None:
        """Note the facts in the journal that the book-keeper has not processed yet: they are not lost."""
        async for batch in self._reader.batches(self._topics.journal, self._partition, start=kept.journal_next):
            self._recorded.account(kept, batch, kept=False)

    def _behind(self, name: str, end: int | None = None) -> Any:
        """The records of a topic after the position."""
        return self._reader.records(self._names[name], self._partition, start=self._since.next[name], end=end)
