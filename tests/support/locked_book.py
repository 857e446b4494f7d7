"""An installation on a Kafka with locks, whose workers are users with the rights of their roles."""

import asyncio
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from peserta.operations.access_rights import Right, grant, rights_of
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from tests.support.installation import RestartingService
from tests.support.locked_kafka import ADMIN, LockedKafka

USERS: Final = {"recorder": "recorder", "bookkeeper": "book-keeper", "sink": "sink"}  # worker -> role, and user
READER: Final = "reader"
END_LIMIT_S: Final = 90.0


@dataclass(frozen=True)
class Book:
    """Topics with rights for each user. `of(user)` gives the settings of a process that connects as this user."""

    locked: LockedKafka
    names: dict[str, Any]

    @classmethod
    def at(cls, locked: LockedKafka, prefix: str, folder: Path, **names: Any) -> "Book":
        """A book of history; `names` are further settings."""
        own = {"topic_prefix": prefix, "clock": "replay", "partitions": 2, "grace_days": 30, "data_dir": folder}
        return cls(locked, own | names)

    def of(self, user: str) -> Settings:
        return self.locked.settings(user, **self.names)

    def grant(self, user: str, rights: list[Right]) -> None:
        asyncio.run(grant(self.of(ADMIN).kafka, self.locked.principal(user), rights))

    def open(self, *roles: str) -> None:
        """Create the topics, and grant the workers, a reader and these roles their rights."""
        settings = self.of(ADMIN)
        asyncio.run(make_topics(settings))
        for role in (*USERS.values(), READER, *roles):
            self.grant(role, rights_of(role, settings))


class UsersService(RestartingService):
    """Each worker connects as its own user."""

    def __init__(self, book: Book, folder: Path) -> None:
        super().__init__(book.of(ADMIN), folder)
        self._book = book

    def start(self, *roles: str) -> None:
        for role in roles or USERS:
            self._environment = {**os.environ, **self._book.of(USERS[role]).environment()}
            super().start(role)


def end_of(arguments: list[str], settings: Settings) -> tuple[int, str]:
    """Exit code and standard error of a command that must end by itself and print nothing else."""
    ended = subprocess.run(
        [sys.executable, "-m", "peserta", *arguments],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        timeout=END_LIMIT_S,
        check=False,
    )
    assert ended.stdout == b""
    return ended.returncode, ended.stderr.decode()
