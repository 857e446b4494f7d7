"""Whether workers run on a generation of the book now: the members of its consumer group."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.errors import GroupCoordinatorNotAvailableError  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from peserta.operations.kafka_reading import kafka_errors
from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options

IDLE: Final = ("Empty", "Dead")
PATIENCE_S: Final = 15.0  # above the session timeout of a lane's worker
LOOK_EVERY_S: Final = 0.3


@asynccontextmanager
async def admin_of(kafka: Brokers) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for groups and topics. Raises Failed without a broker."""
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        with kafka_errors(kafka):
            await admin.start()
            yield admin
    finally:
        await admin.close()


async def is_kept(kafka: Brokers, app: str, patience_s: float = PATIENCE_S) -> bool:
    """Whether the group of this app still has members after `patience_s` seconds.

    A killed member counts until its session has timed out.
    """
    looks = AsyncRetrying(
        retry=retry_if_result(bool),
        wait=wait_fixed(LOOK_EVERY_S),
        stop=stop_after_delay(patience_s),
        retry_error_callback=lambda _: True,
    )
    async with admin_of(kafka) as admin:
        has_members: bool = await looks(_has_members, admin, app)
        return has_members


async def _has_members(admin: AIOKafkaAdminClient, app: str) -> bool:
    try:
        (answer,) = await admin.describe_consumer_groups([app])
    except GroupCoordinatorNotAvailableError:
        return True  # unknown: a broker that has just started does not know its groups yet
    return any(state not in IDLE for _, _, state, *_ in answer.groups)
