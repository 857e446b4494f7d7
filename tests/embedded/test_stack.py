"""Stacks run side by side, keep their data over restarts, and end with their parent process."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import clickhouse_connect
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition  # type: ignore[import-untyped]

from deploy.embedded.stack import Stack, StackError
from peserta.operations.topics import create_topics
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from schemas.topics import FACTS
from tests.support.liveness import is_alive
from tests.support.waiting import wait_until


async def produce(address: Brokers, value: bytes) -> None:
    async with AIOKafkaProducer(**client_options(address), acks="all") as producer:
        await producer.send_and_wait(FACTS, value, partition=0)


async def records(address: Brokers) -> list[bytes]:
    """All values of partition 0."""
    async with AIOKafkaConsumer(**client_options(address), auto_offset_reset="earliest") as consumer:
        whole = TopicPartition(FACTS, 0)
        consumer.assign([whole])
        await consumer.seek_to_beginning(whole)
        end = (await consumer.end_offsets([whole]))[whole]
        return [(await consumer.getone()).value for _ in range(end)]


def insert(url: str, word: str) -> None:
    with clickhouse_connect.get_client(dsn=url) as client:
        client.command("CREATE TABLE IF NOT EXISTS words (word String) ENGINE = MergeTree ORDER BY word")
        client.insert("words", [[word]])


def words(url: str) -> list[str]:
    with clickhouse_connect.get_client(dsn=url) as client:
        return [row[0] for row in client.query("SELECT word FROM words ORDER BY word").result_rows]


async def test_data_survive_kill_and_restart_and_stay_apart_from_another_stack(stack: Stack, tmp_path: Path) -> None:
    with Stack(tmp_path) as own:
        assert own.kafka_address != stack.kafka_address
        assert own.clickhouse_url != stack.clickhouse_url
        await create_topics(own.kafka_address, partitions=1)
        await produce(own.kafka_address, b"one")
        insert(own.clickhouse_url, "one")
        address, url = own.kafka_address, own.clickhouse_url
        own.kafka.kill()
        own.clickhouse.kill()
        own.kafka.start()
        own.clickhouse.start()
        assert (own.kafka_address, own.clickhouse_url) == (address, url)
        assert await records(address) == [b"one"]
        assert words(url) == ["one"]
    with Stack(tmp_path) as again:
        await produce(again.kafka_address, b"two")
        assert await records(again.kafka_address) == [b"one", b"two"]
        assert words(again.clickhouse_url) == ["one"]


PARENT = """
import json, sys, threading
from deploy.embedded.stack import Stack
stack = Stack()
processes = [*stack.kafka.processes.values(), stack.clickhouse.process]
print(json.dumps([pid for one in processes for pid in (one.pid, one._leash.pid)]), flush=True)
threading.Event().wait()
"""


def test_nothing_outlives_a_parent_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = json.loads(parent.stdout.readline())
        assert len(pids) == 4
        assert all(map(is_alive, pids))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, pids)))


def test_a_part_that_was_not_asked_for_is_not_there(tmp_path: Path) -> None:
    with Stack(tmp_path, kafka=False) as own:
        insert(own.clickhouse_url, "one")
        with pytest.raises(StackError, match="no Kafka"):
            own.kafka_address  # noqa: B018
    assert not (tmp_path / "kafka").exists()


def test_a_folder_that_another_stack_has_is_refused(tmp_path: Path) -> None:
    with Stack(tmp_path, kafka=False), pytest.raises(StackError, match=r"ClickHouse ended with 78 while starting"):
        Stack(tmp_path, kafka=False)


def test_a_temporary_folder_goes_with_its_stack() -> None:
    with Stack(kafka=False) as own:
        folder = own.clickhouse.folder
        assert folder.exists()
    assert not folder.exists()
    assert own.clickhouse.process is not None
    assert own.clickhouse.process.poll() is not None


def test_when_one_part_fails_the_other_is_ended(tmp_path: Path) -> None:
    (tmp_path / "kafka").write_text("not a folder")
    with pytest.raises(StackError, match=r"/kafka"):
        Stack(tmp_path)
    with Stack(tmp_path, kafka=False) as own:  # Another process that still used the data would prevent the start.
        insert(own.clickhouse_url, "one")
