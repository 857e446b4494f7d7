"""Handling of alerts: acknowledged, assigned, noted, and written to its topic (SEMANTICS 13)."""

import asyncio
import re
import uuid
from contextlib import suppress
from typing import Final, Protocol

from aiokafka import AIOKafkaProducer  # type: ignore[import-untyped]
from aiokafka.errors import KafkaError  # type: ignore[import-untyped]

from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.kafka_reading import kafka_errors, no_broker
from peserta.settings import Settings
from schemas.handling import ACTIONS, ASSIGNED, NAME_LENGTH_MAX, NOTE, TEXT_LENGTH_MAX, Handling, wrong_field
from schemas.kafka.client import client_options
from schemas.records import Instant

WRITE_LIMIT_S: Final = 10.0  # aiokafka's idempotent producer would retry for ever
STOP_LIMIT_S: Final = 5.0
REQUEST_TIMEOUT_MS: Final = 5_000
# A participant number, or a national id, this one also as people write it, with blanks, dots or dashes between digits.
PERSONAL: Final = re.compile(r"(?<!\d)(?:\d{11}|(?:\d[ .-]?){15}\d)(?!\d)", re.ASCII)
RULES: Final = {
    "action": f"must be one of {', '.join(ACTIONS)}",
    "by": f"must be text of 1 to {NAME_LENGTH_MAX} characters",
    "to": f"must be text of 1 to {NAME_LENGTH_MAX} printable characters with `{ASSIGNED}`, and absent otherwise",
    "text": f"must be text of 1 to {TEXT_LENGTH_MAX} characters with `{NOTE}`, and absent otherwise",
}


class HandlingWriter(Protocol):
    """Where handling is written."""

    async def write(self, handling: Handling) -> None:
        """Return once it is stored for good. Raises Failed if it is not."""
        ...


class KafkaHandlingWriter:
    """Writes handling to the topic of an installation."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def write(self, handling: Handling) -> None:
        """See HandlingWriter. Raises Unavailable when Kafka does not acknowledge; it may be stored all the same."""
        producer = AIOKafkaProducer(
            **client_options(self._settings.kafka),
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        topic = self._settings.topics.handling
        try:
            with kafka_errors(self._settings.kafka):
                async with asyncio.timeout(WRITE_LIMIT_S):
                    await producer.start()
                    await producer.send_and_wait(
                        topic, handling.encode(), key=handling.handling_id.encode(), partition=0
                    )
        except TimeoutError as error:
            raise no_broker(self._settings.kafka) from error
        except KafkaError as error:  # an unknown topic: `kafka_errors` lets this error pass
            raise Unavailable(
                f"{topic} cannot be written: {type(error).__name__}. `peserta topics create` makes it."
            ) from error
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_LIMIT_S):
                    await producer.stop()


def new_handling(
    alert_id: str, company_id: str, action: str, by: str, at: Instant, *, to: str | None = None, text: str | None = None
) -> Handling:
    """The record of one action on an episode, with an id of its own. Raises Rejected with what is wrong.

    Numbers of people are refused in free text: handling is shown to everybody who sees the alert.
    """
    handling = Handling(uuid.uuid4().hex, alert_id, company_id, action, by, at, to, text)
    if wrong := wrong_field(handling):
        raise Rejected(f"{wrong} {RULES.get(wrong, 'is wrong')}.")
    for name, words in (("to", to), ("text", text)):
        if words is not None and not _is_writable(words, lines=name == "text"):
            raise Rejected(f"{name} {RULES[name]}.")
        if words is not None and PERSONAL.search(words):
            raise Rejected(f"{name} must not have the number of a person (11 or 16 digits) in it.")
    return handling


def _is_writable(words: str, *, lines: bool) -> bool:
    """Whether text can be stored and shown: no lone surrogate, and no control sign but line ends and tabs."""
    return all(sign.isprintable() or (lines and sign in "\n\t\r") for sign in words)
