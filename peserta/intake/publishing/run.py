"""One publishing, from the first line to the disposition of the last, or as a dry run."""

from collections.abc import Callable, Iterator
from typing import Protocol

from peserta.intake.door import Door
from peserta.intake.fact_files import Place
from peserta.intake.known_already import FactsOfFiles, Prospect
from peserta.intake.lines_sent import Fate, LinesSent
from peserta.intake.publisher import Publisher
from peserta.intake.publishing.account import Account, By, RefusedLine
from peserta.intake.publishing.book_check import OnPassed, compare
from peserta.intake.publishing.following import Following
from peserta.operations.kafka_reading import Offsets
from schemas.admission import Refusal, shown_event_id
from schemas.kafka.access import Brokers
from schemas.records import Coordinates
from schemas.topics import TopicNames
from schemas.vocabulary import ID_CONFLICT
from streams.recorder import DEAD_LETTER

OnRefused = Callable[[RefusedLine], None]
OnLine = Callable[[], None]


class NumberedLines(Protocol):
    """Numbered lines of facts, read once, and the place of each in a file."""

    def __iter__(self) -> Iterator[tuple[int, bytes]]: ...

    def place(self, number: int) -> Place:
        """Where the line with this number stands; it must have been read."""

    def without_facts(self) -> list[str]:
        """The files that were read and had no line."""


class Publishing:
    """Publishes lines of facts, or only checks them.

    Calls `on_line` for every line that was read, and `on_refused` for every refused one as soon as that is known.
    `account` has what is known so far, even if this ended early.
    """

    def __init__(self, lines: NumberedLines, door: Door, on_refused: OnRefused, on_line: OnLine) -> None:
        self._lines, self._door = lines, door
        self._on_refused, self._on_line = on_refused, on_line
        self._sent, self._facts = LinesSent(), FactsOfFiles()
        self.account = Account()

    async def send(self, kafka: Brokers, topic: str) -> None:
        """Send every line that may be sent. Raises PublishingStopped if the broker rejects one."""
        try:
            summary = await Publisher(kafka, topic, self._door).publish(self._lines, self._on_record)
        finally:
            self.account.sent, self.account.fates = len(self._sent), self._sent.counts()
        self.account.doomed = summary.doomed
        self.account.empty_files = self._lines.without_facts()

    async def follow(self, kafka: Brokers, topics: TopicNames, begin: Offsets, silence_s: float) -> None:
        """Wait for the dispositions of the sent lines. `begin`: the topics' ends before sending (`positions`)."""
        following = Following(kafka, topics, begin, self._sent, self._refuse, silence_s)
        self.account.is_followed = True
        try:
            await following.to_the_end()
        finally:
            self.account.fates = self._sent.counts()

    def check(self) -> None:
        """A dry run that checks the files only."""
        for number, raw in self._lines:
            self._on_line()
            read = self._door.read(raw)
            if isinstance(read, Refusal):
                self._refuse(number, By.DOOR, read)
                continue
            self.account.sent += 1
            later = self._door.refused_later(read)
            if later:
                self._refuse(number, By.RECORDER, later)
            else:
                self._facts.add(number, read.fact)
        self.account.empty_files = self._lines.without_facts()

    async def compare(self, kafka: Brokers, journal: str, on_passed: OnPassed) -> None:
        """After `check`, compare with the journal's facts of the same companies. Raises Failed without broker or
        journal."""
        await compare(kafka, journal, self._facts, on_passed)
        self.account.is_compared = True

    def foresee(self) -> None:
        """After `check`, and `compare` if there is a book: count the disposition that each line would have."""
        for number, prospect, event_id in self._facts.prospects():
            self.account.fates[OF_PROSPECT[prospect]] += 1
            if prospect is Prospect.ID_CONFLICT:
                why = Refusal(ID_CONFLICT.removeprefix(DEAD_LETTER), shown_event_id(event_id, None), None)
                self._refuse(number, By.BOOK, why)

    def _on_record(self, number: int, what: Coordinates | Refusal) -> None:
        self._on_line()
        if isinstance(what, Refusal):
            self._refuse(number, By.DOOR, what)
        else:
            self._sent.acknowledged(number, what)

    def _refuse(self, number: int, by: By, why: Refusal) -> None:
        self.account.refused[by][why.reason] += 1
        self._on_refused(RefusedLine(self._lines.place(number), by, why))


OF_PROSPECT = {
    Prospect.NEW: Fate.SENT,
    Prospect.DUPLICATE: Fate.DUPLICATE,
    Prospect.ID_CONFLICT: Fate.ID_CONFLICT,
}
