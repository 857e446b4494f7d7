"""The feed of alerts on a real Kafka: committed alerts and handling, and the change to another generation."""

import asyncio
from contextlib import suppress

from peserta.operations.alert_feed import AlertFeed, follow_alert_feed
from peserta.operations.handling import KafkaHandlingWriter, new_handling
from peserta.operations.topics import create_topics
from peserta.settings import read_settings
from schemas.codec import OutputCodec
from schemas.generation import CURRENT_KEY, Generation
from schemas.kafka.access import KafkaAccess
from schemas.records import Alert
from schemas.topics import ALERTS, GENERATIONS
from tests.support.alerts import alert
from tests.support.door_transport import until
from tests.support.facts import noon
from tests.support.sink_topics import PARTITIONS, made_topics


async def test_the_feed_has_what_is_committed_and_changes_to_a_new_generation_as_a_whole(
    kafka_address: str, topic_prefix: str
) -> None:
    settings = read_settings(kafka=kafka_address, topic_prefix=topic_prefix, partitions=PARTITIONS)
    codec, feed = OutputCodec(), AlertFeed()

    def values(*alerts: Alert) -> list[bytes]:
        return [codec.encode_alert(one) for one in alerts]

    async with made_topics(KafkaAccess(kafka_address), topic_prefix) as topics:
        await topics.write(ALERTS, values(alert(episode=1, offset=1)))
        await topics.abort(ALERTS, values(alert(episode=2, offset=2)))
        following = asyncio.create_task(follow_alert_feed(settings, feed))
        try:
            await until(lambda: feed.is_current() and len(feed.alerts) == 1)
            one = new_handling("C1/P1/1", "C1", "note", "somebody", noon("2025-09-01"), text="seen")
            await KafkaHandlingWriter(settings).write(one)
            await until(lambda: feed.handling.of("C1/P1/1").notes == (one,))
            changed = feed.changed
            await topics.write(ALERTS, values(alert(episode=3, offset=3)))
            await changed.wait()
            assert not feed.alerts.is_over("C1/P1/3") and feed.alerts.episode("C1/P1/3") is not None

            await create_topics(KafkaAccess(kafka_address), prefix=topic_prefix, partitions=PARTITIONS, generation=2)
            later = [alert(episode=number, offset=number) for number in (1, 3, 4)]
            await topics.write(f"{ALERTS}.g2", values(*later))
            await topics.write(GENERATIONS, [Generation(2).encode()], key=CURRENT_KEY)
            await until(lambda: feed.alerts.generation == 2)
            assert (len(feed.alerts), feed.handling.of("C1/P1/1").notes) == (3, (one,))
            await topics.write(f"{ALERTS}.g2", values(alert(episode=4, status="resolved", offset=5)))
            await until(lambda: feed.alerts.is_over("C1/P1/4"))
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
