"""Sending material through the service: topics, rules, facts, the last date; waiting until everything has arrived."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]

from peserta.demo.material import Line, Material, RawRecord
from peserta.demo.receiver import Receiver
from peserta.demo.stage_times import Work, work_of
from peserta.demo.telling import wait_until_told
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher
from peserta.intake.reference import changes, send
from peserta.operations.failure import Interrupted
from peserta.operations.kafka_reading import end_offsets, wait_until_worked
from peserta.operations.service import NOTIFIER, ROLES, Service
from peserta.operations.ticking import inbound_of, tick
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.admission import Refusal
from schemas.kafka.client import client_options
from schemas.records import Coordinates
from sinks.clickhouse.reading import wait_until_caught_up
from sinks.clickhouse.topics import topics as carried

ARRIVAL_LIMIT_S: Final = 300.0

T = TypeVar("T")
Say = Callable[[str], None]


@dataclass
class Sent:
    """The fate of everything published. `seconds` and `work` are by stage, in order; times are in seconds."""

    lines: dict[Coordinates, int] = field(default_factory=dict)
    refused: dict[int, Refusal] = field(default_factory=dict)
    raw: dict[Coordinates, RawRecord] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    work: dict[str, Work] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Records that Kafka acknowledged."""
        return len(self.lines) + len(self.raw)


class Run:
    """One demonstration on an installation with `clock: replay`; `say` is called with each stage as it begins."""

    def __init__(
        self, settings: Settings, material: Material, service: Service, say: Say, receiver: Receiver | None = None
    ) -> None:
        """`receiver` asks to be told of every alert; without one, no notifier runs."""
        self.settings, self.material, self._receiver = settings, material, receiver
        self._streams = settings.stream_settings()
        self._service, self._say = service, say
        self.sent = Sent()

    def through(self) -> Sent:
        """Run all stages. Raises Failed if a worker ends or does not catch up in time."""
        self.prepare()
        self.publish(self.material.lines)
        self.arrive()
        self.tell()
        self.sent.work = work_of(self.settings)
        return self.sent

    def prepare(self) -> None:
        """Create topics, start workers, and record the rules before the first fact."""
        with self._stage("workers", "Starting the workers"):
            asyncio.run(make_topics(self.settings))
            self._service.start(*ROLES, *((NOTIFIER,) if self._receiver else ()))
            if self._receiver is not None:
                self._await(self._receiver.subscribe(self.settings))
        with self._stage("rules", "Setting policies and registry"):
            self._await(self.tell_rules())

    def publish(self, lines: Sequence[Line]) -> None:
        """Publish the facts in order."""
        with self._stage("publish", f"Publishing {len(lines)} facts"):
            self._await(self._publish(lines))

    def arrive(self) -> None:
        """Publish the broken records, begin the last date, and wait until everything is processed."""
        with self._stage("record", "Recording: one order for everything"):
            self._await(self._publish_raw(self.material.raw_records))
            if self.sent.lines:
                on, limit_s = self.material.as_of, ARRIVAL_LIMIT_S  # the story's date, even if only part of it was sent
                self._await(tick(self._streams, on, today=on, allow_future=True, caught_up_limit_s=limit_s))
        self.wait()

    def wait(self) -> None:
        """Wait until everything that was published is in the journal, in the book and in ClickHouse."""
        with self._stage("book", "Keeping the book"):
            streams = self._streams
            for group, topics in (
                (streams.recorder_app, inbound_of(streams)),
                (streams.bookkeeper_app, [streams.topics.journal]),
            ):
                self._await(wait_until_worked(self.settings.kafka, group, topics, ARRIVAL_LIMIT_S))
        with self._stage("sink", "Filling ClickHouse"):
            self._await(self._sunk())

    def tell(self) -> None:
        """Wait until the receiver has been told of every alert."""
        if self._receiver is not None:
            with self._stage("notices", "Telling a receiver of every alert"):
                self._await(wait_until_told(self.settings))
                self._await(self._receiver.unsubscribe(self.settings))
                self._await(self._sunk())  # what became of the notices

    async def tell_rules(self) -> None:
        """Send policies and registry entries, and wait until they are recorded."""
        at = self.material.starts_at
        topics = self._streams.topics
        for topic, records in (
            (topics.policies, self.material.rules.policies),
            (topics.companies, self.material.rules.companies),
        ):
            await send(self.settings.kafka, topic, changes(records, {}), timestamp=at)
        await wait_until_worked(
            self.settings.kafka, self._streams.recorder_app, inbound_of(self._streams), ARRIVAL_LIMIT_S
        )

    async def _publish(self, lines: Sequence[Line]) -> None:
        publisher = Publisher(self.settings.kafka, self._streams.inbound_names[0], Door(now=lambda: 0, replay=True))
        await publisher.publish(lines, self._on_record)

    def _on_record(self, number: int, what: Coordinates | Refusal) -> None:
        if isinstance(what, Refusal):
            self.sent.refused[number] = what
        else:
            self.sent.lines[what] = number

    async def _publish_raw(self, records: Sequence[RawRecord]) -> None:
        topic = self._streams.inbound_names[0]
        async with AIOKafkaProducer(**client_options(self.settings.kafka), enable_idempotence=True) as producer:
            for raw in records:
                at = await producer.send_and_wait(topic, raw.value, raw.key, timestamp_ms=raw.timestamp)
                self.sent.raw[Coordinates(at.topic, at.partition, at.offset)] = raw

    async def _sunk(self) -> None:
        targets = await end_offsets(self.settings.kafka, sorted(carried(self._streams.topics)))
        await wait_until_caught_up(self.settings.sink_settings(), targets, ARRIVAL_LIMIT_S)

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the result. Raises Failed if a worker ends meanwhile, since the wait would never end."""
        return asyncio.run(self._watched(work))

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        try:
            while not (await asyncio.wait({task}, timeout=0.5))[0]:
                self._service.check()
            return task.result()
        except TimeoutError as error:
            raise Interrupted(f"{error}.") from error
        finally:
            task.cancel()

    @contextmanager
    def _stage(self, name: str, sentence: str) -> Iterator[None]:
        self._say(sentence)
        began_s = time.monotonic()
        yield
        self.sent.seconds[name] = self.sent.seconds.get(name, 0.0) + time.monotonic() - began_s
