"""Publishing facts to Kafka and reading alerts from it, for asyncio. Needs the extra `kafka`.

`options` of both are passed to aiokafka: `security_protocol`, `ssl_context`, `sasl_mechanism` and the like.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta_client.alerts import Alert
from peserta_client.answers import Published, PublishingFailed, Unavailable
from peserta_client.facts import Fact
from peserta_client.frames import decode_alert, encode_fact
from peserta_client.publishing import batches

FACTS_TOPIC: Final = "workforce.facts.v1"
ALERTS_TOPIC: Final = "coverage.alerts.v1"  # of the book's first generation; the operator knows the current one
ACKNOWLEDGED_LIMIT_S: Final = 30.0  # for a batch; an idempotent producer would retry for ever
STOP_LIMIT_S: Final = 10.0


class KafkaPublisher:
    """Appends facts to the inbound topic. It has the methods of AsyncPublisher; use it in an `async with` block.

    `accepted` means acknowledged by all in-sync replicas. Kafka refuses no fact: those that the service refuses later
    are in `workforce.dead-letters.v1`.
    """

    def __init__(self, bootstrap_servers: str, *, topic: str = FACTS_TOPIC, **options: Any) -> None:
        self._options = {**options, "bootstrap_servers": bootstrap_servers, "enable_idempotence": True, "acks": "all"}
        self._topic = topic
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, facts: Iterable[Fact]) -> Published:
        """Append facts in order, and return when Kafka has acknowledged each.

        Raises Unavailable if Kafka does not acknowledge in time. Send all facts again then.
        """
        published = Published()
        for batch, _ in batches(facts):
            try:
                published += await self._append(batch)
            except PublishingFailed as error:
                error.published = published
                raise
        return published

    async def close(self) -> None:
        """Close the connections."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stopped(producer)

    async def _append(self, facts: Sequence[Fact]) -> Published:
        try:
            await asyncio.wait_for(self._acknowledged(facts), ACKNOWLEDGED_LIMIT_S)
        except asyncio.TimeoutError:
            await self.close()
            raise Unavailable(f"Kafka has not acknowledged the facts within {ACKNOWLEDGED_LIMIT_S:g} s.") from None
        except KafkaError as error:
            await self.close()
            raise Unavailable(f"Kafka does not take the facts ({type(error).__name__}).") from error
        return Published(len(facts))

    async def _acknowledged(self, facts: Sequence[Fact]) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(**self._options)
            try:
                await producer.start()
            except BaseException:
                await _stopped(producer)
                raise
            self._producer = producer
        sent = [
            await self._producer.send(self._topic, encode_fact(fact), key=fact.company_id.encode()) for fact in facts
        ]
        await asyncio.gather(*sent)

    async def __aenter__(self) -> "KafkaPublisher":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def _stopped(producer: AIOKafkaProducer) -> None:
    """Stop a producer. One that still waits for Kafka after STOP_LIMIT_S is abandoned."""
    await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=STOP_LIMIT_S)


async def follow_alerts(
    bootstrap_servers: str, *, topic: str = ALERTS_TOPIC, group_id: str | None = None, **options: Any
) -> AsyncGenerator[Alert, None]:
    """The alerts of the book from the first on, then new ones as they come, without an end; in order for each company.

    With a `group_id` it continues at the group's committed offset. An alert is committed when the next one is
    requested, so each arrives at least once. To stop, close the iterator, with `contextlib.aclosing`. Raises
    UnreadableAlert.
    """
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap_servers,
        group_id=group_id,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )
    try:
        await consumer.start()
        async for record in consumer:
            yield decode_alert(record.value)
            if group_id is not None:
                await consumer.commit()
    finally:
        await consumer.stop()
