"""Announcing begun and current generations when the broker's answers are lost or another rebuild announces one too."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaTimeoutError  # type: ignore[import-untyped]
from tenacity import AsyncRetrying, retry_if_result, wait_fixed

from peserta.operations.failure import Failed, Unavailable
from peserta.operations.generations import read_generations
from peserta.operations.kafka_reading import end_offsets
from peserta.operations.rebuild import removal
from peserta.operations.rebuild.announcement import REBUILD, Announcement
from peserta.operations.rebuild.candidate import Candidate, begin
from peserta.operations.rebuild.groups import admin_of
from peserta.operations.rebuild.removal import remove_old
from peserta.operations.topics import make_topics
from peserta.settings import Settings
from schemas.generation import FIRST, Generation
from schemas.kafka.client import client_options
from tests.support.installation import installation

SECOND = Generation(2, 5, "c1", 30)
BEHIND_COMMIT = (
    5  # the first record of the book, another producer's, the announcement; and the markers of two transactions
)
LOOK_EVERY_S = 0.05
LIMIT_S = 120


@pytest.fixture
async def settings(kafka_address: str, topic_prefix: str, tmp_path: Path) -> Settings:
    made = installation(kafka_address, "", topic_prefix, "unused", tmp_path)
    await make_topics(made)
    return made


class AnswerLost(AIOKafkaProducer):  # type: ignore[misc]
    """The broker commits, but its answer is lost."""

    async def commit_transaction(self) -> None:
        await super().commit_transaction()
        raise KafkaTimeoutError


class RequestLost(AIOKafkaProducer):  # type: ignore[misc]
    """The request to commit never reaches the broker."""

    async def commit_transaction(self) -> None:
        raise KafkaTimeoutError


async def announcing(settings: Settings, kind: type[AIOKafkaProducer]) -> Announcement:
    producer = kind(**client_options(settings.kafka), transactional_id=settings.topic_prefix + REBUILD)
    await producer.start()
    return Announcement(settings, producer)


async def topics_of(settings: Settings) -> set[str]:
    async with admin_of(settings.kafka) as admin:
        return {topic for topic in await admin.list_topics() if topic.startswith(settings.topic_prefix)}


async def test_what_was_said_is_read_by_whoever_asks_from_then_on(settings: Settings) -> None:
    """A committed record cannot be read while an earlier transaction is open. Here that is another producer's; for a
    moment after each commit it is the producer's own."""
    other = AIOKafkaProducer(**client_options(settings.kafka), transactional_id=f"{settings.topic_prefix}other")
    async with other, await Announcement.open(settings) as announcement:
        await other.begin_transaction()
        await other.send_and_wait(settings.topics.generations, b"", key=b"of nothing", partition=0)
        saying = asyncio.create_task(announcement.begun(SECOND))
        await ends_at(settings, BEHIND_COMMIT)
        assert (await read_generations(settings)).begun == Generation()
        assert not saying.done()
        await other.commit_transaction()
        await saying
        assert (await read_generations(settings)).begun == SECOND


async def ends_at(settings: Settings, offset: int) -> None:
    """Wait until the topic of generations ends at this offset or beyond."""
    looks = AsyncRetrying(retry=retry_if_result(lambda end: end < offset), wait=wait_fixed(LOOK_EVERY_S))

    async def look() -> int:
        (end,) = (await end_offsets(settings.kafka, [settings.topics.generations])).values()
        return end

    async with asyncio.timeout(LIMIT_S):
        await looks(look)


async def test_what_was_said_counts_though_the_answer_was_lost(settings: Settings) -> None:
    async with await announcing(settings, AnswerLost) as announcement:
        await announcement.begun(SECOND)
    assert (await read_generations(settings)).begun == SECOND


async def test_what_was_not_said_is_an_error_and_never_comes_to_be(settings: Settings) -> None:
    async with await announcing(settings, RequestLost) as announcement:
        with pytest.raises(Failed, match="It does not name generation 2") as failed:
            await announcement.stands(SECOND)
        assert isinstance(failed.value, Unavailable)
        assert (await read_generations(settings)).current.number == FIRST
        await announcement.begun(SECOND)  # the same producer; it has resolved the open transaction
    said = await read_generations(settings)
    assert (said.current.number, said.begun) == (FIRST, SECOND)


async def test_who_was_opened_before_another_cannot_say_anything(settings: Settings) -> None:
    async with await Announcement.open(settings) as first, await Announcement.open(settings) as second:
        with pytest.raises(Failed, match="Another rebuild was started in the meantime"):
            await first.stands(SECOND)
        await second.begun(SECOND)  # the first rebuild does not fence the second
    said = await read_generations(settings)
    assert (said.current.number, said.begun) == (FIRST, SECOND)


async def test_topics_that_cannot_be_made_are_said_in_a_sentence(settings: Settings) -> None:
    too_many = settings.of_generation(2).model_copy(update={"replication": 3})
    async with await Announcement.open(settings) as announcement:
        with pytest.raises(Failed, match="InvalidReplicationFactor") as failed:
            await begin(Candidate(settings, too_many, SECOND), announcement)
    assert isinstance(failed.value, Unavailable)
    assert (await read_generations(settings)).begun == SECOND, "its number is taken before anything has it"


async def test_a_rebuild_that_began_before_what_is_old_is_deleted_cannot_switch_to_it(settings: Settings) -> None:
    async with await Announcement.open(settings) as rebuild:
        await begin(Candidate(settings, settings.of_generation(2), SECOND), rebuild)
        removed = await remove_old(settings)
        assert settings.of_generation(2).topics.ledger in removed.topics
        with pytest.raises(Failed, match="Another rebuild was started in the meantime"):
            await rebuild.stands(SECOND)
    assert (await read_generations(settings)).current.number == FIRST
    assert settings.topics.ledger in await topics_of(settings)


async def test_nothing_is_deleted_when_a_rebuild_switches_just_before_it_is_silenced(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await Announcement.open(settings) as rebuild:
        await begin(Candidate(settings, settings.of_generation(2), SECOND), rebuild)

        class Late(Announcement):
            """Is opened just after the rebuild has switched to its generation."""

            @classmethod
            async def open(cls, settings: Settings) -> Any:
                await rebuild.stands(SECOND)
                return await super().open(settings)

        monkeypatch.setattr(removal, "Announcement", Late)
        before = await topics_of(settings)
        with pytest.raises(Failed, match="nothing was deleted"):
            await remove_old(settings)
    assert (await read_generations(settings)).current.number == 2
    assert await topics_of(settings) == before
