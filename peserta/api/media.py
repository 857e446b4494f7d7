"""From the headers of a request to the form of its body."""

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers

from peserta.api.problems import Problem
from peserta.intake.forms import SPEC_VERSION, Form

JSON: Final = "application/json"
LINES: Final = "application/x-ndjson"
EVENT: Final = "application/cloudevents+json"
EVENTS: Final = "application/cloudevents-batch+json"

FORMS: Final[Mapping[str, Form]] = {
    JSON: Form.JSON,
    LINES: Form.LINES,
    "application/ndjson": Form.LINES,
    "application/jsonl": Form.LINES,
    EVENT: Form.EVENT,
    EVENTS: Form.EVENTS,
}
CHARSETS: Final = frozenset(("utf-8", "utf8", "us-ascii"))
EVENT_HEADERS: Final = ("ce-specversion", "ce-id", "ce-type", "ce-source")


def form_of(headers: Headers) -> Form:
    """The form that `Content-Type` names. Raises Problem `unknown-form` for another one, or for a content encoding."""
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem("unknown-form", "Send the body without a Content-Encoding.")
    media, *parameters = (part.strip() for part in headers.get("content-type", "").lower().split(";"))
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip() == "charset" and value.strip().strip('"') not in CHARSETS:
            raise Problem("unknown-form", "Send the body in UTF-8.")
    form = FORMS.get(media)
    if form is None:
        raise Problem("unknown-form", f"Content-Type must be one of {', '.join(FORMS)}.")
    return form


def event_id_of(headers: Headers, form: Form) -> str | None:
    """The `ce-id` of a CloudEvent in binary mode, whose body is its data; None for a body in another form."""
    if "ce-specversion" not in headers:
        return None
    if form is not Form.JSON:
        raise Problem("unknown-form", f"A CloudEvent in binary mode has its fact as {JSON}.")
    missing = [name for name in EVENT_HEADERS if not headers.get(name)]
    if missing:
        raise Problem("unreadable", f"A CloudEvent in binary mode has the headers {', '.join(EVENT_HEADERS)}.")
    if headers["ce-specversion"] != SPEC_VERSION:
        raise Problem("unreadable", f"ce-specversion must be {SPEC_VERSION}.")
    return headers["ce-id"]
