"""A worker's checks and messages before it processes the current generation."""

import asyncio

import pytest
from tenacity import AsyncRetrying, stop_after_attempt

from peserta.operations.failure import Failed, Rejected, Unfit
from peserta.operations.generations import Changes, check_fits, wait_for_current
from peserta.operations.opened import clock_of
from peserta.operations.topic_table import topic_table
from peserta.settings import read_settings
from schemas.generation import Generation
from schemas.topics import FACTS
from streams.settings import REPLAY, WALL

FITS = {
    "the first: nothing is recorded": (Generation(), 30, None, 0),
    "as it was rebuilt": (Generation(2, 9, "c1", 30), 30, None, 0),
    "other code: it may be a later release": (Generation(2, 9, "c0", 30), 30, None, 1),
    "another grace period": (Generation(2, 9, "c1", 30), 31, "PESERTA_GRACE_DAYS=30, and here it is 31", 0),
}


@pytest.mark.parametrize(("standing", "grace_days", "refusal", "lines"), FITS.values(), ids=FITS)
def test_a_book_keeper_fits_the_generation_it_goes_on_with(
    standing: Generation, grace_days: int, refusal: str | None, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    if refusal:
        with pytest.raises(Failed, match=refusal) as failed:
            check_fits(standing, "c1", grace_days)
        assert isinstance(failed.value, Unfit)
    else:
        check_fits(standing, "c1", grace_days)
    assert len(caplog.records) == lines
    assert all("code c0" in line and "code c1" in line for line in caplog.messages)


def test_waiting_for_kafka_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(Failed):
        asyncio.run(wait_for_current(read_settings(kafka="127.0.0.1:1"), 0.6))
    said = [line for line in caplog.messages if "Waiting for Kafka at 127.0.0.1:1" in line]
    assert len(said) == 1


async def test_only_changes_are_said(caplog: pytest.LogCaptureFixture) -> None:
    errors = iter("aabba")

    async def look() -> None:
        raise Rejected(next(errors))

    tries = AsyncRetrying(stop=stop_after_attempt(5), before_sleep=Changes("Cannot").say, reraise=True)
    with pytest.raises(Failed):
        await tries(look)
    assert caplog.messages == ["Cannot: a", "Cannot: b"]


@pytest.mark.parametrize("clock", [WALL, REPLAY])
def test_a_book_knows_its_clock_by_its_topic_of_facts(clock: str) -> None:
    facts = next(topic for topic in topic_table(history=clock == REPLAY) if topic.name == FACTS)
    assert clock_of(facts.timestamps) == clock
