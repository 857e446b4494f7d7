"""Which clock the book was opened with: its inbound topics know, for good, whatever the environment says today."""

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]

from deploy.rebuild.groups import admin_of
from deploy.settings import Settings
from streams.settings import REPLAY, TIMESTAMP_TYPE, WALL


async def with_clock(settings: Settings) -> Settings:
    """The same settings with the clock of the book; as they are while it has no topic of facts."""
    topic = settings.stream_settings().inbound_names[0]
    async with admin_of(settings.kafka) as admin:
        if topic not in await admin.list_topics():
            return settings
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    found = {name: value for resource in answer.resources for name, value, *_ in resource[4]}
    return settings.model_copy(update={"clock": clock_of(found[TIMESTAMP_TYPE])})


def clock_of(stamps: str) -> str:
    """The clock of a book whose inbound records are stamped in this way."""
    return WALL if stamps == "LogAppendTime" else REPLAY
