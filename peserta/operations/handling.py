"""What people do about alerts: acknowledge, assign, note (SEMANTICS 13). It is no input of the book."""

import re
import uuid
from collections.abc import Mapping
from typing import Final, Protocol

from peserta.operations.alerts_reading import stored_alerts
from peserta.operations.failure import NotAsAsked, Rejected
from peserta.operations.kafka_reading import consumer_of
from peserta.operations.record_writing import records_of, write_records
from peserta.settings import Settings
from schemas.handling import ACTIONS, NAME_LENGTH_MAX, TEXT_LENGTH_MAX, Handled, Handling, handled, wrong_field
from schemas.records import Alert, Instant
from schemas.subscriptions import FIRING

RULES: Final = {
    "action": f"must be one of {', '.join(ACTIONS)}",
    "by": f"must be a name of 1 to {NAME_LENGTH_MAX} characters",
    "to": f"must be a name of 1 to {NAME_LENGTH_MAX} printable characters where somebody is assigned, and absent else",
    "text": f"must have 1 to {TEXT_LENGTH_MAX} characters where something is noted, and be absent else",
}
# A national id or a participant number, alone or written in groups.
_LIKE_A_NATIONAL_ID: Final = re.compile(r"(?<!\d)(?:\d[ .-]?){10}(?:(?:\d[ .-]?){5})?\d(?!\d)", re.ASCII)


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
        await write_records(self._settings, self._settings.topics.handling, [(handling.handling_id, handling.encode())])


async def read_handling(settings: Settings) -> Mapping[str, Handled]:
    """Alert id -> its handling. Raises Unavailable without a broker or the topic."""
    found = []
    async for record in records_of(settings, settings.topics.handling):
        try:
            one = Handling.decode(record.value or b"")
        except (ValueError, RecursionError):
            continue  # it handles nothing
        if one.handling_id.encode() == record.key:
            found.append(one)
    return handled(found)


async def handling_if_any(settings: Settings) -> Mapping[str, Handled]:
    """The same; empty if this client sees no such topic, in a book of an earlier release, say."""
    async with consumer_of(settings.kafka, []) as consumer:
        there = settings.topics.handling in await consumer.topics()
    return await read_handling(settings) if there else {}


def new_handling(
    alert_id: str,
    company_id: str,
    action: str,
    by: str,
    at: Instant,
    *,
    to: str | None = None,
    text: str | None = None,
    handling_id: str | None = None,
) -> Handling:
    """The record of one action on an episode, with an id of its own. Raises Rejected with what is wrong.

    Numbers of people are refused: handling is kept, and shown to everybody who sees the alert.
    """
    handling = Handling(handling_id or uuid.uuid4().hex, alert_id, company_id, action, by, at, to, text)
    if wrong := wrong_field(handling):
        raise Rejected(f"{wrong} {RULES.get(wrong, 'is wrong')}. Nothing was written.")
    for name, words in (("by", by), ("to", to), ("text", text)):
        if words is not None and not _is_writable(words, lines=name == "text"):
            raise Rejected(f"{name} {RULES[name]}. Nothing was written.")
        if words is not None and _LIKE_A_NATIONAL_ID.search(words):
            raise Rejected(
                f"{name} must not have the number of a person (11 or 16 digits) in it: handling is kept. Nothing was "
                "written."
            )
    return handling


def _is_writable(words: str, *, lines: bool) -> bool:
    """Whether text can be stored and shown: no lone surrogate, and no control sign but line ends and tabs."""
    return all(sign.isprintable() or (lines and sign in "\n\t\r") for sign in words)


async def handle(
    settings: Settings,
    alert_id: str,
    action: str,
    *,
    handling_id: str,
    by: str,
    at: Instant,
    to: str | None = None,
    text: str | None = None,
) -> Handling:
    """Record one action on an alert that is firing. `settings` are those of the current book.

    Raises Rejected for a wrong name or text, NotAsAsked if there is no such alert or it is resolved.
    """
    # What is wrong with the words is said before the alert is looked for.
    new_handling(alert_id, alert_id, action, by, at, to=to, text=text, handling_id=handling_id)
    alert = await firing_alert(settings, alert_id)
    one = new_handling(alert_id, alert.company_id, action, by, at, to=to, text=text, handling_id=handling_id)
    await KafkaHandlingWriter(settings).write(one)
    return one


async def firing_alert(settings: Settings, alert_id: str) -> Alert:
    """The firing of an episode that is not resolved. Raises NotAsAsked if there is none."""
    last = next((alert for alert in reversed(await _all(settings)) if alert.alert_id == alert_id), None)
    if last is None:
        raise NotAsAsked(f"There is no alert {alert_id}: `peserta alerts --json` shows the ids of those there are.")
    if last.status != FIRING:
        raise NotAsAsked(f"The alert {alert_id} is resolved: handling ends with the episode. Nothing was written.")
    return last


async def _all(settings: Settings) -> tuple[Alert, ...]:
    return (await stored_alerts(settings)).alerts
