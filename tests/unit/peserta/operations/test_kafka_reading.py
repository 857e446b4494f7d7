"""The messages that the terminal shows for Kafka's errors."""

import pytest
from aiokafka.errors import (  # type: ignore[import-untyped]
    KafkaConnectionError,
    KafkaError,
    NotControllerError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from peserta.operations.failure import Failed, Unavailable, Unfit
from peserta.operations.kafka_reading import kafka_errors


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KafkaConnectionError(), "No Kafka broker answers"),
        (NotControllerError(), "NotControllerError"),
        (TopicAuthorizationFailedError(), "do not let this client use a topic"),
    ],
    ids=["nobody answers", "it may pass", "it is not allowed"],
)
def test_what_kafka_refuses_is_a_sentence(error: KafkaError, said: str) -> None:
    with pytest.raises(Failed, match=said) as failed, kafka_errors("broker:9092"):
        raise error
    assert isinstance(failed.value, Unfit if isinstance(error, TopicAuthorizationFailedError) else Unavailable)


def test_a_topic_that_is_not_there_is_left_to_its_reader() -> None:
    with pytest.raises(UnknownTopicOrPartitionError), kafka_errors("broker:9092"):
        raise UnknownTopicOrPartitionError
