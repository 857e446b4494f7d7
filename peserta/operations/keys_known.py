"""The keys as a running process knows them: read continuously from their topic, and valid for a few seconds only."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NoReturn

from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.failure import Failed
from peserta.operations.kafka_reading import consumer_of
from peserta.operations.keys import KeyTable
from peserta.settings import Settings
from schemas.secret_file import SecretFault

# A key revoked elsewhere stops working within this time. If Kafka stops answering, every key stops working after it.
BELIEVED_S: Final = 5.0
LOOK_EVERY_S: Final = 0.5
LOOK_LIMIT_S: Final = 3.0
POLL_MS: Final = 200
RETRY_S: Final = 1.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class KnownKeys:
    """The keys, and the last time at which the topic had no newer record."""

    now_s: Callable[[], float] = time.monotonic
    table: KeyTable = field(default_factory=KeyTable)
    seen_at_s: float | None = None

    def are_current(self) -> bool:
        """Whether the table is recent enough to be used."""
        return self.seen_at_s is not None and self.now_s() - self.seen_at_s <= BELIEVED_S

    def seen(self, table: KeyTable, at_s: float) -> None:
        """Note that at `at_s` the topic had no record that `table` lacks."""
        self.table, self.seen_at_s = table, at_s


async def follow_keys(settings: Settings, known: KnownKeys) -> NoReturn:
    """Keep `known` up to date with the topic until cancelled. While Kafka does not answer, `known` ages."""
    last = ""
    while True:
        try:
            await _follow(settings, known)
        except (Failed, KafkaError, SecretFault, TimeoutError) as error:
            sentence = str(error) if isinstance(error, Failed | SecretFault) else type(error).__name__
            if sentence != last:
                log.warning("The keys cannot be read: %s", sentence)
            last = sentence
        await asyncio.sleep(RETRY_S)


async def _follow(settings: Settings, known: KnownKeys) -> NoReturn:
    """Read the topic from its beginning; the table counts from the moment at which all of it was read."""
    table, partition = KeyTable(), TopicPartition(settings.topics.keys, 0)
    async with consumer_of(settings.kafka, [settings.topics.keys]) as consumer:
        while True:
            asked_at_s = known.now_s()
            async with asyncio.timeout(LOOK_LIMIT_S):
                end = (await consumer.end_offsets([partition]))[partition]
                while await consumer.position(partition) < end:
                    fetched = await consumer.getmany(partition, timeout_ms=POLL_MS)
                    for record in fetched.get(partition, ()):
                        table.take(record.key, record.value)
            known.seen(table, asked_at_s)
            await asyncio.sleep(LOOK_EVERY_S)
