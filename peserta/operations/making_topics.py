"""The topics of an installation, made as its settings say."""

from peserta.operations.failure import Unavailable
from peserta.operations.lost_topics import go_on_behind, seen_of_lost
from peserta.operations.opened import check_opened, opened_with
from peserta.operations.topics import Topic, TopicError, create_topics
from peserta.settings import Settings
from streams.settings import REPLAY


async def make_topics(settings: Settings) -> tuple[Topic, ...]:
    """What is missing of this generation's topics; Failed when they do not fit, the brokers refuse, or one is
    missing that cannot be made again."""
    check_opened(settings, await opened_with(settings))
    seen = await seen_of_lost(settings)
    try:
        made = await create_topics(
            settings.kafka,
            prefix=settings.topic_prefix,
            partitions=settings.partitions,
            replication=settings.replication,
            inbound=[topic.name for topic in settings.inbound_topics],
            history=settings.clock == REPLAY,
            generation=settings.generation,
        )
    except TopicError as error:
        raise Unavailable(str(error)) from error
    await go_on_behind(settings, seen)
    return made
