"""The id of the topic that has a given name now. Kafka assigns it when the topic is created; aiokafka cannot ask for
it.

A topic that was deleted and created again under its name is another topic, and files on disk that copy the first must
not be used for the second.
"""

import uuid
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from aiokafka.client import AIOKafkaClient  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError, for_code  # type: ignore[import-untyped]
from aiokafka.protocol.abstract import AbstractType  # type: ignore[import-untyped]
from aiokafka.protocol.api import Request, RequestStruct, Response  # type: ignore[import-untyped]
from aiokafka.protocol.types import (  # type: ignore[import-untyped]
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from schemas.kafka.access import Brokers
from schemas.kafka.client import client_options
from streams.lane.settings import LaneSettings
from streams.lane.stop import LaneFault

METADATA: Final = 3  # Kafka's API key
VERSION: Final = 12  # Kafka 3.0 and later
UUID_BYTES: Final = 16


class _Uuid(AbstractType):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(UUID_BYTES))


_TEXT = CompactString("utf-8")
_BROKER = (("node_id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("tags", TaggedFields))
_PARTITION = (
    ("error_code", Int16),
    ("partition", Int32),
    ("leader", Int32),
    ("leader_epoch", Int32),
    ("replicas", CompactArray(Int32)),
    ("in_sync", CompactArray(Int32)),
    ("offline", CompactArray(Int32)),
    ("tags", TaggedFields),
)
_TOPIC = (
    ("error_code", Int16),
    ("name", _TEXT),
    ("topic_id", _Uuid),
    ("is_internal", Boolean),
    ("partitions", CompactArray(*_PARTITION)),
    ("authorized_operations", Int32),
    ("tags", TaggedFields),
)


class _Metadata(Response):  # type: ignore[misc]
    API_KEY, API_VERSION = METADATA, VERSION
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", CompactArray(*_BROKER)),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        ("topics", CompactArray(*_TOPIC)),
        ("tags", TaggedFields),
    )


class _AskMetadata(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY, API_VERSION, RESPONSE_TYPE = METADATA, VERSION, _Metadata
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _TEXT), ("tags", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _TopicRequest(Request[_AskMetadata]):  # type: ignore[misc]
    API_KEY = METADATA

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([(uuid.UUID(int=0), topic, {}) for topic in self._topics], False, False, {})


async def forbidden_of(brokers: Brokers, topics: Sequence[str]) -> list[str]:
    """Which of these topics the broker hides from this client: in a list of all they are missing. Raises LaneFault."""
    answer = await _ask(brokers, topics)
    return sorted(name for code, name, *_ in answer.topics if for_code(code) is TopicAuthorizationFailedError)


async def topic_id(settings: LaneSettings, topic: str) -> str:
    """The id of the topic that has this name now, as 32 hex digits. Raises LaneFault if the broker does not report
    it."""
    answer = await _ask(settings.bootstrap, [topic])
    ((code, _, found, *_),) = answer.topics
    if code:
        raise LaneFault(f"{topic}: the broker at {settings.bootstrap} says {for_code(code).__name__}")
    return str(found.hex)


async def _ask(brokers: Brokers, topics: Sequence[str]) -> Any:
    client = AIOKafkaClient(**client_options(brokers))
    try:
        await client.bootstrap()
        return await client.send(client.get_random_node(), _TopicRequest(topics))
    except (KafkaError, NotImplementedError) as error:
        names = ", ".join(topics)
        raise LaneFault(f"{names}: the broker at {brokers} does not say which topic it is") from error
    finally:
        await client.close()
