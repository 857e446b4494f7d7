"""Begin a business date in a book with `clock: replay`: append one Tick to each partition of the journal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from peserta.operations.audit.reading import PartitionReader
from peserta.operations.business_dates import PartitionDates, beyond, business_dates, newest
from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.generations import current_book
from peserta.operations.kafka_reading import consumer_of, kafka_errors, wait_until_worked
from peserta.settings import Settings
from schemas.dates import INSTANT_END, INSTANT_MIN, day_text, is_instant, jakarta_day, jakarta_midnight
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.records import Day
from streams.core.timeline import LONG_AGO
from streams.lane.records import Append
from streams.recorder import Recorder
from streams.settings import REPLAY, StreamSettings

CAUGHT_UP_LIMIT_S: Final = 120.0
AHEAD_DAYS_MAX: Final = 366  # limit, counted from the newest business date of any company
FIRST_ON: Final = jakarta_day(INSTANT_MIN - 1) + 1  # first date whose beginning is a valid instant of the contract
LAST_ON: Final = jakarta_day(INSTANT_END - 1)


class NoSuchDate(Exception):
    """A date that cannot begin. The message says why."""


class TooFarAhead(NoSuchDate):
    """A date so far ahead that the operator must confirm it. The message says which date it is measured from."""


@dataclass(frozen=True)
class Begun:
    """The result of a command: the partitions that received the Tick; the others had this date or a later one already.

    Companies in `beyond` have a later business date, which does not change. The farthest comes first.
    """

    in_partitions: tuple[int, ...]
    beyond: tuple[tuple[str, Day], ...]


async def begin_date(settings: Settings, on: Day, *, today: Day, allow_future: bool = False) -> Begun:
    """Call `tick` for the current generation of a book.

    Raises Rejected for a book with `clock: wall`, Unavailable if the recorder does not catch up in time, and NoSuchDate
    or TooFarAhead for the date.
    """
    if settings.clock != REPLAY:
        raise Rejected("This book has `clock: wall`: its dates begin by themselves, after midnight in Jakarta.")
    streams = (await current_book(settings)).stream_settings()
    try:
        return await tick(streams, on, today=today, allow_future=allow_future)
    except TimeoutError as error:
        raise Unavailable(f"{error}. Is a recorder running?") from error


async def tick(
    settings: StreamSettings,
    on: Day,
    *,
    today: Day,
    allow_future: bool = False,
    caught_up_limit_s: float = CAUGHT_UP_LIMIT_S,
) -> Begun:
    """Append the Ticks once the recorder has recorded everything that was published before.

    The journal then fixes the order. Repeating the command changes nothing. `allow_future` confirms a date far ahead.
    Raises TimeoutError if the recorder does not catch up within `caught_up_limit_s` seconds, and NoSuchDate for a date
    that cannot begin.
    """
    if not is_instant(jakarta_midnight(on)):
        raise NoSuchDate(f"a date lies in {day_text(FIRST_ON)} to {day_text(LAST_ON)}")
    await wait_until_worked(settings.kafka, settings.recorder_app, inbound_of(settings), caught_up_limit_s)
    async with consumer_of(settings.kafka, []) as consumer:
        dates = await business_dates(settings, PartitionReader(consumer))
    partitions = may_begin(dates, on, today, allow_future=allow_future)
    appends = Recorder(settings, now=lambda: 0).ticks(on, jakarta_midnight(on))
    await _append(settings.kafka, [append for append in appends if append.partition in partitions])
    return Begun(partitions, tuple(beyond(dates, on)))


def may_begin(dates: Sequence[PartitionDates], on: Day, today: Day, *, allow_future: bool = False) -> tuple[int, ...]:
    """The partitions that would accept a Tick for this date: the book skips a Tick that is not later than the last.

    The result is empty if the date has begun everywhere. Raises NoSuchDate if a later date has begun everywhere. Raises
    TooFarAhead if the date is more than AHEAD_DAYS_MAX after the newest business date of any company, or after `today`
    if there is no company.
    """
    last = min(LONG_AGO if one.ticked is None else one.ticked for one in dates)
    if on < last:
        raise NoSuchDate(f"{day_text(last)} has begun already, and dates do not go back")
    partitions = tuple(number for number, one in enumerate(dates) if one.ticked is None or one.ticked < on)
    company = newest(dates)
    ahead = on - (today if company is None else company[1])
    if partitions and ahead > AHEAD_DAYS_MAX and not allow_future:
        raise TooFarAhead(f"it is {ahead:,} days after {_newest_text(company)}, more than {AHEAD_DAYS_MAX}")
    return partitions


def _newest_text(company: tuple[str, Day] | None) -> str:
    if company is None:
        return "today, and no company is in the book"
    return f"the newest business date of any company ({company[0]} is at {day_text(company[1])})"


async def _append(kafka: Brokers, appends: Iterable[Append]) -> None:
    producer = AIOKafkaProducer(**client_options(kafka), acks="all", enable_idempotence=True)
    try:
        with kafka_errors(kafka):
            await producer.start()
            for append in appends:
                await producer.send_and_wait(append.topic, append.value, append.key, append.partition)
    finally:
        await producer.stop()


def inbound_of(settings: StreamSettings) -> list[str]:
    """Every topic that the recorder reads."""
    return [*settings.inbound_names, settings.topics.companies, settings.topics.policies]
