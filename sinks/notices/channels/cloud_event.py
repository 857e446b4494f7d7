"""The body of a webhook: a notice as a CloudEvents 1.0 event in structured JSON, made of the notice alone."""

import json
from typing import Final

from schemas.dates import day_text, instant_text
from schemas.notices import ALERT, DIGEST, Notice
from schemas.public_json import JsonObject
from sinks.notices.channels.channel import message_of

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
SOURCE: Final = "/peserta"


def body(notice: Notice) -> bytes:
    """The same bytes for the same notice, at each attempt and in each process."""
    return json.dumps(event(notice), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def event(notice: Notice) -> JsonObject:
    """The envelope. `time` is when the notice was made, `subject` the episode or the digest's date."""
    named = {} if subject(notice) is None else {"subject": subject(notice)}
    return {
        "specversion": "1.0",
        "id": notice.notice_id,
        "source": SOURCE,
        "type": type_of(notice),
        "time": instant_text(notice.created_at),
        "datacontenttype": "application/json",
        "data": data(notice),
        **named,
    }


def type_of(notice: Notice) -> str:
    """`id.peserta.alert.` and firing, resolved, reminder, digest or sample, and the version of the form."""
    return f"id.peserta.alert.{notice.status if notice.kind == ALERT else notice.kind}.v1"


def subject(notice: Notice) -> str | None:
    """What the event is about."""
    message = message_of(notice)
    if notice.kind == DIGEST:
        return None if message.on is None else day_text(message.on)
    return notice.alert_id or next((facts.alert["alert_id"] for facts in message.alerts), None)


def data(notice: Notice) -> JsonObject:
    """An alert's public JSON and the text; of a digest a list of alerts."""
    message = message_of(notice)
    alerts = [facts.alert for facts in message.alerts]
    if notice.kind == DIGEST:
        return {"alerts": alerts, "text": message.text}
    return {**(alerts[0] if alerts else {}), "text": message.text}
