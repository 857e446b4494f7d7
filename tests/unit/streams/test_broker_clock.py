"""Asking the broker for its time, with a producer whose answers the test sets."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError  # type: ignore[import-untyped]

from streams.broker_clock import LOG_APPEND_TIME, BrokerClock, NoAnswer, patiently
from streams.lane.stop import Refused
from tests.support.facts import noon

NOW = noon("2025-09-03")
TOLD = SimpleNamespace(timestamp=NOW, timestamp_type=LOG_APPEND_TIME)


@dataclass
class AnsweringProducer:
    """Replaces an AIOKafkaProducer."""

    answers: list[Any]
    started: int = 0
    stopped: int = 0
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def start(self, servers: list[str], **_settings: Any) -> "AnsweringProducer":
        self.started += 1
        return self

    async def send_and_wait(self, topic: str, value: bytes, *, partition: int) -> Any:
        self.asked.append((topic, partition))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def stop(self) -> None:
        self.stopped += 1


def asking(*answers: Any) -> tuple[BrokerClock, AnsweringProducer]:
    producer = AnsweringProducer(list(answers))
    return BrokerClock("127.0.0.1:9", "t.clock", producer.start), producer


async def test_the_time_is_the_append_time_of_a_record_and_one_connection_is_enough() -> None:
    clock, producer = asking(TOLD, TOLD)
    assert [await clock.time(), await clock.time()] == [NOW, NOW]
    await clock.stop()
    assert (producer.asked, producer.started, producer.stopped) == ([("t.clock", 0)] * 2, 1, 1)


@pytest.mark.parametrize("error", [KafkaTimeoutError(), TimeoutError()])
async def test_no_answer_is_no_time(error: Exception) -> None:
    with pytest.raises(NoAnswer, match=f"t.clock.*{type(error).__name__}"):
        await asking(error)[0].time()


async def test_a_topic_that_access_lists_forbid_is_not_asked_again() -> None:
    with pytest.raises(Refused, match=r"do not let this client use a topic: t[.]clock"):
        await patiently(asking(TopicAuthorizationFailedError("t.clock"))[0].time)


async def test_a_topic_that_the_broker_does_not_stamp_says_nothing_of_its_clock() -> None:
    clock, _ = asking(SimpleNamespace(timestamp=NOW, timestamp_type=0))
    with pytest.raises(Refused, match=r"t.clock must have message.timestamp.type=LogAppendTime"):
        await clock.time()


async def test_who_is_patient_asks_until_there_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.broker_clock.RETRY_S", 0)
    clock, producer = asking(KafkaTimeoutError(), KafkaTimeoutError(), TOLD)
    assert await patiently(clock.time) == NOW
    assert len(producer.asked) == 3
