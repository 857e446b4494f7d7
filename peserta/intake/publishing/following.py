"""Following sent lines: into the journal or the dead letters, and from the journal into the ledger."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from peserta.intake.lines_sent import REFUSED_BY_BOOK, Fate, LinesSent
from peserta.intake.publishing.account import By
from peserta.operations.audit.reading import entries_of, read_as
from peserta.operations.kafka_reading import POLL_MS, RECORDS_PER_POLL_MAX, Offsets, consumer_of, last_stable_offsets
from schemas.admission import Refusal, shown_event_id
from schemas.codec import JournalCodec, OutputCodec
from schemas.kafka.access import Brokers
from schemas.records import Coordinates, DeadLetter, FactEntry
from schemas.topics import TopicNames
from schemas.vocabulary import ID_CONFLICT, TOO_MANY_FACTS
from streams.recorder import DEAD_LETTER

WAIT_DEFAULT_S: Final = 60.0
BOOK_REASONS: Final = frozenset(d.removeprefix(DEAD_LETTER) for d in (ID_CONFLICT, TOO_MANY_FACTS))


OnRefused = Callable[[int, By, Refusal], None]  # number of the line, by whom, why


async def positions(kafka: Brokers, topics: TopicNames) -> Offsets:
    """The ends of the topics in which lines can appear. Take them before the first line is sent, to miss nothing."""
    return await last_stable_offsets(kafka, _topics(topics))


def _topics(topics: TopicNames) -> list[str]:
    return [topics.journal, topics.dead_letters, topics.ledger]


class Following:
    """Reads what the workers have written about these lines since `begin`.

    Calls `on_refused` for each refused line. Gives up when there was no news of the lines for `silence_s`.
    """

    def __init__(
        self,
        kafka: Brokers,
        topics: TopicNames,
        begin: Offsets,
        sent: LinesSent,
        on_refused: OnRefused,
        silence_s: float,
    ) -> None:
        self._kafka, self._topics, self._begin = kafka, topics, begin
        self._sent, self._on_refused, self._silence_s = sent, on_refused, silence_s
        self._letters: list[tuple[Coordinates, int, Refusal]] = []
        self._journal, self._outputs = JournalCodec(), OutputCodec()

    async def to_the_end(self) -> None:
        """Return when every line has a disposition, or when there is no news of them any more."""
        topics = self._topics
        try:
            async with self._reading(topics.journal, topics.dead_letters) as consumer:
                await self._read(consumer, Fate.SENT)
                # A recorded line stays recorded, even if the recorder refused the same record when it read it again.
                await self._read(consumer, None)
        finally:
            self._tell_letters()
        async with self._reading(topics.ledger) as consumer:
            await self._read(consumer, Fate.RECORDED)

    @asynccontextmanager
    async def _reading(self, *topics: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A reader of these topics that starts at `begin`."""
        async with consumer_of(self._kafka, []) as consumer:
            begin = {TopicPartition(*at): offset for at, offset in self._begin.items() if at[0] in topics}
            consumer.assign(list(begin))
            for tp, offset in begin.items():
                consumer.seek(tp, offset)
            yield consumer

    async def _read(self, consumer: AIOKafkaConsumer, waiting: Fate | None) -> None:
        """Read on while lines wait with this fate; if it is None, read to the current ends of the topics.

        Records written before this began are always read, however long that takes.
        """
        ends = await consumer.end_offsets(list(consumer.assignment()))
        heard_at_s = time.monotonic()
        while await _is_behind(consumer, ends) if waiting is None else self._sent.count(waiting):
            before = waiting is not None and self._sent.count(waiting)
            fetched = await consumer.getmany(timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL_MAX)
            for tp, records in fetched.items():
                self._take(tp.topic, records)
            news = waiting is not None and self._sent.count(waiting) < before
            if news or (fetched and await _is_behind(consumer, ends)):
                heard_at_s = time.monotonic()
            elif time.monotonic() - heard_at_s >= self._silence_s:
                return

    def _take(self, topic: str, records: Sequence[Any]) -> None:
        if topic == self._topics.journal:
            self._take_entries(records)
        elif topic == self._topics.ledger:
            self._take_postings(records)
        else:
            self._take_letters(read_as(self._outputs.decode_dead_letter, record) for record in records)

    def _take_entries(self, records: Sequence[Any]) -> None:
        for record, entry in zip(records, entries_of(self._journal, records), strict=True):
            if isinstance(entry, FactEntry):
                self._sent.recorded(entry.came_from, record.partition, record.offset)

    def _take_letters(self, letters: Iterable[DeadLetter]) -> None:
        for letter in letters:
            # The same topic has dead letters of the first generation's book; its ledger reports those lines too.
            if letter.reason not in BOOK_REASONS and (line := self._sent.refused_by_recorder(letter.came_from)):
                why = Refusal(letter.reason, letter.event_id, letter.source, letter.field, letter.rule)
                self._letters.append((letter.came_from, line.number, why))

    def _tell_letters(self) -> None:
        for came_from, number, why in self._letters:
            if self._sent.fate(came_from) == Fate.REFUSED_BY_RECORDER:
                self._on_refused(number, By.RECORDER, why)
        self._letters.clear()

    def _take_postings(self, records: Sequence[Any]) -> None:
        for record in records:
            kept = read_as(self._outputs.decode_ledger, record)
            line = self._sent.kept(kept.partition, kept.offset, kept.disposition)
            if line and line.fate in REFUSED_BY_BOOK:
                why = Refusal(kept.disposition.removeprefix(DEAD_LETTER), shown_event_id(kept.event_id, None), None)
                self._on_refused(line.number, By.BOOK, why)


async def _is_behind(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """Whether records that existed at the beginning are still to be read."""
    for tp, end in ends.items():
        if await consumer.position(tp) < end:
            return True
    return False
