"""The OpenAPI 3.1 document: the input and the answers of each call, with an example of each as the door gives it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI

from peserta.api.answers import HandlingRequest, ProblemAnswer, RefusedAnswer
from peserta.api.media import EVENT, EVENTS, JSON, LINES
from peserta.api.problems import PROBLEM, PROBLEMS, Problem
from peserta.api.question_documents import with_questions
from peserta.intake.door import REASONS_OF_LINES
from peserta.intake.taking import NOT_ALLOWED
from schemas.admission import FIELD_RULES
from schemas.vocabulary import ACTIONS, EMPLOYMENT_TYPES, PROGRAMMES, TERMINATION_REASONS

TITLE: Final = "Peserta"
SECURITY: Final = "key"
JsonObject = dict[str, Any]

_ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}
_WORD: Final = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^\S+$"}
_OWN: Final[Mapping[str, Mapping[str, JsonObject]]] = {
    "hire": {"employment_type": {"enum": list(EMPLOYMENT_TYPES)}},
    "termination": {"reason": {"enum": list(TERMINATION_REASONS)}},
    "enrollment": {
        "action": {"enum": list(ACTIONS)},
        "programmes": {"type": "array", "minItems": 1, "items": {"enum": list(PROGRAMMES)}},
    },
    "correction": {"corrects": _ID},
}
_COMMON: Final[Mapping[str, JsonObject]] = {
    "event_id": _ID,
    "company_id": _WORD,
    "worker_id": _WORD,
    "effective_on": {"type": "string", "format": "date"},
    "occurred_at": {"type": "string", "format": "date-time"},
    "source": {"type": "string", "minLength": 1, "maxLength": 64},
}

HIRE: Final[JsonObject] = {
    "type": "hire",
    "event_id": "01922e1a-7b1c-7cc3-98c4-dc0c0c07398f",
    "company_id": "NPP0001",
    "worker_id": "nfx3mzqk5c2wd7ya6rjp4hsbt",
    "effective_on": "2025-09-01",
    "occurred_at": "2025-09-01T02:00:00Z",
    "source": "hris",
    "employment_type": "fixed_term",
}
ENROLLMENT: Final[JsonObject] = {
    name: value for name, value in HIRE.items() if name not in ("type", "employment_type", "event_id")
} | {
    "type": "enrollment",
    "event_id": "01922e1a-7b1c-7cc3-98c4-dc0c0c073990",
    "action": "enrolled",
    "programmes": ["JKK", "JKM"],
}
CLOUD_EVENT: Final[JsonObject] = {
    "specversion": "1.0",
    "id": HIRE["event_id"],
    "type": "id.peserta.fact.v1",
    "source": "/payroll",
    "datacontenttype": JSON,
    "data": {name: value for name, value in HIRE.items() if name != "event_id"},
}
# Media type -> an example of a body, as it is sent.
EXAMPLES: Final[Mapping[str, str]] = {
    JSON: json.dumps(HIRE),
    LINES: f"{json.dumps(HIRE)}\n{json.dumps(ENROLLMENT)}\n",
    EVENT: json.dumps(CLOUD_EVENT),
    EVENTS: json.dumps([CLOUD_EVENT]),
}
REFUSED_FACT: Final[JsonObject] = {
    "line": 2,
    "event_id": ENROLLMENT["event_id"],
    "reason": "invalid_field",
    "field": "programmes",
    "message": f"programmes {FIELD_RULES['programmes']}",
}
TAKEN: Final[JsonObject] = {"accepted": 1, "refused": [REFUSED_FACT]}

FATE: Final[JsonObject] = {
    "state": "applied",
    "records": [
        {
            "state": "applied",
            "type": "hire",
            "recorded_at": "2025-09-01T02:00:01.250Z",
            "came_from": {"topic": "workforce.facts.v1", "partition": 3, "offset": 41},
            "journal": {"topic": "coverage.journal.v1", "partition": 3, "offset": 57},
        }
    ],
    "more": False,
    "speaks": {"partition": 3, "read_to": 60, "judged_to": 59, "end": 60},
}


def fact_schemas() -> dict[str, JsonObject]:
    """Name -> JSON Schema of each type of fact, of any fact and of a CloudEvent that has one."""
    described = {name: of | {"description": FIELD_RULES[name]} for name, of in _COMMON.items()}
    found: dict[str, JsonObject] = {}
    for kind, own in _OWN.items():
        fields = {
            "type": {"const": kind},
            **described,
            **{n: f | {"description": FIELD_RULES[n]} for n, f in own.items()},
        }
        found[kind.capitalize()] = {"type": "object", "properties": fields, "required": list(fields)}
    found["Fact"] = {"oneOf": [_ref(kind.capitalize()) for kind in _OWN], "examples": [HIRE]}
    found["CloudEvent"] = {
        "type": "object",
        "description": "A CloudEvent 1.0 in structured mode. Its id is the event_id of the fact in `data`, which may "
        "leave its own out. Type, source and further attributes of the CloudEvent are not looked at.",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _ID,
            "type": {"type": "string", "minLength": 1},
            "source": {"type": "string", "minLength": 1},
            "data": {"type": "object"},
        },
        "required": ["specversion", "id", "type", "source", "data"],
        "examples": [CLOUD_EVENT],
    }
    return found


def facts_operation() -> JsonObject:
    """The parts of `POST /v1/facts` that FastAPI cannot derive: the handler reads the body itself."""
    one_or_more = {"oneOf": [_ref("Fact"), {"type": "array", "items": _ref("Fact")}]}
    schemas: Mapping[str, JsonObject] = {
        JSON: one_or_more,
        LINES: {"type": "string", "description": "A Fact a line."},
        EVENT: _ref("CloudEvent"),
        EVENTS: {"type": "array", "items": _ref("CloudEvent")},
    }
    content = {
        media: {"schema": schemas[media], "example": example if media == LINES else json.loads(example)}
        for media, example in EXAMPLES.items()
    }
    parameter = {
        "name": "all_or_nothing",
        "in": "query",
        "description": "With `true`, nothing is published when a fact is refused (422).",
        "schema": {"type": "boolean", "default": False},
    }
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [parameter],
        "security": [{SECURITY: []}],
    }


def fate_operation() -> JsonObject:
    """The parts of `GET /v1/facts/{company}/{event_id}` that FastAPI cannot derive: the handler reads parameters."""
    parameters = [
        {"name": name, "in": "path", "required": True, "description": f"{field} of the fact", "schema": schema}
        for name, field, schema in (("company", "company_id", _WORD), ("event_id", "event_id", _ID))
    ]
    return {"parameters": parameters, "security": [{SECURITY: []}]}


def problems_of(*names: str) -> dict[int | str, JsonObject]:
    """These problems as answers of a call, by status, for FastAPI's `responses`."""
    found: dict[int | str, JsonObject] = {}
    for name in names:
        status, title = PROBLEMS[name]
        model = RefusedAnswer if name == "refused" else ProblemAnswer
        members: JsonObject = {"accepted": 0, "refused": [REFUSED_FACT]} if name == "refused" else {}
        example = json.loads(bytes(Problem(name, "What is wrong, and what to do.", **members).response().body))
        described = found.setdefault(
            status.value, {"description": title, "content": {PROBLEM: {"schema": _ref(model.__name__), "examples": {}}}}
        )
        described["content"][PROBLEM]["examples"][name] = {"value": example}
        if status.value in (429, 503):
            described["headers"] = {
                "Retry-After": {"description": "Seconds until it is worth coming again.", "schema": {"type": "integer"}}
            }
    return found


def document(app: FastAPI) -> JsonObject:
    """The whole document."""
    said = app.openapi()
    components = said.setdefault("components", {})
    models: Sequence[Any] = (ProblemAnswer, RefusedAnswer, HandlingRequest)
    for model in models:
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        components.setdefault("schemas", {}).update(shape.pop("$defs", {}))
        components["schemas"][model.__name__] = shape
    components["schemas"].update(fact_schemas())
    said["paths"] = with_questions(said["paths"], {"security": [{SECURITY: []}]})
    components["securitySchemes"] = {
        SECURITY: {"type": "http", "scheme": "bearer", "description": "`peserta keys create` makes a key."}
    }
    return said


REASONS: Final[Mapping[str, str]] = REASONS_OF_LINES | {
    NOT_ALLOWED: "the limits of the key do not allow this company, type or source"
}


def _ref(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{name}"}
