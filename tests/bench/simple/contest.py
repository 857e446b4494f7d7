"""Contests: runs one way once and compares its output with the computation."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from deploy.embedded.process import Process
from schemas.kafka.access import Brokers
from tests.bench.filling import fill
from tests.bench.simple.asked import Asked, Done
from tests.bench.simple.verifier import verify
from tests.bench.simple.way import TOP, Way
from tests.bench.simple.world import Made, Partitions, computed, facts, table_rows
from tests.bench.topics import create

PARTITIONS: Final = 8
RUN_LIMIT_S: Final = 300.0


class Contest:
    """Runs ways on one broker. Loads a topic of each size only once."""

    def __init__(
        self, bootstrap: Brokers, prefix: str, folder: Path, facts_max: int, partitions: int = PARTITIONS
    ) -> None:
        self.bootstrap, self.partitions, self.facts_max = bootstrap, partitions, facts_max
        self._prefix, self._folder, self._runs = prefix, folder, 0
        self._loaded: dict[int, Partitions] = {}
        self._made: dict[int, list[Made]] = {}
        self._empty: set[str] = set()

    async def run(self, way: Way) -> Done:
        """Run a way's process once. Raises NotTheSameWork if its outputs are not those of the computation."""
        count = int(self.facts_max * way.share)
        asked = await self._asked(way, await self._load(count), count)
        done = run_way(way, asked)
        await verify(self.bootstrap, asked.ledger, asked.alerts, changelogs(way, asked), self._made[count])
        return done

    def expect(self, loaded: Partitions) -> None:
        """For tests: compare the next runs with the work on these facts instead of the loaded ones."""
        self._made[sum(map(len, loaded))] = computed(loaded)

    async def recover(self, way: Way) -> Done:
        """Start a process and wait until it has restored its state: so many rows of a table, as Faust writes them."""
        count = int(self.facts_max * way.share)
        source = f"{self._prefix}empty"
        if source not in self._empty:
            self._empty.add(source)
            await create(self.bootstrap, {source: {}}, self.partitions)
        asked = await self._asked(way, source, count)
        await fill(self.bootstrap, changelogs(way, asked)[0], table_rows(count, self.partitions))
        return run_way(way, asked)

    async def _asked(self, way: Way, source: str, count: int) -> Asked:
        self._runs += 1
        name = f"{self._prefix}{self._runs}"
        folder = self._folder / name
        folder.mkdir(parents=True)
        asked = Asked(
            bootstrap=self.bootstrap,
            app_id=name,
            source=source,
            ledger=f"{name}-ledger",
            alerts=f"{name}-alerts",
            partitions=self.partitions,
            records=count,
            folder=str(folder),
            variant=way.variant,
        )
        await self._create(asked, changelogs(way, asked) if way.makes_changelogs else ())
        return asked

    async def _load(self, count: int) -> str:
        topic = f"{self._prefix}facts-{count}"
        if count not in self._loaded:
            self._loaded[count] = facts(count, self.partitions)
            self._made[count] = computed(self._loaded[count])
            await create(self.bootstrap, {topic: {}}, self.partitions)
            await fill(self.bootstrap, topic, self._loaded[count])
        return topic

    async def _create(self, asked: Asked, tables: Sequence[str]) -> None:
        topics: dict[str, dict[str, str]] = {asked.ledger: {}, asked.alerts: {}}
        topics |= {name: {"cleanup.policy": "compact"} for name in tables}
        await create(self.bootstrap, topics, self.partitions)


def changelogs(way: Way, asked: Asked) -> list[str]:
    """The topics of a way's state."""
    if way.module == "faust_agent":
        return [f"{asked.app_id}-{table}-changelog" for table in ("workers", "companies")]
    if way.module == "quix":
        return [f"changelog__{asked.app_id}--{asked.source}--default"]
    return [asked.changelog]


def run_way(way: Way, asked: Asked) -> Done:
    command = [str(way.python), "-m", f"tests.bench.simple.{way.module}", asked.text()]
    log = asked.path / "log"
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    with Process.start(way.name, command, log=log, env=environment, cwd=TOP) as process:
        code = process.wait(RUN_LIMIT_S)
    done = Done.read(asked.done)
    if code or done is None:
        raise RuntimeError(f"{way.name} ended with {code}. The end of its log:\n{process.log_tail()}")
    return done
