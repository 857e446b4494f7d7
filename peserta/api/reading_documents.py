"""The OpenAPI document's part for readers: parameters, and an example of each answer as the door gives it."""

from typing import Any, Final

from peserta.api.documents import SECURITY, JsonObject
from peserta.api.limits import Limits
from peserta.api.media import JSON
from peserta.api.streams import COME_BACK_MS, EVENT_STREAM
from schemas.handling import ACKNOWLEDGED, ASSIGNED, NOTE

COMPANY: Final[JsonObject] = {
    "company_id": "NPP0001",
    "name": "Maju Sepatu",
    "regency": "Jepara",
    "kbli": "15201",
    "figures": {"as_of": "2025-09-30", "active": 120, "covered": 84, "uncovered": 36, "coverage_bp": 7000},
    "policies": [
        {
            "policy_id": "pact-level",
            "version": 1,
            "threshold_bp": 8000,
            "state": "breached",
            "since": "2025-09-12",
            "gap_people": 12,
        }
    ],
}
HEAD: Final[JsonObject] = {"as_of": None, "known_at": None, "data_as_of": "2025-09-30T17:00:00.000Z"}
COMPANIES: Final[JsonObject] = {**HEAD, "companies": [COMPANY], "cursor": "TlBQMDAwMQ"}
ONE_COMPANY: Final[JsonObject] = HEAD | COMPANY
CHANGE: Final[JsonObject] = {
    "value_on": "2025-09-03",
    "recorded_at": "2025-09-05T02:00:01.250Z",
    "type": "hire",
    "event_id": "01922e1a-7b1c-7cc3-98c4-dc0c0c07398f",
    "worker_id": "nmzxw6ytboi2dknzqgyydcmrt",
    "active_change": 1,
    "covered_change": 0,
    "cause": "fact",
    "late_days": 2,
    "active": 120,
    "covered": 84,
}
STATEMENT: Final[JsonObject] = {
    "company_id": "NPP0001",
    "from": "2025-09-01",
    "to": "2025-09-30",
    "known_at": None,
    "opening": {"on": "2025-08-31", "active": 119, "covered": 84, "uncovered": 35},
    "restated": [],
    "changes": [CHANGE],
    "closing": {"on": "2025-09-30", "active": 120, "covered": 84, "uncovered": 36},
}
ALERT: Final[JsonObject] = {
    "alert_id": "NPP0001/pact-level/1",
    "status": "firing",
    "reason": "crossed",
    "company_id": "NPP0001",
    "policy_id": "pact-level",
    "policy_version": 1,
    "rule": "level",
    "threshold_bp": 8000,
    "business_date": "2025-09-12",
    "episode": 1,
    "episode_start": "2025-09-12",
    "previous_state": "met",
    "active": 120,
    "covered": 84,
    "divisor": 120,
    "coverage_bp": 7000,
    "gap_people": 12,
    "baseline_covered": None,
    "baseline_divisor": None,
    "uncovered": 36,
    "joined_30": 20,
    "left_30": 0,
    "gained_cover_30": 2,
    "lost_cover_30": 0,
    "cause": "fact",
    "event_id": "01922e1a-7b1c-7cc3-98c4-dc0c0c07398f",
    "journal_partition": 3,
    "journal_offset": 57,
    "recorded_at": "2025-09-12T02:00:01.250Z",
}
HANDLED: Final[JsonObject] = {
    "acknowledged_by": "forum-officer",
    "acknowledged_at": "2025-09-12T03:10:00.000Z",
    "assigned_to": "compliance team",
    "notes": [{"text": "They enroll everybody this week.", "by": "forum-officer", "at": "2025-09-12T03:11:00.000Z"}],
}
CURSOR: Final = "AQM5AcWxAw"
ALERTS: Final[JsonObject] = {
    "alerts": [ALERT | {"handling": HANDLED}],
    "cursor": CURSOR,
    "more": False,
    "generation": 1,
}
STREAM: Final = f"retry: {COME_BACK_MS}\n\nid: {CURSOR}\nevent: firing\ndata: {{...}}\n\n"
HANDLING: Final[JsonObject] = {
    "handling_id": "0192f5d0c4a97a3c9e1d6b2f4a8c7e10",
    "alert_id": ALERT["alert_id"],
    "action": NOTE,
    "by": "forum-officer",
    "at": "2025-09-12T03:11:00.000Z",
    "to": None,
    "text": "They enroll everybody this week.",
}

_WHEN: Final = (
    ("as_of", {"type": "string", "format": "date"}, "Figures as of this business date."),
    ("known_at", {"type": "string", "format": "date-time"}, "As known at this instant: of entries recorded by then."),
)
_FILTERS: Final = (
    ("company", {"type": "string"}, "Only of this company."),
    ("policy", {"type": "string"}, "Only of this policy."),
    ("status", {"enum": ["firing", "resolved"]}, "Only with this status."),
)
_LIMIT: Final = (
    "limit",
    {"type": "integer", "minimum": 1, "maximum": Limits().page, "default": 100},
    "Rows of a page.",
)


def companies_operation() -> JsonObject:
    """The parameters of `GET /v1/companies`."""
    cursor = ("cursor", {"type": "string"}, "Behind the company at which an earlier page ended.")
    return _operation(*map(_query, (*_WHEN, _LIMIT, cursor)))


def company_operation() -> JsonObject:
    """The parameters of `GET /v1/companies/{company}`."""
    return _operation(_path("company", "company_id; it may have slashes in it"), *map(_query, _WHEN))


def statement_operation() -> JsonObject:
    """The parameters of `GET /v1/companies/{company}/statement`."""
    period = [
        {**_query((name, {"type": "string", "format": "date"}, words)), "required": True}
        for name, words in (("from", "The first value date."), ("to", "The last value date."))
    ]
    words = "The opening figures are those known at this instant; what came later about earlier days is `restated`."
    known_at = _query(("known_at", {"type": "string", "format": "date-time"}, words))
    return _operation(_path("company", "company_id; it may have slashes in it"), *period, known_at)


def alerts_operation() -> JsonObject:
    """The parameters of `GET /v1/alerts`."""
    words = "Behind what an earlier answer or event had; `latest`: behind all that is there. Without it: all alerts."
    return _operation(*map(_query, (*_FILTERS, _LIMIT, ("cursor", {"type": "string"}, words))))


def stream_operation() -> JsonObject:
    """The parameters of `GET /v1/alerts/stream`."""
    cursor = ("cursor", {"type": "string"}, "Where to begin, as for a page. Without it: with the first alert.")
    header = {
        "name": "Last-Event-ID",
        "in": "header",
        "description": "The id of the last event that was read; it goes before `cursor`.",
        "schema": {"type": "string"},
    }
    return _operation(*map(_query, (*_FILTERS, cursor)), header)


def questions_operation() -> JsonObject:
    """`GET /v1/questions` has no parameters."""
    return _operation()


def handling_operation() -> JsonObject:
    """Parameter and body of `POST /v1/alerts/{alert_id}/handling`."""
    examples = {
        ACKNOWLEDGED: {"value": {"action": ACKNOWLEDGED}},
        ASSIGNED: {"value": {"action": ASSIGNED, "to": "compliance team"}},
        NOTE: {"value": {"action": NOTE, "text": HANDLING["text"]}},
    }
    content = {JSON: {"schema": {"$ref": "#/components/schemas/HandlingRequest"}, "examples": examples}}
    path = _path("alert_id", "alert_id, with its slashes as they are")
    return _operation(path) | {"requestBody": {"required": True, "content": content}}


def stream_answer() -> JsonObject:
    """The answer 200 of the stream."""
    return {
        "description": "Events without an end. `id` is the cursor behind the alert, `event` its status, `data` the "
        "alert. Lines that begin with a colon are comments.",
        "content": {EVENT_STREAM: {"schema": {"type": "string"}, "example": STREAM}},
    }


def _operation(*parameters: JsonObject) -> JsonObject:
    return {"parameters": list(parameters), "security": [{SECURITY: []}]}


def _query(parameter: tuple[str, Any, str]) -> JsonObject:
    name, schema, description = parameter
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _path(name: str, description: str) -> JsonObject:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
