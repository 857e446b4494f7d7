"""The settings that a book was opened with and keeps for good, read from its topics and not from the environment."""

from collections.abc import Mapping
from typing import Any, Final

from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # type: ignore[import-untyped]
from aiokafka.errors import TopicAuthorizationFailedError  # type: ignore[import-untyped]

from peserta.operations.failure import Unfit
from peserta.operations.generations import read_generations
from peserta.operations.rebuild.groups import admin_of
from peserta.settings import PREFIX, Settings
from schemas.kafka.refusal import forbidden_topics
from streams.settings import REPLAY, TIMESTAMP_TYPE, WALL

KINDS: Final = {REPLAY: "a book of history (clock: replay)", WALL: "a book of the wall clock (clock: wall)"}
ANOTHER: Final = (
    "For another book take another PESERTA_DATA_DIR, or on a Kafka of your own another PESERTA_TOPIC_PREFIX and "
    "PESERTA_CLICKHOUSE_DATABASE."
)


class OpenedOtherwise(Unfit):
    """The settings differ from those that the book was opened with. The message says which, and what to do."""


async def opened_with(settings: Settings) -> dict[str, Any]:
    """Settings by name, read from the book's topics; empty if the topics do not exist. Raises Unfit if an access list
    hides a topic's settings."""
    streams = settings.stream_settings()
    topics = (*streams.inbound_names, streams.topics.companies, streams.topics.policies)
    async with admin_of(settings.kafka) as admin:
        there = set(await admin.list_topics())
        topic = next((topic for topic in topics if topic in there), None)
        if topic is None:
            return {}
        (described,) = await admin.describe_topics([topic])
        (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    if answer.resources[0][0] == TopicAuthorizationFailedError.errno:
        raise Unfit(forbidden_topics([topic]))
    found = {name: value for resource in answer.resources for name, value, *_ in resource[4]}
    return {"clock": clock_of(found[TIMESTAMP_TYPE]), "partitions": len(described["partitions"])}


async def known_of_book(settings: Settings, remembered: Mapping[str, int]) -> dict[str, Any]:
    """The settings of `opened_with` and the days of grace.

    The days are those recorded for the current generation, else those `remembered` by topic prefix.
    """
    book = await opened_with(settings)
    grace_days = (await read_generations(settings)).current.grace_days if book else None
    if grace_days is None:
        grace_days = remembered.get(settings.topic_prefix)
    return book if grace_days is None else {**book, "grace_days": grace_days}


def clock_of(stamps: str) -> str:
    """The clock of a book whose inbound records are stamped in this way."""
    return WALL if stamps == "LogAppendTime" else REPLAY


def as_opened(settings: Settings, book: Mapping[str, Any]) -> Settings:
    """The settings, with unset ones taken from the book. Raises OpenedOtherwise if a set one differs from it."""
    check_opened(settings, {name: value for name, value in book.items() if name in settings.model_fields_set})
    return settings.model_copy(update=dict(book))


def check_opened(settings: Settings, book: Mapping[str, Any]) -> None:
    """Raises OpenedOtherwise if a setting differs from the book's."""
    for name, value in book.items():
        asked = getattr(settings, name)
        if asked != value:
            raise OpenedOtherwise(f"{_SENTENCES[name].format(book=value, asked=asked, **_kinds(value))} {ANOTHER}")


def _kinds(value: object) -> dict[str, str]:
    return {"kind": KINDS.get(str(value), "")}


_SENTENCES: Final = {
    "clock": (
        "This is {kind}, for good, and it was asked for with clock: {asked}. Start it with `--clock {book}`, or set "
        f"{PREFIX}CLOCK={{book}}."
    ),
    "partitions": (
        f"This book has {{book}} partitions, for good, and {PREFIX}PARTITIONS is {{asked}}. Set it to {{book}}."
    ),
    "grace_days": (
        f"This book was folded with {PREFIX}GRACE_DAYS={{book}}, and now it is {{asked}}: half of the book would be "
        f"by another rule. Set it to {{book}}, or fold the whole book anew: `"
        f"{PREFIX}GRACE_DAYS={{asked}} peserta rebuild`."
    ),
}
