"""The broker's time: the append time of a record that is written for this purpose."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, before_sleep_log, retry_if_exception_type, wait_fixed

from schemas.kafka.access import Brokers
from schemas.kafka.refusal import forbidden
from schemas.records import Instant
from streams.lane.delivery import start_producer
from streams.lane.host import StartProducer
from streams.lane.stop import LaneFault, Refused
from streams.settings import TIMESTAMP_TYPE

ANSWER_LIMIT_S: Final = 30.0
RETRY_S: Final = 1.0
QUESTION: Final = b"What time does the broker have?"
LOG_APPEND_TIME: Final = 1  # Kafka's timestamp type for the broker's time, as opposed to the sender's

log = logging.getLogger(__name__)


class NoAnswer(LaneFault):
    """The broker did not report its time."""


class BrokerClock:
    """Asks the leader of the first partition of `topic`, a topic with LogAppendTime."""

    def __init__(self, brokers: Brokers, topic: str, start_producer: StartProducer = start_producer) -> None:
        self._brokers, self._topic, self._start_producer = brokers, topic, start_producer
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def time(self) -> Instant:
        """The broker's time at some moment during this call. Raises NoAnswer, or Refused if the topic does not use
        LogAppendTime or this client may not write to it."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                told = await (await self._started()).send_and_wait(self._topic, QUESTION, partition=0)
        except (KafkaError, TimeoutError) as error:
            if refusal := forbidden(error):
                raise Refused(refusal) from error
            raise NoAnswer(
                f"the broker does not say what time it has ({self._topic}): {type(error).__name__}"
            ) from error
        if told.timestamp_type != LOG_APPEND_TIME:
            raise Refused(f"the topic {self._topic} must have {TIMESTAMP_TYPE}=LogAppendTime: set it so")
        at: Instant = told.timestamp
        return at

    async def stop(self) -> None:
        """Disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                limit_ms = int(ANSWER_LIMIT_S * 1000)
                self._producer = await self._start_producer(self._brokers, request_timeout_ms=limit_ms)
            return self._producer


async def patiently(ask: Callable[[], Awaitable[Instant]]) -> Instant:
    """The result of `ask`, repeated as long as it raises NoAnswer."""
    asking = AsyncRetrying(
        retry=retry_if_exception_type(NoAnswer),
        wait=wait_fixed(RETRY_S),
        before_sleep=before_sleep_log(log, logging.WARNING),
    )
    at: Instant = await asking(ask)
    return at
