"""The world of a book: an installation of its own on a running stack, a story fed to it in pieces, and its end."""

import asyncio
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from tenacity import RetryError

from deploy.embedded.stack import Stack
from peserta.demo.material import Line, Material, RawRecord
from peserta.demo.run import Run
from peserta.intake.door import Door
from peserta.intake.publisher import Publisher, PublishingStopped
from peserta.operations.kafka_reading import last_stable_offsets, wait_until_worked
from peserta.operations.service import ROLES
from peserta.settings import Settings
from schemas.admission import Refusal
from schemas.fact_json import read_record
from schemas.kafka.client import client_options
from schemas.records import Coordinates
from streams.lane.stop_code import StopCode
from streams.settings import IN_MEMORY
from tests.chaos.detour import Detour
from tests.chaos.locks import access_to, grant_rights, user_of
from tests.chaos.points import Fault
from tests.chaos.service import ChaosService
from tests.chaos.spares import Spares
from tests.chaos.worker import clock_of
from tests.support.clickhouse_faults import Faults
from tests.support.installation import installation
from tests.support.waiting import wait_until

PROGRESS_LIMIT_S: Final = 90.0
FEED_LIMIT_S: Final = 300.0  # longer than a restart of the stack may take
PIECE_SMALL: Final = 16
PIECE_PAUSE_S: Final = 2.0
PIECES_MAX: Final = 12
LOOK_EVERY_S: Final = 0.1
LOG_LINES: Final = 200
BEFORE_ALERTS: Final = 1_650  # facts of the small story to publish first: its policies begin after them
LAST_PIECE: Final = 32
GATHER_MS: Final = 50
REPLAY: Final = "replay"
POISON: Final = b"\x00\x00\x00\x63\x01 no such schema"

Identity = tuple[str, str]  # company_id and event_id of a fact


class World:
    """One book. `rng` makes all random choices of the test; the scheduling of processes is not controlled."""

    def __init__(
        self,
        stack: Stack,
        folder: Path,
        material: Material,
        spares: Spares,
        clock: str = REPLAY,
        state: str = IN_MEMORY,
        defects: dict[str, str] | None = None,
    ) -> None:
        self.stack, self.rng, self.material, self.folder = stack, Random(0), material, folder
        self.settings = _settings(stack, folder, clock, state)
        users = {role: user_of(stack, role) for role in ROLES}
        self.service = ChaosService(self.settings, folder, spares, users, defects)
        self.faults = Faults(stack.clickhouse_url)
        self.run = Run(self.settings, material, self.service, say=lambda _: None)
        self.acknowledged_at: dict[Identity, float] = {}
        self.without_topic: set[Coordinates] = set()  # acknowledged, then in the journal, then their topic was deleted
        self._closing = ExitStack()
        self._closing.callback(self.service.stop)
        self._fed = 0
        self._facts = dict(material.lines)

    @property
    def is_history(self) -> bool:
        """Whether the book's times come from its records, and not from the wall clock."""
        return self.settings.clock == REPLAY

    def begin(self, told: int) -> None:
        """Create topics, start workers, publish policies and registry, and `told` facts."""
        grant_rights(self.stack, self.settings)
        self.run.prepare()
        self.feed(told)
        self.wait_until_kept()

    def recover(self) -> None:
        """Undo what a scenario left behind: start everything, and remove restrictions."""
        self.stack.kafka.start()
        self.stack.clickhouse.start()
        self.faults.clear()
        self.service.check()

    def moves_to(self, settings: Settings) -> None:
        """Use changed settings, or another generation of the book, from now on."""
        grant_rights(self.stack, settings)
        self.settings, sent = settings, self.run.sent
        self.service.moves_to(settings)
        self.run = Run(settings, self.material, self.service, say=lambda _: None)
        self.run.sent = sent

    def detour(self) -> Detour:
        """A proxy before every broker, until the book is closed."""
        made = Detour(node.port for node in self.stack.kafka.cluster.nodes)
        self._closing.callback(made.close)
        return made

    def close(self) -> None:
        """Stop the workers and the proxies."""
        self._closing.close()

    # ---- feeding

    def feed(self, count: int) -> None:
        """Publish the next facts, repeating those that a broker has not acknowledged."""
        due = list(self.material.lines[self._fed : self._fed + count])
        assert len(due) == count, "the story is told to its end: fewer scenarios for one book"
        self._fed += len(due)
        wait_until(lambda: not due or self._offer(due), FEED_LIMIT_S)

    def _offer(self, due: list[Line]) -> bool:
        streams = self.settings.stream_settings()
        publisher = Publisher(self.settings.kafka, streams.inbound_names[0], Door(now=lambda: 0, replay=True))
        try:
            asyncio.run(publisher.publish(due, self._acknowledged))
        except PublishingStopped:
            known = {*self.run.sent.lines.values(), *self.run.sent.refused}
            due[:] = [line for line in due if line[0] not in known]
            return not due
        return True

    def _acknowledged(self, number: int, what: Coordinates | Refusal) -> None:
        if isinstance(what, Refusal):
            self.run.sent.refused[number] = what
            return
        self.run.sent.lines[what] = number
        read = read_record(self._facts[number])
        assert not isinstance(read, Refusal)
        self.acknowledged_at[read.fact.company_id, read.fact.event_id] = time.time()

    @contextmanager
    def feeding(self, count: int) -> Iterator[None]:
        """Publish facts while the body runs; afterwards the book-keeper has committed more than before it."""
        before = self.ledger()
        with self.telling(count):
            yield
        self.wait(lambda: self.ledger() > before)

    @contextmanager
    def telling(self, count: int) -> Iterator[None]:
        """Publish facts while the body runs, without waiting for their effect."""
        failed: list[BaseException] = []

        def feed() -> None:
            try:
                for _ in range(4):
                    self.feed(count // 4)
            except BaseException as error:
                failed.append(error)
                raise

        thread = threading.Thread(target=feed, daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(FEED_LIMIT_S)
        assert not thread.is_alive() and not failed, f"publishing did not end: {failed}"

    def feed_poison(self, count: int) -> None:
        """Publish records that no schema can decode."""
        asyncio.run(self._poison(count))

    async def _poison(self, count: int) -> None:
        topic = self.settings.stream_settings().inbound_names[0]
        raw = RawRecord(self.material.starts_at, b"C1", POISON, "unknown_schema")
        async with AIOKafkaProducer(**client_options(self.settings.kafka), enable_idempotence=True) as producer:
            sent = [await producer.send(topic, raw.value, raw.key, timestamp_ms=raw.timestamp) for _ in range(count)]
            for one in sent:
                at = await one
                self.run.sent.raw[Coordinates(at.topic, at.partition, at.offset)] = raw

    # ---- waiting

    def ledger(self) -> int:
        """The sum of the ledger's last stable offsets, markers included."""
        return sum(asyncio.run(last_stable_offsets(self.settings.kafka, [self.settings.topics.ledger])).values())

    def recorded(self) -> int:
        """The sum of the journal's last stable offsets."""
        return sum(asyncio.run(last_stable_offsets(self.settings.kafka, [self.settings.topics.journal])).values())

    def stamped(self) -> int:
        """The sum of the last stable offsets of all topics that recorders write."""
        topics = [self.settings.topics.journal, self.settings.topics.dead_letters]
        return sum(asyncio.run(last_stable_offsets(self.settings.kafka, topics)).values())

    def wait_until_it_owns(self, name: str) -> None:
        """Wait until a worker has logged which partitions it owns."""
        self.wait(lambda: " partitions [" in self.service.processes[name].log_tail(LOG_LINES))

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, keeping every worker up."""

        def look() -> bool:
            self.service.check()
            return condition()

        wait_until(look, PROGRESS_LIMIT_S)

    def strike(self, role: str, fault: Fault) -> int:
        """Arm a fault and publish a few facts at a time until it ends a worker, which stays down; returns its exit
        code."""
        self.service.arm(role, fault)
        return self.feed_until_ended(role)

    def feed_until_ended(self, name: str) -> int:
        """Publish a few facts at a time until a worker ends by itself and stays down; returns its exit code."""
        for _ in range(PIECES_MAX):
            self.feed(PIECE_SMALL)
            with suppress(TimeoutError):
                return self.wait_until_ended(name, PIECE_PAUSE_S)
        return self.wait_until_ended(name)

    def feed_until_stopped(self, name: str) -> None:
        """Publish a few facts at a time until a worker stops itself by SIGSTOP."""
        for _ in range(PIECES_MAX):
            self.feed(PIECE_SMALL)
            with suppress(RetryError):
                wait_until(lambda: self._is_stopped(name), PIECE_PAUSE_S)
                return
        raise TimeoutError(f"{name} has not stopped itself")

    def _is_stopped(self, name: str) -> bool:
        pid = str(self.service.processes[name].pid)
        found = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=True)
        return found.stdout.startswith("T")

    def wait_until_ended(self, name: str, limit_s: float = PROGRESS_LIMIT_S) -> int:
        """Wait until a worker ends by itself and stays down; returns its exit code."""
        code = self.service.processes[name].wait(limit_s)
        self.service.ends[name, code] += 1
        return code

    def wait_until_it_refuses(self, name: str, words: str) -> None:
        """Wait until a worker refuses to run with these words."""
        code = self.wait_until_ended(name)
        said = self.service.processes[name].log_tail()
        assert code == StopCode.REFUSE, f"ended with {code}:\n{said}"
        assert words in said, said

    def wait_until_kept(self) -> None:
        """Wait until everything published is in the book, whatever ClickHouse does, keeping every worker up."""
        asyncio.run(self._kept())

    async def _kept(self) -> None:
        streams = self.settings.stream_settings()
        for group, topics in (
            (streams.recorder_app, [streams.inbound_names[0]]),
            (streams.bookkeeper_app, [streams.topics.journal]),
        ):
            worked = wait_until_worked(self.settings.kafka, group, topics, PROGRESS_LIMIT_S)
            waiting = asyncio.ensure_future(worked)
            while not (await asyncio.wait({waiting}, timeout=LOOK_EVERY_S))[0]:
                self.service.check()
            waiting.result()

    def set_clock(self, off_ms: int) -> None:
        """Set the error of all workers' wall clocks."""
        clock_of(self.folder).write_text(str(off_ms), "utf-8")

    def end(self) -> None:
        """Start everything, publish some more of the story, and wait until all of it has arrived."""
        self.recover()
        self.feed(min(LAST_PIECE, len(self.material.lines) - self._fed))
        if self.is_history:
            self.run.arrive()
        else:
            self.run.wait()

    def told(self) -> Material:
        """The part of the story that was published."""
        return replace(self.material, lines=self.material.lines[: self._fed])


def _settings(stack: Stack, folder: Path, clock: str, state: str) -> Settings:
    name = f"c{uuid.uuid4().hex[:10]}"
    place = installation(access_to(stack), stack.clickhouse_url, f"{name}.", name, folder)
    replication = min(3, len(stack.kafka.cluster.nodes))
    # Short waits for more records: a worker must be able to die in one.
    waits = {"gather_ms": GATHER_MS, "sink_gather_ms": GATHER_MS}
    return place.model_copy(update={"replication": replication, "clock": clock, "state": state, **waits})
