"""One test's topics, options and worker processes on a real broker."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from schemas.kafka.access import Brokers, KafkaAccess, access_of
from tests.support import lane_topics
from tests.support.lane_process import LaneProcess
from tests.support.lane_topics import Line
from tests.support.lane_verifier import check_appends, check_counts
from tests.support.settled import wait_until_settled

SESSION_TIMEOUT_S = 6  # the least that a broker allows by default


class LaneCase:
    """`partitions` of everything; workers that the test leaves running are killed by `close`.

    With state on disk all workers share one data folder, so a worker may find its predecessor's files.
    """

    def __init__(
        self,
        address: Brokers,
        prefix: str,
        folder: Path,
        partitions: int = 2,
        *,
        state_on_disk: bool = False,
        of_workers: KafkaAccess | None = None,
    ) -> None:
        """`of_workers`: how the workers connect, if not as the test itself."""
        self._access = told_of(access_of(of_workers or address))
        self.state_on_disk = state_on_disk
        self.address, self.app_id, self.folder = address, f"{prefix}app", folder
        self.source, self.output = f"{prefix}in", f"{prefix}out"
        self.changelog = f"{self.app_id}-book-changelog"
        self.numbers = range(partitions)
        self.workers: list[LaneProcess] = []

    async def create(self, *, changelog_policy: str = "compact") -> None:
        """Create the topics."""
        topics: dict[str, dict[str, str]] = {self.source: {}, self.output: {}}
        topics[self.changelog] = {"cleanup.policy": changelog_policy}
        await lane_topics.create(self.address, topics, len(self.numbers))

    async def fill(self, count: int, *, keys: int = 50, partitions: Iterable[int] | None = None) -> None:
        """Append `count` records to each partition."""
        for number in self.numbers if partitions is None else partitions:
            await self.append(number, lines(count, keys=keys))

    async def append(self, partition: int, records: Iterable[Line], **options: Any) -> None:
        """Append records to one partition of the source."""
        await lane_topics.produce(self.address, self.source, partition, records, **options)

    def start(self, kind: str = "count", *, settings: dict[str, Any] | None = None, **options: Any) -> LaneProcess:
        """Start a worker."""
        told = {
            "bootstrap": self._access,
            "app_id": self.app_id,
            "partitions": len(self.numbers),
            "batch_records_max": 200,
            "session_timeout_s": SESSION_TIMEOUT_S,
            "heartbeat_interval_s": 0.5,
            "commit_interval_s": 0.2,
            "state_on_disk": self.state_on_disk,
        } | (settings or {})
        folder = self.folder / f"worker{len(self.workers)}"
        data_dir = self.folder / "data" if self.state_on_disk else folder / "data"
        base = {"kind": kind, "sources": [self.source], "output": self.output, "data_dir": str(data_dir)}
        worker = LaneProcess(folder, base | {"settings": told} | options)
        self.workers.append(worker)
        return worker

    def close(self) -> None:
        """Kill all workers that still run."""
        for worker in self.workers:
            worker.kill()

    async def read(self, topic: str, *, isolation: str = "read_committed") -> dict[int, list[Any]]:
        """All of a topic, by partition."""
        return await lane_topics.read(self.address, topic, self.numbers, isolation=isolation)

    async def read_settled(self, topic: str) -> dict[int, list[Any]]:
        """All of a topic, by partition, when no transaction is open in it: the workers must have ended theirs."""
        await wait_until_settled(self.address, [topic])
        return await self.read(topic)

    async def ends(self) -> dict[int, int]:
        """Partition -> end offset of the source."""
        return {
            number: records[-1].offset + 1 if records else 0
            for number, records in (await self.read(self.source)).items()
        }

    async def committed(self) -> dict[int, int | None]:
        """The group's offsets."""
        return await lane_topics.committed_offsets(self.address, self.app_id, self.source, self.numbers)

    async def check_counts(self, partitions: Iterable[int] | None = None) -> None:
        """Check that every record in these partitions of the source (default: all) was counted exactly once."""
        source, output = await self.read(self.source), await self.read_settled(self.output)
        changelog = await self.read_settled(self.changelog)
        for number in self.numbers if partitions is None else partitions:
            records = source[number]
            check_counts(records, output[number], changelog[number], self.source, records[-1].offset + 1)

    async def check_appends(self, *, every: int = 10) -> None:
        """Check that every record of the source was appended in order to its own partition, every tenth one to all."""
        source = await self.read(self.source)
        for number, appended in (await self.read(self.output)).items():
            wanted = {
                f"{self.source}:{own}": [
                    record.offset for record in records if own == number or record.offset % every == 0
                ]
                for own, records in source.items()
            }
            check_appends(appended, wanted)


def told_of(access: KafkaAccess) -> dict[str, str]:
    """An access for the command line of a worker: it holds names of files only."""
    return {name: str(value) for name, value in asdict(access).items() if value is not None}


def lines(count: int, *, keys: int = 50) -> list[Line]:
    """Records for a test: the keys in turn, with a `drop` of one now and then."""
    return [(f"k{number % keys}".encode(), b"drop" if number % 37 == 36 else b"v") for number in range(count)]
