"""Sending batches: the lane never splits or drops one silently, and reports a refusal by the broker."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.errors import (  # type: ignore[import-untyped]
    IllegalOperation,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.producer.message_accumulator import BatchBuilder  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from streams.lane.delivery import Delivery, NotDelivered, SequenceBudget, fill_batches, send_all

BATCH_BYTES = 200


@dataclass
class FakeProducer:
    """A producer with batches of BATCH_BYTES. `answer` is the broker's answer to each batch."""

    answer: Any = 0
    sent: list[int] = field(default_factory=list)

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        self.sent.append(batch.record_count())
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if isinstance(self.answer, BaseException):
            future.set_exception(self.answer)
        else:
            future.set_result(type("Metadata", (), {"offset": self.answer}))
        return future


def full(producer: FakeProducer, values: list[bytes]) -> list[Any]:
    return list(fill_batches(producer, "out-0", ((b"k", value, None) for value in values)))


@given(st.lists(st.integers(0, 3 * BATCH_BYTES), max_size=30))
def test_every_record_is_in_exactly_one_batch_whatever_the_sizes(sizes: list[int]) -> None:
    batches = full(FakeProducer(), [b"x" * size for size in sizes])
    assert sum(batch.record_count() for batch in batches) == len(sizes)
    assert all(batch.record_count() > 0 for batch in batches)
    assert all(batch.size() <= BATCH_BYTES or batch.record_count() == 1 for batch in batches)


def test_no_records_are_no_batch() -> None:
    assert full(FakeProducer(), []) == []


async def sent(answer: Any, count: int = 3) -> Delivery:
    producer = FakeProducer(answer)
    (batch,) = full(producer, [b"secret"] * count)
    delivery = Delivery(producer, batch, "out", 4)
    await delivery.send()
    return delivery


async def test_the_last_offset_counts_the_batches_records() -> None:
    assert await (await sent(100)).last_offset() == 102


async def test_a_refusal_says_topic_and_sizes_and_no_contents() -> None:
    delivery = await sent(MessageSizeTooLargeError())
    with pytest.raises(NotDelivered, match=r"out-4: batch of 3 records, \d+ bytes: MessageSizeTooLargeError") as told:
        await delivery.last_offset()
    assert "secret" not in str(told.value)


async def test_an_acknowledgement_without_an_offset_is_no_delivery() -> None:
    delivery = await sent(-1)
    with pytest.raises(NotDelivered, match="without an offset"):
        await delivery.last_offset()


def test_a_producer_has_room_until_its_sequence_numbers_would_end() -> None:
    budget = SequenceBudget(100)
    budget.spend("out", 0, 60)
    assert budget.has_room("out", 0, 40)
    assert not budget.has_room("out", 0, 41)
    assert budget.has_room("out", 1, 100), "another partition counts for itself"
    budget.renew()
    assert budget.has_room("out", 0, 100)
    assert budget.has_room("out", 0, 500), "one batch goes even if it is longer than the budget"


class Forbidden(FakeProducer):
    """Behaves like aiokafka's producer after the broker has refused a transaction its first topic: takes one batch."""

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> asyncio.Future[Any]:
        if self.sent:
            raise IllegalOperation
        return await super().send_batch(batch, topic, partition=partition)


async def test_why_a_producer_takes_no_further_batch_is_told() -> None:
    producer = Forbidden(TopicAuthorizationFailedError("out"))
    batches = full(producer, [b"secret" * 30] * 2)
    deliveries = [Delivery(producer, batch, "out", 4) for batch in batches]
    assert len(deliveries) == 2
    with pytest.raises(NotDelivered, match=r"out-4: .*TopicAuthorizationFailed"):
        await send_all(deliveries)
