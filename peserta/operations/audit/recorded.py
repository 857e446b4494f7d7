"""The facts in the journal by inbound partition, and the entries that the recorder repeated and the book skips."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, Final

from peserta.operations.audit.findings import Finding
from peserta.operations.audit.partition_audited import PartitionDraft
from peserta.operations.audit.position import Source
from peserta.operations.audit.reading import entries_of
from schemas.codec import JournalCodec
from schemas.records import Coordinates, Entry, FactEntry
from streams.core.rows import Rows, source_of

REPEATS_CLAIM: Final = "what is passed over was recorded before"


class Recorded:
    """The facts of one partition of the journal, in order; `rows` is the book's state where reading begins."""

    def __init__(self, where: str, rows: Rows) -> None:
        self.repeats: Final = Finding(REPEATS_CLAIM, where)
        self._journal = JournalCodec()
        self._cursors: dict[Source, int] = {source_of(key): int(rows[key]) for key in rows if key[:1] == b"s"}
        self._first: dict[Coordinates, Hashable] = {}  # content of the first entry, for entries behind the position

    def account(self, book: PartitionDraft, batch: Sequence[Any], *, kept: bool) -> None:
        """Note the facts in these journal records by source, except repeats."""
        for record, entry in zip(batch, entries_of(self._journal, batch), strict=True):
            book.entries += kept
            book.not_yet_kept += not kept
            is_fact = isinstance(entry, FactEntry)
            if not self._is_new(entry.came_from):
                book.repeats += kept and is_fact
                self._repeated(record, entry)
                continue
            self._first[entry.came_from] = _content(entry)
            source = entry.came_from.topic, entry.came_from.partition
            for facts in (book.recorded,) if kept else (book.recorded, book.awaited):
                if is_fact:
                    facts.setdefault(source, set()).add(entry.came_from.offset)

    def _is_new(self, came_from: Coordinates) -> bool:
        """Whether the book accepts the entry: it skips offsets that are not above all it has seen of the source."""
        source = came_from.topic, came_from.partition
        if came_from.offset <= self._cursors.get(source, -1):
            return False
        self._cursors[source] = came_from.offset
        return True

    def _repeated(self, record: Any, entry: Entry) -> None:
        """Check a skipped entry against the first entry with its coordinates.

        If their contents differ, the source topic was recreated, and the skipped entry is lost. A fact without a first
        entry was refused at its first occurrence, and has its dead letter.
        """
        self.repeats.compared += 1
        at, content = entry.came_from, _content(entry)
        if self._first.get(at, content) != content:
            self.repeats.wrong("missing", f"journal offset {record.offset}: {at.topic}-{at.partition} was made anew")


def _content(entry: Entry) -> Hashable:
    """What identifies an entry's content, without the time at which it was recorded."""
    return entry.fact.event_id if isinstance(entry, FactEntry) else replace(entry, recorded_at=0)
