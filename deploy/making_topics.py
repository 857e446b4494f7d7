"""The topics of an installation, made as its settings say."""

from deploy.failure import CommandFailed, ExitCode
from deploy.lost_topics import go_on_behind, seen_of_lost
from deploy.opened import OpenedOtherwise, check_opened, opened_with
from deploy.settings import Settings
from deploy.topics import Topic, TopicError, create_topics
from streams.settings import REPLAY


async def make_topics(settings: Settings) -> tuple[Topic, ...]:
    """What is missing of this generation's topics; CommandFailed when they do not fit, the brokers refuse, or one is
    missing that cannot be made again."""
    try:
        check_opened(settings, await opened_with(settings))
    except OpenedOtherwise as error:
        raise CommandFailed(str(error), ExitCode.WRONG_SETTINGS) from error
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
        raise CommandFailed(str(error), ExitCode.UNAVAILABLE) from error
    await go_on_behind(settings, seen)
    return made
