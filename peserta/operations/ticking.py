"""Commanding a business date in a book with `clock: replay`: one Tick for each partition of the journal."""

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
AHEAD_DAYS_MAX: Final = 366  # of the newest business date of any company
FIRST_ON: Final = jakarta_day(INSTANT_MIN - 1) + 1  # the dates whose beginning is an instant of the contract
LAST_ON: Final = jakarta_day(INSTANT_END - 1)


class NoSuchDate(Exception):
    """A date that cannot begin; the text says why."""


class TooFarAhead(NoSuchDate):
    """A date so far ahead that it must be meant; the text says of what."""


@dataclass(frozen=True)
class Begun:
    """What a command has done: `in_partitions` got the Tick, the others had this date or a later one already; the
    companies `beyond` the date, the farthest first, stay where they are."""

    in_partitions: tuple[int, ...]
    beyond: tuple[tuple[str, Day], ...]


async def begin_date(settings: Settings, on: Day, *, today: Day, allow_future: bool = False) -> Begun:
    """`tick` in the current generation of a book. Rejected for a book with `clock: wall`, Unavailable when the recorder
    is not through in time; NoSuchDate, TooFarAhead."""
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
    """Append the Ticks once the recorder has recorded all that was published before: their order is the journal's.

    Doing it twice changes nothing. `allow_future`: it is meant, however far ahead. TimeoutError when the recorder is
    not through in time, NoSuchDate for a date that cannot begin.
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
    """The partitions in which a Tick for this date would be taken: the book passes over one that is not after the last.

    None of them: the date was begun before. NoSuchDate when a later date was, everywhere; TooFarAhead when the date is
    more than AHEAD_DAYS_MAX after the newest business date of any company, of `today` while there is none.
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
