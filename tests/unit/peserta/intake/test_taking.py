"""Accepting facts: each line has one fate, and only facts that Kafka has acknowledged are acknowledged."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.intake.door import RECORDED_IN_FUTURE, Door
from peserta.intake.fact_log import Busy, NotAcknowledged
from peserta.intake.taking import LINES_PER_TURN, NOT_ALLOWED, Reading, Taken, take
from peserta.operations.permissions import Denial
from schemas.admission import EFFECTIVE_ON_OUT_OF_RANGE, NATIONAL_ID, TYPE_NOT_ALLOWED
from schemas.fact_json import line_of, read_record
from schemas.records import Fact
from tests.support.facts import hire, noon, termination
from tests.support.held_fact_log import HeldFactLog

NOW: Final = noon("2025-09-01")
DOOR: Final = Door(lambda: NOW, replay=False, allow_future=False)
GOOD: Final = line_of(hire("e1", "2025-09-01"))


def read(*lines: str) -> list[Reading]:
    return [(number, read_record(line.encode())) for number, line in enumerate(lines, 1)]


def permit(fact: Fact) -> Denial | None:
    return Denial.COMPANY if fact.company_id == "C2" else None


async def taken(log: HeldFactLog, *lines: str, door: Door = DOOR, all_or_nothing: bool = False) -> Taken:
    return await take(read(*lines), door, permit, log, all_or_nothing=all_or_nothing)


FATES: Final = {
    GOOD: None,
    line_of(hire("e2", "2025-09-01", company="C2")): NOT_ALLOWED,
    line_of(hire("e3", "2027-09-01")): EFFECTIVE_ON_OUT_OF_RANGE,
    line_of(hire("e4", "2025-09-01", worker="3273010101900001", company="C2")): NATIONAL_ID,
}


@given(st.lists(st.sampled_from(list(FATES)), max_size=8), st.booleans())
def test_every_line_has_one_fate_and_the_counts_add_up(lines: list[str], all_or_nothing: bool) -> None:
    log = HeldFactLog()
    ended = asyncio.run(taken(log, *lines, all_or_nothing=all_or_nothing))
    expected = [(number, FATES[line]) for number, line in enumerate(lines, 1) if FATES[line]]
    assert [(one.line, one.reason) for one in ended.refused] == expected
    assert ended.accepted + len(ended.refused) == len(lines)
    assert ended.published == (not all_or_nothing or not expected)
    assert len(log.sent) == (ended.accepted if ended.published else 0)


async def test_it_ends_when_kafka_has_acknowledged_and_not_before() -> None:
    log = HeldFactLog(held=True)
    running = asyncio.create_task(taken(log, GOOD, GOOD))
    await log.has_been_called.wait()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not running.done()
    log.release()
    assert await running == Taken(2, ())


@pytest.mark.parametrize(
    ("log", "error"), [(HeldFactLog(silent=True), NotAcknowledged), (HeldFactLog(busy=True), Busy)]
)
async def test_without_an_acknowledgement_nothing_is_said_to_be_accepted(
    log: HeldFactLog, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await taken(log, GOOD, GOOD)


async def test_nothing_is_sent_before_every_line_was_read() -> None:
    log = HeldFactLog()

    def lines() -> Iterator[Reading]:
        yield from read(*[GOOD] * (3 * LINES_PER_TURN))
        raise ValueError("the body ends in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        await take(lines(), DOOR, permit, log)
    assert log.calls == 0


async def test_others_have_their_turn_while_a_long_body_is_judged() -> None:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    await taken(HeldFactLog(), *[GOOD] * (4 * LINES_PER_TURN))
    beside.cancel()
    assert turns >= 4


async def test_a_type_that_no_topic_carries_is_refused() -> None:
    door = Door(lambda: NOW, replay=False, kinds=("hire",))
    ended = await taken(HeldFactLog(), GOOD, line_of(termination("e2", "2025-09-01")), door=door)
    assert [(one.line, one.reason, one.field) for one in ended.refused] == [(2, TYPE_NOT_ALLOWED, "type")]


async def test_a_book_of_history_takes_no_moment_that_lies_ahead() -> None:
    door = Door(lambda: NOW - 1, replay=True, allow_future=False)
    (refused,) = (await taken(HeldFactLog(), GOOD, door=door)).refused
    assert refused.reason == RECORDED_IN_FUTURE
    assert "--" not in refused.message


@pytest.mark.parametrize("number", ["3273010101900001", "12345678901"])
@pytest.mark.parametrize("shape", ["{}", "hris-{}", "{}.a"])
async def test_an_event_id_with_a_personal_number_is_not_repeated(number: str, shape: str) -> None:
    event_id = shape.format(number)
    (refused,) = (await taken(HeldFactLog(), line_of(hire(event_id, "2027-09-01")))).refused
    assert (refused.line, refused.event_id) == (1, None)
    assert number not in refused.message


async def test_any_other_event_id_is_repeated() -> None:
    event_id = "0192f7a2-5b3c-7def-8123-456789012345"
    (refused,) = (await taken(HeldFactLog(), line_of(hire(event_id, "2027-09-01")))).refused
    assert refused.event_id == event_id
