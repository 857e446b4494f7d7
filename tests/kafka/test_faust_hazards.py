"""Hazards of unmodified Faust and aiokafka on a real broker. The lane guards against each of them.

Other tests check the lane's guards; streams/lane/README.md names them. If a test here fails, a new version has fixed
the hazard. Then check whether the lane still needs its guard.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import faust
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from faust.tables.recovery import Recovery
from faust.types import TP
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from tests.support import lane_topics
from tests.support.settled import wait_until_settled
from tests.support.sockets import ANYWHERE, listening

NAMES = ("raises", "sends", "decodes", "parallel", "cut", "crashes")
RECORDS = 6
OTHERS = [str(number) for number in range(1, RECORDS)]  # all records but the first
READ, FIRST_KEPT = 1, 3  # of the truncated topic: the group's offset, and the first record that was not deleted
LOOK_EVERY_S = 0.1
LIMIT_S = 120.0
CRASH_LIMIT_S = 20.0
CRASHES_MAX = 5
SMALL_BYTES = 2000


@dataclass
class Stock:
    """A worker of unmodified Faust. Each agent gets RECORDS records, and the first of them fails."""

    address: Brokers
    prefix: str
    process: subprocess.Popen[bytes]
    out: Path

    def said(self, word: str) -> list[object]:
        lines = [line[line.index("{") :] for line in self.out.read_text().splitlines() if "{" in line]
        return [line["value"] for line in map(json.loads, lines) if line["said"] == word]

    async def committed(self, name: str) -> int:
        found = await lane_topics.committed_offsets(self.address, f"{self.prefix}stock", f"{self.prefix}{name}", [0])
        return found[0] or 0

    async def commits(self, name: str) -> int:
        """The committed offset, after waiting until every record is committed."""
        looks = AsyncRetrying(
            retry=retry_if_result(lambda offset: offset < RECORDS),
            wait=wait_fixed(LOOK_EVERY_S),
            stop=stop_after_delay(LIMIT_S),
        )
        return await looks(self.committed, name)


@pytest.fixture
async def stock(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Stock:
    topics: dict[str, dict[str, str]] = {f"{topic_prefix}{name}": {} for name in NAMES}
    topics[f"{topic_prefix}small"] = {"max.message.bytes": str(SMALL_BYTES)}
    await lane_topics.create(kafka_address, topics, 1)
    for name in NAMES:
        first = b"{no JSON" if name == "decodes" else b"0"
        lines = [(b"k", first), *((b"k", b"%d" % number) for number in range(1, RECORDS))]
        await lane_topics.produce(kafka_address, f"{topic_prefix}{name}", 0, lines)
    out, err = tmp_path / "out", tmp_path / "err"
    await cut(kafka_address, topic_prefix)
    told = {"address": kafka_address, "prefix": topic_prefix, "data_dir": str(tmp_path / "data")}
    command = [sys.executable, "-m", "tests.support.stock_worker", json.dumps(told | {"web_port": free_port()})]
    return Stock(kafka_address, topic_prefix, started(command, out, err), out)


async def cut(address: Brokers, prefix: str) -> None:
    """Delete records that the stock worker's group has not read."""
    tp = TopicPartition(f"{prefix}cut", 0)
    async with AIOKafkaConsumer(
        **client_options(address), group_id=f"{prefix}stock", enable_auto_commit=False
    ) as group:
        group.assign([tp])
        await group.commit({tp: READ})
    admin = AIOKafkaAdminClient(**client_options(address))
    await admin.start()
    try:
        await admin.delete_records({tp: RecordsToDelete(before_offset=FIRST_KEPT)})
    finally:
        await admin.close()


@pytest.fixture(autouse=True)
def ended(stock: Stock) -> Iterator[None]:
    yield
    stock.process.kill()
    stock.process.wait()


def started(command: list[str], out: Path, err: Path) -> subprocess.Popen[bytes]:
    with out.open("wb") as said, err.open("wb") as errors:
        return subprocess.Popen(command, stdout=said, stderr=errors)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


async def test_stock_faust_commits_what_it_has_not_done_and_listens_to_everybody(stock: Stock) -> None:
    assert await stock.commits("raises") == RECORDS
    assert stock.said("raises") == OTHERS, "the agent raised, and the record counts as done"

    assert await stock.commits("sends") == RECORDS
    out = await lane_topics.read(stock.address, f"{stock.prefix}small", [0], isolation="read_uncommitted")
    assert out[0] == [], "the broker refused every send, and their records count as done"

    assert await stock.commits("decodes") == RECORDS
    assert stock.said("decodes") == list(map(int, OTHERS)), "nobody saw it, and it counts as done"

    assert await stock.commits("parallel") == RECORDS
    assert sorted(map(str, stock.said("parallel"))) == OTHERS, "it is still under way, and it counts as done"

    assert await stock.commits("cut") == RECORDS
    assert stock.said("cut") == OTHERS[FIRST_KEPT - 1 :], "unread records were deleted, and it goes on behind them"

    assert ANYWHERE & listening(stock.process.pid), "web_enabled=False"
    assert stock.process.poll() is None, "and the worker goes on"


async def crash_commits(stock: Stock, folder: Path, name: str) -> bool:
    """Let a worker of this group crash. Returns whether it committed while it stopped."""
    told = {
        "app": "crashing",
        "address": stock.address,
        "prefix": stock.prefix,
        "group": name,
        "data_dir": str(folder / name),
        "web_port": free_port(),
    }
    err = folder / f"{name}.err"
    crashing = started(
        [sys.executable, "-m", "tests.support.stock_worker", json.dumps(told)], folder / f"{name}.out", err
    )
    looks = AsyncRetrying(
        retry=retry_if_result(lambda committed: not committed[0]),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_after_delay(CRASH_LIMIT_S),
        retry_error_callback=lambda last: last.outcome and last.outcome.result(),
    )
    try:
        # Do not wait for its end: a stop of stock Faust may hang, which is another hazard.
        committed: dict[int, int | None] = await looks(
            lane_topics.committed_offsets, stock.address, f"{stock.prefix}{name}", f"{stock.prefix}crashes", [0]
        )  # the commit interval is an hour, so only the stop can have committed
    finally:
        crashing.kill()
        crashing.wait()
    return bool(committed[0]) and "a service that cannot go on" in err.read_text()


async def test_a_crash_of_stock_faust_ends_in_a_graceful_stop_which_commits(stock: Stock, tmp_path: Path) -> None:
    """Tries several crashes, because some stops hang before they commit."""
    for number in range(CRASHES_MAX):
        if await crash_commits(stock, tmp_path, f"crashing{number}"):
            return
    pytest.fail(f"of {CRASHES_MAX} crashes none has committed")


class EndsOfTopics:
    """Answers the calls of Faust's recovery from a plain aiokafka consumer."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def highwaters(self, *tps: TopicPartition) -> dict[TopicPartition, int]:
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(tps)
        return found


async def test_stock_recovery_waits_for_an_offset_that_is_a_transactions_marker(stock: Stock) -> None:
    topic = f"{stock.prefix}small"
    tp = TP(topic, 0)
    one = AIOKafkaProducer(**client_options(stock.address), transactional_id=f"{stock.prefix}log")
    async with one as producer, producer.transaction():
        await producer.send_and_wait(topic, b"a change", partition=0)
    await wait_until_settled(stock.address, [topic])
    app = faust.App("stock", broker=f"kafka://{stock.address}")
    recovery = Recovery(app, app.tables)
    settings: dict[str, str] = {"isolation_level": "read_committed", "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(topic, **client_options(stock.address), **settings) as consumer:
        await recovery._build_highwaters(EndsOfTopics(consumer), {tp}, recovery.active_highwaters, "active")  # type: ignore[arg-type]
        recovery.active_offsets[tp] = (await consumer.getone()).offset
        ends = await consumer.end_offsets([TopicPartition(topic, 0)])
    assert recovery.active_offsets[tp] + 2 == ends[TopicPartition(topic, 0)], "behind the last record is only a marker"
    assert recovery.need_recovery()


async def test_aiokafka_commits_a_transaction_of_which_the_broker_has_refused_a_batch(stock: Stock) -> None:
    small, other = f"{stock.prefix}small", f"{stock.prefix}raises"
    producer = AIOKafkaProducer(**client_options(stock.address), transactional_id=f"{stock.prefix}tid")
    await producer.start()
    try:
        await producer.begin_transaction()
        refused = await producer.send(small, b"x" * 5 * SMALL_BYTES, partition=0)
        await producer.send(other, b"of the same transaction", partition=0)
        await producer.commit_transaction()
        with pytest.raises(KafkaError):
            await refused
    finally:
        await producer.stop()
    await wait_until_settled(stock.address, [small, other])
    read = await lane_topics.read(stock.address, other, [0])
    assert [record.value for record in read[0]][-1] == b"of the same transaction", "a committed half"
    assert (await lane_topics.read(stock.address, small, [0]))[0] == []
