"""What Faust and aiokafka do as they come, on a real broker: the hazards that the lane rules out, shown.

That the lane does not do so, other tests hold; which, streams/lane/README.md says. When one of these fails, a new
version has mended something: look whether the lane's guard may go.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from tests.support import lane_topics
from tests.support.sockets import ANYWHERE, listening

NAMES = ("raises", "sends", "decodes", "parallel")
RECORDS = 6
LOOK_EVERY_S = 0.1
LIMIT_S = 45.0
SMALL_BYTES = 2000


@dataclass
class Stock:
    """A worker of Faust as it comes; each agent had RECORDS records, of which the first is the one that goes wrong."""

    address: str
    prefix: str
    process: subprocess.Popen[bytes]
    out: Path

    def said(self, word: str) -> list[object]:
        lines = [line for line in self.out.read_text().splitlines() if line.startswith("{")]
        return [line["value"] for line in map(json.loads, lines) if line["said"] == word]

    async def committed(self, name: str) -> int:
        found = await lane_topics.committed_offsets(self.address, f"{self.prefix}stock", f"{self.prefix}{name}", [0])
        return found[0] or 0

    async def commits(self, name: str) -> int:
        """What it has committed, once that is all."""
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
    told = {"address": kafka_address, "prefix": topic_prefix, "data_dir": str(tmp_path / "data")}
    command = [sys.executable, "-m", "tests.support.stock_worker", json.dumps(told | {"web_port": free_port()})]
    return Stock(kafka_address, topic_prefix, started(command, out, err), out)


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
    assert "0" not in stock.said("raises"), "the agent raised, and the record counts as done"

    assert await stock.commits("sends") == RECORDS
    out = await lane_topics.read(stock.address, f"{stock.prefix}small", [0], isolation="read_uncommitted")
    assert out[0] == [], "the broker refused every send, and their records count as done"

    assert await stock.commits("decodes") == RECORDS
    assert 0 not in stock.said("decodes"), "nobody saw it, and it counts as done"

    assert await stock.commits("parallel") == RECORDS
    assert "0" not in stock.said("parallel"), "it is still under way, and it counts as done"

    assert ANYWHERE & listening(stock.process.pid), "web_enabled=False"
    assert stock.process.poll() is None, "and the worker goes on"


async def test_aiokafka_commits_a_transaction_of_which_the_broker_has_refused_a_batch(stock: Stock) -> None:
    small, other = f"{stock.prefix}small", f"{stock.prefix}raises"
    producer = AIOKafkaProducer(bootstrap_servers=stock.address, transactional_id=f"{stock.prefix}tid")
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
    read = await lane_topics.read(stock.address, other, [0])
    assert [record.value for record in read[0]][-1] == b"of the same transaction", "a committed half"
    assert (await lane_topics.read(stock.address, small, [0]))[0] == []
