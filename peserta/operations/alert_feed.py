"""The alerts and their handling as a running process knows them: one reader of Kafka for all who ask and follow.

The alerts come from Kafka and not from ClickHouse. A partition of the topic has one order in which nothing appears
later before what was there, so a position in it loses and repeats nothing; the sink has several inserts under way at
once, and a row may appear before an earlier one. The whole topic is kept in memory, since alerts are few beside facts:
each takes about a kilobyte, so 100,000 alerts take 100 MB. Whoever follows has no queue: a position in the log is
enough, however slowly it is read.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.alert_log import AlertLog
from peserta.operations.failure import Failed
from peserta.operations.generations import decoded, read_generations
from peserta.operations.kafka_reading import consumer_of
from peserta.settings import Settings
from schemas.codec import OutputCodec
from schemas.generation import CURRENT_KEY
from schemas.handling import Handled, Handling, handled
from schemas.secret_file import SecretFault
from schemas.wire import WireError

# Without an answer of Kafka for so long, nothing is answered: alerts could be missing.
BELIEVED_S: Final = 10.0
LOOK_LIMIT_S: Final = 3.0
POLL_MS: Final = 500  # a poll ends as soon as there is a record
RECORDS_PER_POLL_MAX: Final = 2_000
RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


class HandlingLog:
    """The handling of episodes, built from the records of its topic."""

    def __init__(self) -> None:
        self._by_id: dict[str, str] = {}
        self._of_alert: dict[str, dict[str, Handling]] = {}

    def take(self, handling_id: bytes | None, value: bytes | None) -> None:
        """Apply one record. One that is no handling counts as none: it is no input of the book."""
        name = (handling_id or b"").decode("utf-8", "replace")
        if (alert_id := self._by_id.pop(name, None)) is not None:
            del self._of_alert[alert_id][name]
        try:
            one = Handling.decode(value or b"")
        except (ValueError, TypeError, RecursionError):
            return
        self._by_id[name] = one.alert_id
        self._of_alert.setdefault(one.alert_id, {})[name] = one

    def of(self, alert_id: str) -> Handled:
        """What is known of this episode's handling."""
        return handled(self._of_alert.get(alert_id, {}).values()).get(alert_id, Handled())


@dataclass(slots=True)
class AlertFeed:
    """The alerts of the current generation, their handling, and when the topics had nothing newer."""

    now_s: Callable[[], float] = time.monotonic
    alerts: AlertLog = field(default_factory=AlertLog)
    handling: HandlingLog = field(default_factory=HandlingLog)
    seen_at_s: float | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def is_current(self) -> bool:
        """Whether the feed is recent enough to be used."""
        return self.seen_at_s is not None and self.now_s() - self.seen_at_s <= BELIEVED_S

    def seen(self, at_s: float, alerts: AlertLog | None = None, handling: HandlingLog | None = None) -> None:
        """Note that at `at_s` the topics had nothing that is not here; with logs that replace those here."""
        self.seen_at_s = at_s
        if alerts is not None and handling is not None:
            self.alerts, self.handling = alerts, handling
            self.wake()

    def wake(self) -> None:
        """Wake everybody who waits for `changed`. Whoever waits again waits for the next time."""
        self.changed.set()
        self.changed = asyncio.Event()


class _Superseded(Exception):
    """Another generation has become current."""


async def follow_alert_feed(settings: Settings, feed: AlertFeed) -> NoReturn:
    """Keep `feed` up to date with Kafka until cancelled. While Kafka does not answer, `feed` ages."""
    last = ""
    while True:
        try:
            await _follow(settings, feed)
        except _Superseded:
            continue
        except (Failed, KafkaError, SecretFault, TimeoutError, WireError) as error:
            sentence = str(error) if isinstance(error, Failed | SecretFault) else type(error).__name__
            if sentence != last:
                log.warning("The alerts cannot be read: %s", sentence)
            last = sentence
        await asyncio.sleep(RETRY_S)


async def _follow(settings: Settings, feed: AlertFeed) -> NoReturn:
    """Read the topics of the current generation from the beginning, and go on until another one is current.

    The feed keeps what it has until everything was read once.
    """
    book = settings.of_generation((await read_generations(settings)).current.number)
    alerts, handling, codec, is_whole = AlertLog(book.generation), HandlingLog(), OutputCodec(), False
    names = (book.topics.alerts, book.topics.handling, book.topics.generations)
    async with consumer_of(book.kafka, names) as consumer:
        partitions = sorted(consumer.assignment())
        while True:
            asked_at_s = feed.now_s()
            async with asyncio.timeout(LOOK_LIMIT_S):
                ends = await consumer.end_offsets(partitions)
            while behind := [tp for tp in partitions if await consumer.position(tp) < ends[tp]]:
                fetched = await consumer.getmany(*behind, timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL_MAX)
                if _took(book, fetched, alerts, handling, codec) and is_whole:
                    feed.wake()
                if is_whole and feed.now_s() - asked_at_s > BELIEVED_S:
                    raise TimeoutError
                await asyncio.sleep(0)  # reading a long topic must not keep requests waiting
            feed.seen(asked_at_s, *(() if is_whole else (alerts, handling)))
            is_whole = True
            fetched = await consumer.getmany(*partitions, timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL_MAX)
            if _took(book, fetched, alerts, handling, codec):
                feed.wake()


def _took(
    book: Settings,
    fetched: dict[TopicPartition, list[Any]],
    alerts: AlertLog,
    handling: HandlingLog,
    codec: OutputCodec,
) -> bool:
    """Apply fetched records. Returns whether there were any. Raises _Superseded for a later current generation."""
    for tp, records in fetched.items():
        for record in records:
            if tp.topic == book.topics.alerts:
                alerts.take(codec.decode_alert(record.value))
            elif tp.topic == book.topics.handling:
                handling.take(record.key, record.value)
            elif record.key == CURRENT_KEY and record.value is not None:
                number = decoded(tp.topic, record.offset, record.value).number
                if number > book.generation:
                    raise _Superseded
    return bool(fetched)
