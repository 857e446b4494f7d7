"""A roster and a running book: compare with the journal, publish, and wait for the ledger."""

from collections.abc import Callable
from typing import Final

from peserta.intake.door import Door
from peserta.intake.publishing.account import Account, RefusedLine
from peserta.intake.publishing.facts_at_hand import FactsAtHand
from peserta.intake.publishing.following import positions
from peserta.intake.publishing.run import Publishing
from peserta.intake.rosters.comparison import Comparison, compare
from peserta.intake.rosters.roster import Roster
from peserta.intake.rosters.worker_at_day import at_day
from peserta.operations.company_timelines import OnPassed, company_timelines
from peserta.operations.failure import Unavailable
from peserta.operations.kafka_reading import end_offsets, left_to_do, wait_until_worked
from peserta.settings import Settings

CAUGHT_UP_LIMIT_S: Final = 120.0
PLACE: Final = "roster"

OnRefused = Callable[[int, RefusedLine], None]  # index of the fact in the comparison, and why


async def compare_with_book(book: Settings, roster: Roster, on_passed: OnPassed) -> Comparison:
    """Compare the roster with the current journal of its company.

    Raises Failed without broker or journal, and NoLaterMoment for a worker whom no roster can change any more.
    """
    known = await company_timelines(book.kafka, book.topics.journal, roster.roll.company_id, on_passed)
    return compare(roster, known, lambda worker_id: at_day(known.worker(worker_id), roster.roll.day))


async def unrecorded(book: Settings) -> int:
    """The number of inbound records that the recorder has not reached; the journal does not have them yet."""
    streams = book.stream_settings()
    ends = await end_offsets(book.kafka, streams.inbound_names)
    return await left_to_do(book.kafka, streams.recorder_app, ends)


async def wait_until_recorded(book: Settings, limit_s: float = CAUGHT_UP_LIMIT_S) -> None:
    """Return once the journal has every fact that was published before, including those of an interrupted import.

    Otherwise those facts would be made a second time, with another `occurred_at`. Raises Unavailable if the recorder
    does not catch up within `limit_s` seconds.
    """
    streams = book.stream_settings()
    try:
        await wait_until_worked(book.kafka, streams.recorder_app, streams.inbound_names, limit_s)
    except TimeoutError as error:
        raise Unavailable(
            f"{error}: what was published before is not in the book yet, so a roster cannot be compared with it. Is a "
            "recorder running (`peserta health`)? Nothing was published."
        ) from error


class RosterPublishing:
    """Publishes the facts of a comparison and follows them into the book."""

    def __init__(self, book: Settings, comparison: Comparison, door: Door, on_refused: OnRefused) -> None:
        self._book, self._on_refused = book, on_refused
        lines = FactsAtHand(PLACE, [each.fact for each in comparison.facts])
        self._publishing = Publishing(lines, door, self._refused, lambda: None)

    @property
    def account(self) -> Account:
        """The known fate of each fact, also after an early end."""
        return self._publishing.account

    async def run(self, topic: str, silence_s: float) -> None:
        """Send the facts, then wait until the book has each, or until nothing arrives for `silence_s` seconds.

        Raises PublishingStopped if the broker does not take a fact.
        """
        book = self._book
        begin = await positions(book.kafka, book.topics)
        await self._publishing.send(book.kafka, book.topic_prefix + topic)
        if self.account.sent:
            await self._publishing.follow(book.kafka, book.topics, begin, silence_s)

    def _refused(self, refused: RefusedLine) -> None:
        self._on_refused(refused.place.line - 1, refused)
