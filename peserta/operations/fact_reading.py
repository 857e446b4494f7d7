"""The fate of a fact, from ClickHouse's journal and ledger, and up to which offsets the answer holds."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

from peserta.operations.audit.reading import PartitionReader, partition_reader
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.failure import Unavailable
from peserta.operations.generations import check_is_not_hidden, decoded
from peserta.settings import Settings
from schemas.admission import is_event_id, is_word
from schemas.codec import OutputCodec
from schemas.generation import CURRENT_KEY, Generation
from schemas.records import Coordinates, Instant
from schemas.secret_file import SecretFault
from schemas.wire import WireError
from streams.partitioning import partition_of

UNKNOWN: Final = "unknown"
RECORDED: Final = "recorded"
DEAD_LETTER: Final = "dead_letter:"
RECORDS_MAX: Final = 100  # limit for one fact, which may have been sent many times
LETTERS_MAX: Final = 20  # limit on the dead letters with the same event_id that are read


@dataclass(frozen=True, slots=True)
class FactRecord:
    """One record of a fact. `state` is `recorded` or a disposition. `journal` is its entry's place; None if refused."""

    state: str
    type: str | None
    recorded_at: Instant
    came_from: Coordinates
    journal: Coordinates | None


@dataclass(frozen=True, slots=True)
class Reach:
    """Up to which offsets an answer holds, in the company's partition of the journal.

    Every entry before `read_to` was searched. Dispositions are known up to `judged_to`. The journal ended at `end` when
    the question came.
    """

    partition: int
    read_to: int
    judged_to: int | None
    end: int


@dataclass(frozen=True, slots=True)
class FactFate:
    """The fate of a fact. `state` is that of its first record, which counts; `unknown` if there is no record. `more`
    says that there are more records than are shown."""

    state: str
    records: tuple[FactRecord, ...]
    more: bool
    reach: Reach


class FactFates(Protocol):
    """A source of facts' fates."""

    async def fate(self, company_id: str, event_id: str) -> FactFate:
        """The fate of the fact with this id in this company. Raises Failed without Kafka or ClickHouse."""
        ...


class BookFates:
    """Reads fates from the book of an installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fate(self, company_id: str, event_id: str) -> FactFate:
        """See FactFates."""
        if not is_word(company_id) or not is_event_id(event_id):
            raise ValueError("no fact can have such ids")
        try:
            return await self._fate(company_id, event_id)
        except SecretFault as error:
            raise Unavailable(str(error)) from error

    async def _fate(self, company_id: str, event_id: str) -> FactFate:
        async with partition_reader(self._settings.kafka) as reader:
            book = await _current(self._settings, reader)
            partition = partition_of(company_id.encode(), book.partitions)
            # Read the end first: every entry before it then existed before ClickHouse is asked.
            end = (await reader.stretch(book.topics.journal, partition)).end
            rows = await asyncio.to_thread(_rows, book, company_id, event_id, partition)
            records = records_of(rows.entries, book.topics.journal)
            if not records:
                records = [letter async for letter in _letters(book, reader, company_id, rows.letters)]
        shown = tuple(records[:RECORDS_MAX])
        state = shown[0].state if shown else UNKNOWN
        return FactFate(state, shown, len(records) > len(shown), Reach(partition, *rows.reach, end))


def records_of(entries: Iterable[Mapping[str, Any]], journal: str) -> list[FactRecord]:
    """Journal rows in offset order -> the records that count.

    The recorder may append a record twice. The book skips the second entry, and so does this function.
    """
    found: dict[Coordinates, FactRecord] = {}
    for row in entries:
        came_from = _came_from(row)
        at = Coordinates(journal, row["partition"], row["offset"])
        record = FactRecord(row["disposition"] or RECORDED, row["type"], _ms(row["recorded_at"]), came_from, at)
        found.setdefault(came_from, record)
    return list(found.values())


class _Rows(NamedTuple):
    """The rows that ClickHouse returns."""

    reach: tuple[int, int | None]
    entries: Sequence[Mapping[str, Any]]
    letters: Sequence[Mapping[str, Any]]


_ENTRIES: Final = """
SELECT facts.partition AS partition, facts.offset AS offset, facts.recorded_at AS recorded_at, facts.type AS type,
    came_from_topic, came_from_partition, came_from_offset, entries.disposition AS disposition
FROM journal_facts AS facts FINAL
LEFT JOIN (
    SELECT offset, disposition FROM ledger_entries FINAL
    WHERE company_id = {company:String} AND partition = {partition:UInt32} AND event_id = {event:String}
) AS entries USING (offset)
WHERE company_id = {company:String} AND partition = {partition:UInt32} AND event_id = {event:String}
ORDER BY offset LIMIT {most:UInt32}
"""
_LETTERS: Final = """
SELECT topic AS came_from_topic, partition AS came_from_partition, offset AS came_from_offset, recorded_at, reason,
    letter_partition, letter_offset
FROM dead_letter_records FINAL
WHERE event_id = {event:String} AND by_book = 0
ORDER BY recorded_at, topic, partition, offset LIMIT {most:UInt32}
"""
_READ_TO: Final = """
SELECT if(stage = 'after', next, first) FROM sink_progress FINAL
WHERE topic = {topic:String} AND partition = {partition:UInt32}
"""
_JUDGED_TO: Final = "SELECT max(offset), count() FROM ledger_entries WHERE partition = {partition:UInt32}"


def _rows(book: Settings, company_id: str, event_id: str, partition: int) -> _Rows:
    asked = {"company": company_id, "event": event_id, "partition": partition, "topic": book.topics.journal}
    with analyst(book, book.database) as client:
        # Read the progress first: the entries read afterwards then include at least those before it.
        read_to = client.query(_READ_TO, parameters=asked).result_rows
        ((judged_to, judged),) = client.query(_JUDGED_TO, parameters=asked).result_rows
        entries = client.query(_ENTRIES, parameters=asked | {"most": 10 * RECORDS_MAX}).named_results()
        letters = client.query(_LETTERS, parameters=asked | {"most": LETTERS_MAX}).named_results()
        reach = (int(read_to[0][0]) if read_to else 0, int(judged_to) if judged else None)
        return _Rows(reach, list(entries), list(letters))


async def _letters(
    book: Settings, reader: PartitionReader, company_id: str, rows: Iterable[Mapping[str, Any]]
) -> AsyncIterator[FactRecord]:
    """Records of this company that the recorder refused. Only the dead letter in Kafka has a record's key."""
    codec = OutputCodec()
    for row in rows:
        at = row["letter_offset"]
        async for record in reader.records(book.topics.dead_letters, row["letter_partition"], start=at, end=at + 1):
            try:
                letter = codec.decode_dead_letter(record.value or b"")
            except WireError:
                continue
            if letter.key == company_id.encode() and letter.came_from == _came_from(row):
                yield FactRecord(DEAD_LETTER + letter.reason, None, letter.recorded_at, letter.came_from, None)


async def _current(settings: Settings, reader: PartitionReader) -> Settings:
    """The settings of the current generation. Raises Unavailable if its topics do not exist, Unfit if
    an access list hides them."""
    there, number = await reader.topics(), Generation().number
    for topic in (settings.topics.journal, settings.topics.generations, settings.topics.dead_letters):
        if topic not in there:
            await check_is_not_hidden(settings, topic)
    if settings.topics.journal not in there:
        raise Unavailable(f"There is no topic {settings.topics.journal}: `peserta topics create` makes it.")
    if settings.topics.generations in there:
        async for record in reader.records(settings.topics.generations, 0):
            if record.key == CURRENT_KEY and record.value is not None:
                number = decoded(settings.topics.generations, record.offset, record.value).number
    return settings.of_generation(number)


def _came_from(row: Mapping[str, Any]) -> Coordinates:
    return Coordinates(row["came_from_topic"], row["came_from_partition"], row["came_from_offset"])


def _ms(at: datetime) -> Instant:
    return round(at.timestamp() * 1000)
