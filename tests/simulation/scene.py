"""Everything that outlives the processes of one schedule: broker, ClickHouse, the story, and what was acknowledged."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from schemas.dates import jakarta_day, jakarta_midnight
from schemas.records import Instant
from sinks.clickhouse.marks import AFTER
from streams.lane.disk import StateOnDisk
from streams.lane.state import StateInMemory, States
from streams.recorder import Recorder
from streams.settings import REPLAY, WALL, StreamSettings
from tests.simulation.broker import Broker, Timing
from tests.simulation.chance import Chance
from tests.simulation.clickhouse import ClickHouse
from tests.simulation.clients import MemoryProducer
from tests.simulation.link import OUTSIDE, Uncertain
from tests.simulation.loop import VirtualLoop
from tests.simulation.process import Process
from tests.simulation.story import BEGINS_AT, Story, Told
from tests.support.installation_in_memory import InstallationInMemory
from tests.support.killed_state import kill

STATE_CACHE_BYTES: Final = 1 << 20
IN_FILES_RATE: Final = 0.5  # the share of kills after which all rows are in files


@dataclass(frozen=True)
class Pace:
    """Sizes and intervals of a schedule. They are small, so that there are many batches."""

    batch_records: int
    batch_bytes: int
    commit_interval_s: float
    linger_s: float
    gather_s: float

    @classmethod
    def of(cls, rng: Random) -> "Pace":
        return cls(
            rng.choice((1, 3, 8, 50)),
            rng.choice((600, 4_000, 100_000)),
            rng.choice((0.2, 1.0, 4.0)),
            rng.choice((0.2, 1.0, 3.0)),
            rng.choice((0.0, 0.1, 1.0)),
        )


class Scene(InstallationInMemory):
    """Made from a seed alone. `state_folder` has the book-keepers' state on disk; None if it is in memory."""

    def __init__(
        self,
        seed: int,
        loop: VirtualLoop,
        trace: Callable[[str], None] | None,
        state_folder: Path | None,
    ) -> None:
        self.loop, self.state_folder = loop, state_folder
        self.chance = Chance(seed, trace)
        rng = self.chance.rng
        self.pace = Pace.of(rng)
        settings = StreamSettings(
            kafka="memory:9", data_dir=Path(), partitions=rng.choice((1, 2, 3)), clock=rng.choice((WALL, REPLAY))
        )
        self.broker = Broker(Timing(self.later, self.chance.delay_s, self.now_ms))
        super().__init__(settings, self.broker, self.broker.group(settings.recorder_app).offsets)
        self.clickhouse = ClickHouse()
        self.waiting: list[Told] = Story(rng, settings.topics, settings.partitions).records()
        self.told = len(self.waiting)
        self.acknowledged: dict[tuple[str, int, int], Told] = {}
        self.hosts: dict[Process, Any] = {}
        self.clocks_off_ms: dict[str, int] = {}  # name of a process -> by how much its machine's clock is wrong
        self.broker.create_topic(settings.topics.clock, 1, stamps=True)

    def states(self) -> States:
        """The state store of a process that starts."""
        if self.state_folder is None:
            return StateInMemory()
        states = StateOnDisk(self.state_folder, STATE_CACHE_BYTES, self.now_ms)
        states.settle(self.settings.changelog, "1")
        return states

    def bury(self, states: States) -> None:
        """Handle a kill: the next process finds what had reached a file by then."""
        if isinstance(states, StateOnDisk) and self.chance.rng.random() < IN_FILES_RATE:
            states.close()
        elif isinstance(states, StateOnDisk):
            kill(states)

    def later(self, delay_s: float, call: Callable[[], None]) -> None:
        """Schedule a server's action, which happens even if the client dies."""
        self.loop.call_later(delay_s, call, context=OUTSIDE)

    def now_ms(self) -> Instant:
        return BEGINS_AT + int(self.loop.time() * 1000)

    def stamp(self, timestamp: Instant) -> Instant | None:
        """The publisher's timestamp in a book of history, else the broker's."""
        return timestamp if self.settings.clock == REPLAY else None

    def link(self, process: Process) -> Uncertain:
        return Uncertain(self.loop, self.chance, process)

    def share(self, records_max: int) -> int:
        """How many records of a partition a fetch returns, so that partitions progress differently."""
        return records_max if self.chance.is_calm else self.chance.rng.choice((0, 1, 2, records_max, records_max))

    def has_arrived(self) -> bool:
        """Whether everything that was published has been processed to the end."""
        return not self.waiting and not self.places()

    def places(self) -> list[str]:
        """Where records are still waiting."""
        names, logs = self.settings.topics, self.broker.logs
        folded = self.broker.group(self.settings.bookkeeper_app).offsets
        carried = {(row[0], row[1]): row[3] for row in self.clickhouse.progress() if row[4] == AFTER}
        read = {
            **dict.fromkeys((*self.settings.inbound_names, names.companies, names.policies), (self.committed,)),
            names.journal: (folded, carried),
            **dict.fromkeys((names.ledger, names.alerts, names.dead_letters, names.snapshots), (carried,)),
        }
        return [
            f"{topic}-{number} at {offsets.get((topic, number))} of {log.end}"
            for (topic, number), log in logs.items()
            for offsets in read.get(topic, ())
            if log.end > offsets.get((topic, number), 0)
        ]

    async def command_dates(self, producer: MemoryProducer) -> None:
        """In a book of history, send Ticks, whether or not everything published is recorded."""
        if self.settings.clock == REPLAY:
            on = jakarta_day(max(told.timestamp for told in self.acknowledged.values())) + 40
            for append in Recorder(self.settings, lambda: 0).ticks(on, jakarta_midnight(on)):
                await producer.send_and_wait(append.topic, append.value, append.key, append.partition)
