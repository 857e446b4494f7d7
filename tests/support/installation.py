"""An installation of its own on the stack of the test run, and workers that are started again when they are killed."""

from pathlib import Path

from peserta.operations.service import Service
from peserta.settings import Settings, read_settings

PARTITIONS = 2


def installation(kafka: str, clickhouse_url: str, prefix: str, database: str, folder: Path) -> Settings:
    """Settings for a book of history under names that nobody else has."""
    return read_settings(
        kafka=kafka,
        clickhouse_url=clickhouse_url,
        topic_prefix=prefix,
        clickhouse_database=database,
        clock="replay",
        partitions=PARTITIONS,
        grace_days=30,
        data_dir=folder,
        inbound_topics="workforce.facts.v1",
    )


class RestartingService(Service):
    """Starts a worker again that has ended, as a supervisor would; counts how often."""

    restarts = 0

    def check(self) -> None:
        for role in self.ended():
            self.restarts += 1
            self.start(role)

    def kill(self, role: str) -> None:
        """`kill -9` of a worker."""
        self.processes[role].kill()
