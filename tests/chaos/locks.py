"""Chaos behind Kafka's locks: encrypted connections, and workers as users with the rights of their roles alone."""

import asyncio
from pathlib import Path
from typing import Any

from deploy.embedded.stack import Stack
from peserta.operations.access_rights import grant, rights_of
from peserta.operations.service import ROLES
from peserta.settings import Settings
from schemas.kafka.access import Brokers
from tests.support.locked_book import USERS
from tests.support.locked_kafka import ADMIN, LockedKafka, locks_of
from tests.support.locks import Authority


class LockedStack(Stack):
    """A stack whose Kafka takes SASL_SSL only. The tests themselves connect as the admin."""

    def __init__(self, folder: Path, **options: Any) -> None:
        authority = Authority(folder / "certificates")
        super().__init__(folder, kafka_locks=locks_of(authority, *USERS.values()), **options)
        self.locked = LockedKafka(self.kafka, authority, folder)


def access_to(stack: Stack) -> Brokers:
    """How a test connects to the stack's Kafka."""
    return stack.locked.access(ADMIN) if isinstance(stack, LockedStack) else stack.kafka_address


def user_of(stack: Stack, worker: str) -> dict[str, str]:
    """The variables that make a worker its role's user; none without locks."""
    if not isinstance(stack, LockedStack):
        return {}
    own = stack.locked.access(USERS[worker])
    return {"PESERTA_KAFKA_USERNAME": str(own.username), "PESERTA_KAFKA_PASSWORD_FILE": str(own.password_file)}


def grant_rights(stack: Stack, settings: Settings) -> None:
    """Give each role its rights to what these settings name. Does nothing without locks."""
    if isinstance(stack, LockedStack):
        for worker in ROLES:
            role = USERS[worker]
            asyncio.run(grant(settings.kafka, stack.locked.principal(role), rights_of(role, settings)))
