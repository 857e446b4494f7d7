"""Administrative requests to a broker: delete a topic, change its settings, forbid writing to it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient  # type: ignore[import-untyped]
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]
from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from tests.support.waiting import INTERVAL_S

DELETE_LIMIT_S: Final = 30.0
EVERYBODY: Final = "User:*"
EVERY_HOST: Final = "*"
# Kafka's numbers.
TOPIC, LITERAL, ALL, WRITE, DENY, ALLOW = 2, 3, 2, 4, 2, 3
TRANSACTION_COORDINATOR, GROUP_COORDINATOR = 1, 0


def order(kafka: Brokers, given: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:
    """Send a request, and wait for the answer."""
    return asyncio.run(_order(kafka, given))


async def _order(kafka: Brokers, given: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    await admin.start()
    try:
        return await given(admin)
    finally:
        await admin.close()


def delete_topic(kafka: Brokers, topic: str) -> None:
    """Delete a topic, and wait until no broker knows it."""

    async def delete(admin: AIOKafkaAdminClient) -> None:
        await admin.delete_topics([topic])
        gone = AsyncRetrying(
            retry=retry_if_result(lambda topics: topic in topics),
            wait=wait_fixed(INTERVAL_S),
            stop=stop_after_delay(DELETE_LIMIT_S),
        )
        await gone(admin.list_topics)

    order(kafka, delete)


def set_topic(kafka: Brokers, topic: str, settings: dict[str, str]) -> None:
    """Set all settings of a topic; those that are not named return to the broker's defaults."""
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, settings)
    (answer,) = order(kafka, lambda admin: admin.alter_configs([resource]))
    assert [code for code, *_ in answer.resources] == [0], answer


def forbid_writing(kafka: Brokers, topic: str) -> None:
    """Allow everything on the topic except writing."""
    for rule in _rules(topic):
        answer = _sent(kafka, CreateAclsRequest(*rule))
        assert [code for code, *_ in answer.creation_responses] == [0], answer


def allow_writing(kafka: Brokers, topic: str) -> None:
    """Allow writing again. The rule that forbids goes first: beside it alone, nobody may read the topic either."""
    for rule in reversed(_rules(topic)):
        answer = _sent(kafka, DeleteAclsRequest(*rule))
        assert [code for code, *_ in answer.filter_responses] == [0], answer


def _rules(topic: str) -> list[tuple[Any, ...]]:
    what = TOPIC, topic, LITERAL, EVERYBODY, EVERY_HOST
    return [(*what, ALL, ALLOW), (*what, WRITE, DENY)]


def _sent(kafka: Brokers, request: Any) -> Any:
    return order(kafka, lambda admin: admin._send_request(request))


def coordinator(kafka: Brokers, key: str, kind: int) -> int:
    """The node that coordinates a group, or the transactions of an id."""
    return int(order(kafka, lambda admin: admin.find_coordinator(key, kind)))
