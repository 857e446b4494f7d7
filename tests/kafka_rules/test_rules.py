"""The rules, one test each. Waiting is for a condition: a transaction's markers come a moment after its commit."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition  # type: ignore[import-untyped]
from aiokafka.errors import (  # type: ignore[import-untyped]
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    OffsetOutOfRangeError,
    ProducerFenced,
    UnknownMemberIdError,
)

from tests.kafka_rules.kafkas import Kafka

LIMIT_S = 60.0
POLL_MS = 100


async def seen(
    kafka: Kafka, tp: TopicPartition, until: int, isolation: str = "read_committed"
) -> list[tuple[int, Any]]:
    """Offset and value of what such a reader gets when its position has come to `until`."""
    consumer = await kafka.consumer(isolation)
    consumer.assign([tp])
    consumer.seek(tp, 0)
    found: list[tuple[int, Any]] = []
    async with asyncio.timeout(LIMIT_S):
        while await consumer.position(tp) < until:
            fetched = await consumer.getmany(tp, timeout_ms=POLL_MS)
            found += [(record.offset, record.value) for record in fetched.get(tp, ())]
    return found


async def ends(kafka: Kafka, tp: TopicPartition, isolation: str) -> int:
    consumer = await kafka.consumer(isolation)
    end: int = (await consumer.end_offsets([tp]))[tp]
    return end


async def send(producer: Any, tp: TopicPartition, *values: bytes) -> list[int]:
    """One record after the other; their offsets."""
    return [(await producer.send_and_wait(tp.topic, value, partition=tp.partition)).offset for value in values]


@pytest.fixture
async def tp(kafka: Kafka) -> TopicPartition:
    return TopicPartition(await kafka.topic(), 0)


async def test_what_is_acknowledged_is_read_in_order_at_its_offset(kafka: Kafka, tp: TopicPartition) -> None:
    offsets = await send(await kafka.producer(), tp, b"a", b"b", b"c")
    assert offsets == [0, 1, 2]
    assert await seen(kafka, tp, 3) == [(0, b"a"), (1, b"b"), (2, b"c")]


async def test_batches_are_acknowledged_with_the_offset_of_their_first_record(kafka: Kafka, tp: TopicPartition) -> None:
    producer = await kafka.producer()
    sent = []
    for values in ((b"a", b"b"), (b"c",)):
        batch = producer.create_batch()
        for value in values:
            batch.append(timestamp=None, key=None, value=value, headers=[])
        batch.close()
        sent.append(await producer.send_batch(batch, tp.topic, partition=0))
    assert [(await one).offset for one in sent] == [0, 2]
    assert await seen(kafka, tp, 3) == [(0, b"a"), (1, b"b"), (2, b"c")]


async def test_partitions_count_for_themselves(kafka: Kafka, tp: TopicPartition) -> None:
    producer = await kafka.producer()
    await send(producer, tp, b"a")
    assert await send(producer, TopicPartition(tp.topic, 1), b"b") == [0]


async def test_a_transaction_is_seen_when_it_is_committed_and_its_marker_takes_an_offset(
    kafka: Kafka, tp: TopicPartition
) -> None:
    producer = await kafka.producer("t")
    await producer.begin_transaction()
    assert await send(producer, tp, b"a", b"b") == [0, 1]
    assert await ends(kafka, tp, "read_committed") == 0
    assert await seen(kafka, tp, 2, "read_uncommitted") == [(0, b"a"), (1, b"b")]
    await producer.commit_transaction()
    assert await seen(kafka, tp, 3) == [(0, b"a"), (1, b"b")]
    assert await send(await kafka.producer(), tp, b"c") == [3]


async def test_an_aborted_transaction_is_only_seen_by_who_reads_uncommitted(kafka: Kafka, tp: TopicPartition) -> None:
    producer = await kafka.producer("t")
    await producer.begin_transaction()
    await send(producer, tp, b"a")
    await producer.abort_transaction()
    await producer.begin_transaction()
    await send(producer, tp, b"b")
    await producer.commit_transaction()
    assert await seen(kafka, tp, 4) == [(2, b"b")]
    assert await seen(kafka, tp, 4, "read_uncommitted") == [(0, b"a"), (2, b"b")]


async def test_a_transaction_without_records_leaves_no_marker(kafka: Kafka, tp: TopicPartition) -> None:
    producer = await kafka.producer("t")
    for _ in range(2):
        await producer.begin_transaction()
        await producer.commit_transaction()
    assert await send(await kafka.producer(), tp, b"a") == [0]


async def test_an_open_transaction_holds_up_what_comes_after_it(kafka: Kafka, tp: TopicPartition) -> None:
    producer, other = await kafka.producer("t"), await kafka.producer()
    await send(other, tp, b"before")
    await producer.begin_transaction()
    await send(producer, tp, b"open")
    await send(other, tp, b"after")
    assert await ends(kafka, tp, "read_committed") == 1
    assert await ends(kafka, tp, "read_uncommitted") == 3
    assert await seen(kafka, tp, 1) == [(0, b"before")]
    await producer.commit_transaction()
    assert await seen(kafka, tp, 4) == [(0, b"before"), (1, b"open"), (2, b"after")]


async def test_a_transaction_goes_for_all_its_partitions(kafka: Kafka, tp: TopicPartition) -> None:
    producer, second = await kafka.producer("t"), TopicPartition(tp.topic, 1)
    for ending in (producer.abort_transaction, producer.commit_transaction):
        await producer.begin_transaction()
        await send(producer, tp, b"a")
        await send(producer, second, b"b")
        await ending()
    assert await seen(kafka, tp, 4) == [(2, b"a")]
    assert await seen(kafka, second, 4) == [(2, b"b")]


async def test_a_new_producer_of_the_same_id_aborts_what_the_old_one_left_open(
    kafka: Kafka, tp: TopicPartition
) -> None:
    old = await kafka.producer("t")
    await old.begin_transaction()
    await send(old, tp, b"left open")
    new = await kafka.producer("t")
    assert await ends(kafka, tp, "read_committed") == 2, "its marker was there before the new one had started"
    await new.begin_transaction()
    await send(new, tp, b"new")
    await new.commit_transaction()
    assert await seen(kafka, tp, 4) == [(2, b"new")]


async def test_the_old_producer_cannot_commit_any_more(kafka: Kafka, tp: TopicPartition) -> None:
    old = await kafka.producer("t")
    await old.begin_transaction()
    await send(old, tp, b"left open")
    await kafka.producer("t")
    with pytest.raises(ProducerFenced):
        await old.commit_transaction()


async def test_the_old_producer_cannot_send_any_more(kafka: Kafka, tp: TopicPartition) -> None:
    old = await kafka.producer("t")
    await old.begin_transaction()
    await send(old, tp, b"left open")
    await kafka.producer("t")
    with pytest.raises(KafkaError):
        await send(old, tp, b"too late")
    assert await seen(kafka, tp, 2, "read_uncommitted") == [(0, b"left open")]


async def test_the_old_producer_cannot_begin_anything_any_more(kafka: Kafka, tp: TopicPartition) -> None:
    old = await kafka.producer("t")
    await kafka.producer("t")
    await old.begin_transaction()
    with pytest.raises(ProducerFenced):
        await send(old, tp, b"too late")
    assert await ends(kafka, tp, "read_uncommitted") == 0


async def test_another_id_fences_nobody(kafka: Kafka, tp: TopicPartition) -> None:
    first = await kafka.producer("t")
    await first.begin_transaction()
    await send(first, tp, b"a")
    await kafka.producer("u")
    await first.commit_transaction()
    assert await seen(kafka, tp, 2) == [(0, b"a")]


async def test_a_batch_that_is_sent_again_is_acknowledged_and_not_there_twice(kafka: Kafka, tp: TopicPartition) -> None:
    producer = await kafka.producer()
    await send(producer, tp, b"a", b"b")
    kafka.set_sequence(producer, tp, 1)
    assert await send(producer, tp, b"b") == [1]
    assert await send(producer, tp, b"c") == [2]
    assert await seen(kafka, tp, 3) == [(0, b"a"), (1, b"b"), (2, b"c")]


async def test_a_batch_before_which_one_is_missing_is_refused(kafka: Kafka, tp: TopicPartition) -> None:
    producer = await kafka.producer()
    await send(producer, tp, b"a")
    kafka.set_sequence(producer, tp, 5)
    with pytest.raises(KafkaError):
        await send(producer, tp, b"later")
    assert await ends(kafka, tp, "read_uncommitted") == 1


async def test_reading_behind_the_end_is_an_error(kafka: Kafka, tp: TopicPartition) -> None:
    await send(await kafka.producer(), tp, b"a")
    consumer = await kafka.consumer()
    consumer.assign([tp])
    consumer.seek(tp, 7)
    with pytest.raises(OffsetOutOfRangeError) as told:
        await consumer.getmany(tp, timeout_ms=int(LIMIT_S * 1000))
    assert told.value.args == ({tp: 7},)


async def test_what_is_paused_is_not_read_until_it_is_assigned_again(kafka: Kafka, tp: TopicPartition) -> None:
    await send(await kafka.producer(), tp, b"a")
    consumer = await kafka.consumer()
    for is_paused in True, False:
        consumer.assign([tp])
        consumer.seek(tp, 0)
        if is_paused:
            consumer.pause(tp)
            assert await consumer.end_offsets([tp]) == {tp: 1}
            assert await consumer.getmany(tp, timeout_ms=POLL_MS) == {}
    async with asyncio.timeout(LIMIT_S):
        while not (fetched := await consumer.getmany(tp, timeout_ms=POLL_MS)):
            continue
    assert [record.value for record in fetched[tp]] == [b"a"]


async def test_reading_what_was_deleted_is_an_error(kafka: Kafka, tp: TopicPartition) -> None:
    await send(await kafka.producer(), tp, b"a", b"b", b"c")
    await kafka.delete_before(tp, 2)
    consumer = await kafka.consumer()
    assert await consumer.beginning_offsets([tp]) == {tp: 2}
    consumer.assign([tp])
    consumer.seek(tp, 1)
    with pytest.raises(OffsetOutOfRangeError):
        await consumer.getmany(tp, timeout_ms=int(LIMIT_S * 1000))


async def test_a_reader_stands_behind_the_last_record_that_it_got(kafka: Kafka, tp: TopicPartition) -> None:
    await send(await kafka.producer(), tp, b"a", b"b", b"c")
    consumer = await kafka.consumer()
    consumer.assign([tp])
    consumer.seek(tp, 0)
    async with asyncio.timeout(LIMIT_S):
        while not (fetched := await consumer.getmany(tp, timeout_ms=POLL_MS, max_records=2)):
            pass
    assert await consumer.position(tp) == len(fetched[tp])


async def test_a_group_has_no_offset_until_it_commits_one(kafka: Kafka, tp: TopicPartition) -> None:
    assert await kafka.committed("g", tp) is None
    await kafka.commit("g", tp, 3)
    assert await kafka.committed("g", tp) == 3
    assert await kafka.committed("another", tp) is None


async def test_a_member_commits_in_its_generation_only(kafka: Kafka, tp: TopicPartition) -> None:
    member = await kafka.member("g", tp.topic)
    await member.commit(tp, 1)
    member.fall_behind()
    with pytest.raises((CommitFailedError, IllegalGenerationError, UnknownMemberIdError)):
        await member.commit(tp, 2)
    assert await kafka.committed("g", tp) == 1


async def test_who_is_no_member_does_not_commit_beside_one(kafka: Kafka, tp: TopicPartition) -> None:
    await kafka.member("g", tp.topic)
    with pytest.raises(KafkaError):
        await kafka.commit("g", tp, 2)
    assert await kafka.committed("g", tp) is None


async def owns(member: Any, count: int) -> set[int]:
    """The member's partitions when it has so many."""
    async with asyncio.timeout(LIMIT_S):
        while len(found := await member.numbers()) != count:
            pass
    numbers: set[int] = found
    return numbers


async def test_members_share_the_partitions_and_take_over_those_of_one_that_leaves(
    kafka: Kafka, tp: TopicPartition
) -> None:
    for partition in range(2):
        await kafka.commit("g", TopicPartition(tp.topic, partition), 0)  # so that the real members have a position
    first = await kafka.member("g", tp.topic)
    assert await first.numbers() == {0, 1}
    joining = asyncio.create_task(kafka.member("g", tp.topic))
    its_own = await owns(first, 1)
    second = await joining
    assert its_own | await second.numbers() == {0, 1}
    await second.leave()
    assert await owns(first, 2) == {0, 1}
