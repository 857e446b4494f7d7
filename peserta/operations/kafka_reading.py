"""Reading whole topics with `read_committed`, and how far the workers are."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaConnectionError, KafkaError, UnknownTopicOrPartitionError  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, RetryError, retry_if_result, stop_after_delay, wait_fixed

from peserta.operations.failure import Failed, Unavailable, Unfit
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.kafka.refusal import forbidden, turned_away_now

POLL_MS: Final = 200
# For reading up to a known end. A broker answers the requests of a connection one after the other, so a fetch after the
# last record that waits for POLL_MS would also delay the requests about the next partition.
AT_ONCE_MS: Final = 0
RECORDS_PER_POLL_MAX: Final = 10_000
LOOK_EVERY_S: Final = 0.1
REQUEST_TIMEOUT_MS: Final = 10_000

COMMITTED: Final = "read_committed"
WRITTEN: Final = "read_uncommitted"

Offsets = dict[tuple[str, int], int]


@asynccontextmanager
async def consumer_of(
    kafka: Brokers, topics: Sequence[str], *, isolation: str = COMMITTED, fetch_wait_ms: int = POLL_MS
) -> AsyncIterator[AIOKafkaConsumer]:
    """A reader of all partitions of these topics, without a group; Failed without broker or topics.

    `fetch_wait_ms` is how long the broker may hold a fetch that finds nothing.
    """
    consumer = AIOKafkaConsumer(
        *topics,
        **client_options(kafka),
        group_id=None,
        isolation_level=isolation,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        fetch_max_wait_ms=fetch_wait_ms,
    )
    try:
        with kafka_errors(kafka):
            await consumer.start()
            yield consumer
    except UnknownTopicOrPartitionError as error:
        if refusal := turned_away_now(kafka):  # to a token that is refused, aiokafka shows a broker without topics
            raise Unfit(str(refusal)) from error
        raise Unavailable(
            f"Not all of these topics are at {kafka}: {', '.join(topics)}. `peserta topics create` makes them.",
        ) from error
    finally:
        await consumer.stop()


@contextmanager
def kafka_errors(kafka: Brokers) -> Iterator[None]:
    """Turn Kafka's errors inside into Failed (69), except for a missing topic, which the caller handles."""
    try:
        yield
    except UnknownTopicOrPartitionError:
        raise
    except KafkaConnectionError as error:
        raise no_broker(kafka) from error
    except KafkaError as error:
        if sentence := forbidden(error):
            raise Unfit(sentence) from error
        raise Unavailable(
            f"Kafka at {kafka} rejects a request: {type(error).__name__}. If this continues, see the brokers' logs.",
        ) from error


def no_broker(kafka: Brokers) -> Failed:
    """The failure for brokers to which there is no connection: they turn this client away, or nobody answers."""
    if refusal := turned_away_now(kafka):
        return Unfit(str(refusal))
    return Unavailable(
        f"No Kafka broker answers at {kafka}. Start one (`peserta up`), or set PESERTA_KAFKA to where it is.",
    )


async def read_to_end(kafka: Brokers, topics: Sequence[str]) -> AsyncIterator[Any]:
    """Every committed record of these topics up to their current ends, in order within each partition."""
    async with consumer_of(kafka, topics) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        open_partitions = {tp for tp, end in ends.items() if end > 0}
        while open_partitions:
            fetched = await consumer.getmany(*open_partitions, timeout_ms=POLL_MS, max_records=RECORDS_PER_POLL_MAX)
            for tp, records in fetched.items():
                for record in records:
                    if record.offset < ends[tp]:
                        yield record
            open_partitions = {tp for tp in open_partitions if await consumer.position(tp) < ends[tp]}


async def follow(kafka: Brokers, topics: Sequence[str], after: Offsets | None = None) -> AsyncGenerator[Any]:
    """Committed records of these topics as they arrive, without an end, from these offsets or else from the
    beginning."""
    async with consumer_of(kafka, topics) as consumer:
        for tp in consumer.assignment():
            if (tp.topic, tp.partition) in (after or {}):
                consumer.seek(tp, (after or {})[tp.topic, tp.partition])
        async for record in consumer:
            yield record


async def end_offsets(kafka: Brokers, topics: Sequence[str]) -> Offsets:
    """(topic, partition) -> the offset of the next record.

    It is safe to wait until readers reach these offsets. They include acknowledged commits, which are after the last
    stable offset until the broker has ended the transaction in each partition.
    """
    return await _ends(kafka, topics, WRITTEN)


async def last_stable_offsets(kafka: Brokers, topics: Sequence[str]) -> Offsets:
    """(topic, partition) -> the offset of the first record whose transaction is open; the end if none is."""
    return await _ends(kafka, topics, COMMITTED)


async def _ends(kafka: Brokers, topics: Sequence[str], isolation: str) -> Offsets:
    async with consumer_of(kafka, topics, isolation=isolation) as consumer:
        ends = await consumer.end_offsets(consumer.assignment())
        return {(tp.topic, tp.partition): offset for tp, offset in ends.items()}


async def wait_until_readable(kafka: Brokers, topic: str, partition: int, offset: int) -> None:
    """Return when a `read_committed` reader can read this record. There is no time limit."""
    looks = AsyncRetrying(
        retry=retry_if_result(lambda ends: ends[topic, partition] <= offset), wait=wait_fixed(LOOK_EVERY_S)
    )
    await looks(last_stable_offsets, kafka, [topic])


async def wait_until_worked(kafka: Brokers, group: str, topics: Sequence[str], timeout_s: float) -> None:
    """Return when the worker with this group has processed everything that these topics have now.

    Raises a TimeoutError that says what is left.
    """
    targets = {at: end for at, end in (await end_offsets(kafka, topics)).items() if end > 0}
    admin = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        looks = AsyncRetrying(
            retry=retry_if_result(lambda left: left > 0),
            wait=wait_fixed(LOOK_EVERY_S),
            stop=stop_after_delay(timeout_s),
        )
        await looks(_left, admin, group, targets)
    except RetryError as error:
        left = error.last_attempt.result()
        raise TimeoutError(f"{group} still has {left} records to do after {timeout_s:g} s") from error
    except KafkaConnectionError as error:
        raise no_broker(kafka) from error
    finally:
        await admin.close()


async def _left(admin: AIOKafkaAdminClient, group: str, targets: Offsets) -> int:
    """Number of records that the group has not committed; all of them while its coordinator does not answer."""
    try:
        committed = await admin.list_consumer_group_offsets(group)
    except KafkaError:
        return sum(targets.values())
    done = {(tp.topic, tp.partition): at.offset for tp, at in committed.items()}
    return sum(max(0, end - max(0, done.get(at, 0))) for at, end in targets.items())


async def left_to_do(kafka: Brokers, group: str, targets: Offsets) -> int:
    """How many of the records before these offsets the group has not committed."""
    admin = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        with kafka_errors(kafka):
            await admin.start()
            return await _left(admin, group, {at: end for at, end in targets.items() if end > 0})
    finally:
        await admin.close()
