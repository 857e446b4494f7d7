"""A separate book on the running stack: its topics, its measured workers, and checks of what they wrote."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.embedded.process import Process
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.kafka_reading import end_offsets, read_to_end
from peserta.operations.topics import create_topics
from peserta.settings import Settings, read_settings
from schemas.topics import ALERTS, LEDGER
from tests.bench.filling import fill
from tests.bench.load import GRACE_DAYS
from tests.bench.place import Place
from tests.bench.service.material import KeyValue, Material, digest, named
from tests.bench.service.samples import Report
from tests.bench.service.worker import Asked
from tests.support.settled import wait_until_settled
from tests.support.waiting import wait_until

WORK_LIMIT_S: Final = 300.0
STOP_LIMIT_S: Final = 20.0
PARTS: Final = "SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active AND database = {name:String} GROUP BY 1"


class WrongWork(Exception):
    """The service's output differs from what its steps make of the same records, so its speed means nothing."""


@dataclass(frozen=True)
class Worker:
    """A running worker that takes measurements."""

    process: Process
    asked: Asked
    started_at_s: float

    def wait_until_ready(self) -> None:
        """Wait until the worker has its partitions; for the sink, until it has begun."""
        self._wait(self.asked.ready)

    def wait_until_reached(self) -> None:
        """Wait until the worker has processed the requested number of records."""
        self._wait(self.asked.reached)

    def _wait(self, file: Path) -> None:
        def is_there() -> bool:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.process.name} ended:\n{self.process.log_tail()}")
            return file.exists()

        wait_until(is_there, WORK_LIMIT_S)

    def stop(self) -> Report:
        """Stop the worker. Returns its measurements."""
        code = self.process.stop(STOP_LIMIT_S)
        if code:
            raise RuntimeError(f"{self.process.name} ended with {code}:\n{self.process.log_tail()}")
        return Report.read(self.asked.report)

    def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_LIMIT_S)


class Book:
    """A book with its own topics, database and folder. `settings` override the defaults. Call `create` first."""

    def __init__(self, here: Place, material: Material, **settings: Any) -> None:
        self.material, self.prefix = material, here.prefix()
        self.folder = here.folder / self.prefix.rstrip(".")
        self._kafka_data = here.kafka_data
        self.settings: Settings = read_settings(
            kafka=here.stack.kafka_address,
            clickhouse_url=here.stack.clickhouse_url,
            topic_prefix=self.prefix,
            clickhouse_database=self.prefix.rstrip("."),
            clock="replay",
            partitions=material.partitions,
            grace_days=GRACE_DAYS,
            data_dir=self.folder,
            inbound_topics="workforce.facts.v1",
            **settings,
        )

    @property
    def kafka(self) -> str:
        return str(self.settings.kafka)

    async def create(self) -> None:
        """Create the topics."""
        await create_topics(self.kafka, prefix=self.prefix, partitions=self.material.partitions, history=True)

    async def fill(self, topic: str, partitions: Sequence[Sequence[KeyValue]]) -> None:
        """Load a topic; `topic` is its name without the prefix."""
        await fill(self.kafka, self.prefix + topic, named(list(map(list, partitions)), self.prefix))

    def start(self, role: str, records: int, *, standbys: int = 0, profile: str = "") -> Worker:
        """Start a worker that reports when it has processed so many records."""
        folder = self.folder / f"{role}-{len(list(self.folder.glob(f'{role}-*')))}"
        folder.mkdir(parents=True)
        asked = Asked(str(folder), records, profile, standbys)
        command = [sys.executable, "-m", "tests.bench.service.worker", role, asked.text()]
        environment = {**os.environ, **self.settings.environment()}
        process = Process.start(role, command, log=folder / "log", env=environment)
        return Worker(process, asked, time.time())

    async def check_book(self) -> None:
        """Raises WrongWork unless ledger and alerts equal what the book-keeper's step makes of the journal."""
        for topic in (LEDGER, ALERTS):
            await self.check(topic, self.material.outputs[topic])

    async def check(self, topic: str, wanted: Sequence[Sequence[KeyValue]]) -> None:
        """Raises WrongWork unless the topic, named without the prefix, holds these records and no others."""
        await wait_until_settled(self.kafka, [self.prefix + topic])
        found: list[list[KeyValue]] = [[] for _ in wanted]
        async for record in read_to_end(self.kafka, [self.prefix + topic]):
            found[record.partition].append((record.key, record.value))
        if digest(found) != digest(named(list(map(list, wanted)), self.prefix)):
            counts = f"{sum(map(len, found))} records for {sum(map(len, wanted))}"
            raise WrongWork(f"{self.prefix}{topic} holds something else: {counts}")

    def check_tables(self, counts: Mapping[str, int]) -> None:
        """Raises WrongWork unless each of these tables has so many rows after deduplication."""
        with analyst(self.settings) as client:
            for table, wanted in counts.items():
                ((found,),) = client.query(f"SELECT count() FROM {table} FINAL").result_rows
                if found != wanted:
                    raise WrongWork(f"{table} has {found} rows for {wanted}")

    async def length(self, *topics: str) -> int:
        """Sum of the end offsets of these topics, named without the prefix. It includes transaction markers."""
        return sum((await end_offsets(self.kafka, [self.prefix + topic for topic in topics])).values())

    def kafka_bytes(self) -> dict[str, int]:
        """Bytes of the log on the broker's disk by topic, without the prefix."""
        found: dict[str, int] = {}
        for folder in self._kafka_data.glob(f"{self.prefix}*"):
            topic = folder.name.removeprefix(self.prefix).rpartition("-")[0]
            found[topic] = found.get(topic, 0) + sum(log.stat().st_size for log in folder.glob("*.log"))
        return found

    def clickhouse_bytes(self) -> dict[str, int]:
        """Bytes of active parts on ClickHouse's disk by table."""
        with analyst(self.settings) as client:
            name = self.settings.clickhouse_database
            rows = client.query(PARTS, parameters={"name": name}).result_rows
        return {str(table): int(size) for table, size in rows}
