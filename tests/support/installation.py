"""An installation of its own on the stack of the test run, and workers that are restarted when they are killed."""

from pathlib import Path

from peserta.operations.service import Service
from peserta.settings import OF_ACCESS, Settings, read_settings
from schemas.kafka.access import Brokers, access_of

PARTITIONS = 2


def installation(kafka: Brokers, clickhouse_url: str, prefix: str, database: str, folder: Path) -> Settings:
    """Settings for a book of history with a topic prefix and a database of its own."""
    access = access_of(kafka)
    return read_settings(
        kafka=access,
        **{setting: getattr(access, field) for field, setting in OF_ACCESS.items()},
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
    """Restarts workers that have ended, as a supervisor would, and counts how often."""

    restarts = 0

    def check(self) -> None:
        for role in self.ended():
            self.restarts += 1
            self.start(role)

    def kill(self, role: str) -> None:
        """`kill -9` of a worker."""
        self.processes[role].kill()
