"""Which generation of the book is current: commands and workers read it from its topic, and workers watch it."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, NoReturn

from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_delay,
    stop_never,
    wait_exponential,
    wait_fixed,
)

from peserta.operations.audit.reading import partition_reader
from peserta.operations.failure import Unavailable, Unfit
from peserta.operations.folding_code import digest_of_code
from peserta.operations.kafka_reading import consumer_of, no_broker
from peserta.settings import Settings
from schemas.generation import BEGUN_KEY, CURRENT_KEY, Generation
from schemas.kafka.ending import end
from schemas.kafka.refusal import forbidden_topics
from streams.lane.stop import LaneFault, Refused, Stopping
from streams.lane.topic_id import forbidden_of

POLL_MS: Final = 1_000
RETRY_S: Final = 0.5
RETRY_MAX_S: Final = 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GenerationRecords:
    """The records of the topic. Without one the first generation is current."""

    current: Generation
    begun: Generation


class _NotMade(Exception):
    """The topic of generations does not exist: the book is older than it."""


class Superseded(LaneFault):
    """Another generation is current than the one that this worker works on."""


async def read_generations(settings: Settings) -> GenerationRecords:
    """The topic's current records. Raises Failed without a broker or for a record that is not a generation."""
    topic, last = settings.topics.generations, {CURRENT_KEY: Generation(), BEGUN_KEY: Generation()}
    async with partition_reader(settings.kafka) as reader:
        if topic not in await reader.topics():
            await check_is_not_hidden(settings, topic)
            return GenerationRecords(*last.values())
        async for record in reader.records(topic, 0):
            if record.key in last and record.value is not None:
                last[record.key] = decoded(topic, record.offset, record.value)
    return GenerationRecords(last[CURRENT_KEY], last[BEGUN_KEY])


async def check_is_not_hidden(settings: Settings, topic: str) -> None:
    """Failed for a topic that an access list hides: it looks like one that was never made. Of the topic of generations
    another may stand than the first."""
    try:
        hidden = await forbidden_of(settings.kafka, [topic])
    except LaneFault as error:
        raise no_broker(settings.kafka) from error
    if hidden:
        raise Unfit(forbidden_topics(hidden))


def decoded(topic: str, offset: int, value: bytes) -> Generation:
    """The generation in a record. Raises Failed (78) for any other record: none is ever skipped."""
    try:
        return Generation.decode(value)
    except ValueError as error:
        raise Unfit(
            f"{topic}, offset {offset}, names no generation of the book: a newer release, or somebody else, wrote it.",
        ) from error


async def current_book(settings: Settings) -> Settings:
    """The same settings for the current generation."""
    return settings.of_generation((await read_generations(settings)).current.number)


async def wait_for_current(settings: Settings, patience_s: float | None) -> Generation:
    """The current generation. Waits for a broker for `patience_s`; None: as long as it takes."""

    async def look() -> Generation:
        return (await read_generations(settings)).current

    stop = stop_never if patience_s is None else stop_after_delay(patience_s)
    looks = AsyncRetrying(
        retry=retry_if_exception(_is_away),
        wait=wait_exponential(multiplier=RETRY_S, max=RETRY_MAX_S),
        before_sleep=Changes(f"Waiting for Kafka at {settings.kafka}").say,
        stop=stop,
        reraise=True,
    )
    return await looks(look)


async def book_or_stop(
    settings: Settings,
    number: int | None,
    stop: asyncio.Event,
    patience_s: float | None = None,
    *,
    folds: bool = False,
) -> Settings | None:
    """The settings for this generation, or for the current one as soon as a broker answers. None if `stop` was set
    first.

    A worker that folds the current generation must fit how that was rebuilt; otherwise raises Failed (78).
    """
    if number is not None:
        return settings.of_generation(number)
    asking, stopping = asyncio.create_task(wait_for_current(settings, patience_s)), asyncio.create_task(stop.wait())
    await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not asking.done():
        await end(asking)
        return None
    current = asking.result()
    if folds:
        check_fits(current, digest_of_code(), settings.grace_days)
    return settings.of_generation(current.number)


def check_fits(current: Generation, code: str, grace_days: int) -> None:
    """Raise Failed if the grace period differs from that of the rebuild; only log it if the code differs.

    The code may differ, because a later release continues the current generation. The settings may not: half of the
    book would follow other rules. The first generation has no record of its code, and none of its
    days of grace if an early release opened the book.
    """
    if current.grace_days not in (None, grace_days):
        raise Unfit(
            f"Generation {current.number} of the book is folded with PESERTA_GRACE_DAYS={current.grace_days}, and "
            f"here it is {grace_days}. Set it to {current.grace_days}, or fold the whole book with {grace_days}: "
            "`peserta rebuild`.",
        )
    if current.code not in ("", code):
        log.warning(
            "Generation %d of the book was folded by code %s, and this worker has code %s. A later release may go on "
            "with it; an older one must not: install the release that rebuilt it, or a later one.",
            current.number,
            current.code,
            code,
        )


class Changes:
    """Logs a line before each retry, if it differs from the line before."""

    def __init__(self, what: str) -> None:
        self._what, self._last = what, ""

    def say(self, state: RetryCallState) -> None:
        """For tenacity's `before_sleep`."""
        error = str(state.outcome.exception()) if state.outcome else ""
        if error != self._last:
            log.warning("%s: %s", self._what, error)
            self._last = error


def end_when_superseded(settings: Settings) -> None:
    """From now on, end this process (70) when a later generation than that of the settings becomes current.

    This runs in its own thread and event loop, so that it also ends a worker that is busy or hangs.
    """

    def look() -> None:
        with Stopping("watch of the generations"), refusing():
            asyncio.run(watch(settings, settings.generation))

    threading.Thread(target=look, name="generations", daemon=True).start()


@contextmanager
def refusing() -> Iterator[None]:
    """Turn a failure that a restart does not fix into a refusal that ends the worker, with its message."""
    try:
        yield
    except Unfit as error:
        raise Refused(str(error)) from error


async def watch(settings: Settings, keeps: int) -> NoReturn:
    """Raise Superseded when another generation than `keeps` becomes current."""

    async def look() -> int:
        return await _other(settings, keeps)

    changes = Changes("Cannot watch which generation is current")
    looks = AsyncRetrying(retry=retry_if_exception(_may_pass), wait=wait_fixed(RETRY_S), before_sleep=changes.say)
    number: int = await looks(look)
    raise Superseded(f"generation {number} of the book is current now, and this worker works on generation {keeps}")


async def _other(settings: Settings, keeps: int) -> int:
    """The next current generation above `keeps`."""
    tp = TopicPartition(settings.topics.generations, 0)
    async with consumer_of(settings.kafka, []) as consumer:
        if tp.topic not in await consumer.topics():
            raise _NotMade(f"there is no topic {tp.topic}")
        consumer.assign([tp])
        await consumer.seek_to_beginning(tp)
        while True:
            fetched = await consumer.getmany(tp, timeout_ms=POLL_MS)
            for record in fetched.get(tp, ()):
                if record.key == CURRENT_KEY and record.value is not None:
                    number = decoded(tp.topic, record.offset, record.value).number
                    if number > keeps:
                        return number


def _is_away(error: BaseException) -> bool:
    return isinstance(error, Unavailable)


def _may_pass(error: BaseException) -> bool:
    return _is_away(error) or isinstance(error, KafkaError | _NotMade)
