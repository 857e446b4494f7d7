"""The business date of every company of a book (SEMANTICS 7), from the book's state and the journal behind it.

The result is the same whether or not the book-keeper runs: entries that it has not folded yet are read from the
journal.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from peserta.operations.audit.position import Source
from peserta.operations.audit.reading import TopicReader, entries_of
from schemas.codec import JournalCodec
from schemas.dates import jakarta_day
from schemas.records import TICK_SOURCE, CompanySet, Coordinates, Day, Entry, FactEntry
from streams.core.rows import BOOK_KEY, FORMAT, company_key, source_key, source_of, unpack_book
from streams.core.timeline import LONG_AGO
from streams.lane.cursors import CURSOR_PREFIX
from streams.settings import StreamSettings

# The prefix of these rows' keys.
COMPANY: Final = company_key("")
SOURCE: Final = source_key("", 0)[:1]


@dataclass
class PartitionDates:
    """One partition. `everybody` is the latest date for the whole partition; `seen` has each source's last offset."""

    everybody: Day = LONG_AGO
    own: dict[str, Day] = field(default_factory=dict)
    seen: dict[Source, int] = field(default_factory=dict)

    @property
    def ticked(self) -> Day | None:
        """The date of the latest Tick. The book skips a Tick for this date or an earlier one."""
        return self.seen.get((TICK_SOURCE, 0))

    @property
    def companies(self) -> dict[str, Day]:
        """The business date of each company."""
        return {company_id: max(on, self.everybody) for company_id, on in self.own.items()}

    def follow(self, entries: Iterable[Entry]) -> None:
        """Apply entries of the journal in order; entries that the recorder repeated change nothing."""
        for entry in entries:
            if self._is_new(entry.came_from):
                on = jakarta_day(entry.recorded_at)
                if isinstance(entry, FactEntry):
                    self._own(entry.fact.company_id, on)
                elif isinstance(entry, CompanySet):
                    self._own(entry.company.company_id, on)
                else:
                    self.everybody = max(self.everybody, on)

    def _is_new(self, came_from: Coordinates) -> bool:
        topic, partition, offset = came_from
        is_new = offset > self.seen.get((topic, partition), -1)
        if is_new:
            self.seen[topic, partition] = offset
        return is_new

    def _own(self, company_id: str, on: Day) -> None:
        self.own[company_id] = max(self.own.get(company_id, on), on)


async def business_dates(settings: StreamSettings, reader: TopicReader) -> list[PartitionDates]:
    """The dates of each partition of the book, up to the end of its journal."""
    return [await _dates(settings, reader, number) for number in range(settings.partitions)]


async def _dates(settings: StreamSettings, reader: TopicReader, partition: int) -> PartitionDates:
    rows: dict[bytes, bytes] = {}
    cursor_key = CURSOR_PREFIX + settings.topics.journal.encode()
    async for batch in reader.batches(settings.changelog, partition):
        rows |= {r.key: r.value for r in batch if r.key in (BOOK_KEY, cursor_key) or r.key[:1] in (COMPANY, SOURCE)}
    dates, start = PartitionDates(), 0
    # Rows of another format cannot be read: then the whole journal is.
    if cursor_key in rows and BOOK_KEY in rows and unpack_book(rows[BOOK_KEY])["format"] == FORMAT:
        dates, start = _at_rest(rows), int(rows[cursor_key]) + 1
    codec = JournalCodec()
    async for batch in reader.batches(settings.topics.journal, partition, start=start):
        dates.follow(entries_of(codec, batch))
    return dates


def _at_rest(rows: Mapping[bytes, bytes]) -> PartitionDates:
    return PartitionDates(
        unpack_book(rows[BOOK_KEY])["today"],
        {key[1:].decode(): json.loads(value)["today"] for key, value in rows.items() if key[:1] == COMPANY},
        {source_of(key): int(value) for key, value in rows.items() if key[:1] == SOURCE},
    )


def newest(dates: Sequence[PartitionDates]) -> tuple[str, Day] | None:
    """(id, business date) of the company with the newest date, the lowest id among equals; None without companies."""
    found = {company_id: on for one in dates for company_id, on in one.companies.items()}
    return min(found.items(), key=lambda item: (-item[1], item[0]), default=None)


def beyond(dates: Sequence[PartitionDates], on: Day) -> list[tuple[str, Day]]:
    """The companies with a business date after `on`, the farthest first."""
    found = [item for one in dates for item in one.companies.items() if item[1] > on]
    return sorted(found, key=lambda item: (-item[1], item[0]))
