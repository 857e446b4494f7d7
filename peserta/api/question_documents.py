"""The OpenAPI document's part for questions: a path for each, with its own parameters and columns.

The application has one route for all of them. The document lists each, made of the header of its file.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from peserta.api.accept import ANSWERED_AS
from peserta.operations.questions import NUMBER_MAX, TEXT_LENGTH_MAX, Form
from schemas.public_json import JsonObject
from sinks.questions.headers import DATE, FLAG, INSTANT, NUMBER, Column, Parameter, Question, questions

QUESTION: Final = "/v1/questions/{name}"
OF_UNIT: Final[Mapping[str, JsonObject]] = {
    "date": {"type": ["string", "null"], "format": "date"},
    "instant": {"type": ["string", "null"], "format": "date-time"},
    "-": {"type": ["string", "array", "null"], "items": {"type": "string"}},
}
A_NUMBER: Final[JsonObject] = {"type": ["integer", "null"]}
OF_KIND: Final[Mapping[str, JsonObject]] = {
    DATE: {"type": "string", "format": "date"},
    INSTANT: {"type": "string", "format": "date-time"},
    NUMBER: {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX},
    FLAG: {"type": "boolean", "default": False},
}
FORMAT: Final[JsonObject] = {
    "name": "format",
    "in": "query",
    "description": "The form of the answer; it goes before `Accept`.",
    "schema": {"enum": [each.value for each in ANSWERED_AS]},
}
# A value for each column of an example: by name, else by unit.
SAMPLES: Final[Mapping[str, Any]] = {
    "company_id": "NPP0001",
    "from_company": "NPP0001",
    "to_company": "NPP0002",
    "worker_id": "nfx3mzqk5c2wd7ya6rjp4hsbt",
    "name": "Maju Sepatu",
    "regency": "Jepara",
    "key": "Jepara",
    "employment_type": "fixed_term",
    "missing": "JKK+JKM",
    "programmes": "JHT+JKK+JKM",
    "met": ["pact-20pp"],
    "not_met": ["pact-level"],
    "policy_id": "pact-level",
    "alert_id": "NPP0001/pact-level/1",
    "fired_reason": "crossed",
    "resolved_reason": "recovered",
    "state": "breached",
    "why": None,
    "source": "hris",
    "topic": "workforce.facts.v1",
    "reason": "decode_error",
}
OF_UNIT_SAMPLES: Final[Mapping[str, Any]] = {
    "date": "2025-09-30",
    "instant": "2025-09-30T02:00:00.000Z",
    "basis points": 7000,
}
A_COUNT: Final = 12
QUESTIONS: Final[JsonObject] = {
    "questions": [
        {
            "name": "app",
            "title": "Accounts in the app",
            "sentence": "How many of each company's people have an active account in the app (JMO)?",
            "parameters": [
                {
                    "name": "as_of",
                    "kind": "date",
                    "choices": [],
                    "required": False,
                    "default": "latest",
                    "meaning": "The business date of the figures.",
                }
            ],
            "columns": [{"name": "active", "unit": "people", "meaning": "Inside on the date."}],
            "names_workers": False,
            "allowed": True,
            "forms": list(ANSWERED_AS.values()),
        }
    ]
}


def answer_documented() -> JsonObject:
    """What the answers to all questions have in common."""
    as_of = {
        "description": "The date that the answer speaks of, where the question has `as_of`.",
        "schema": {"type": "string", "format": "date"},
    }
    notes = {
        "description": "What the figures leave unsaid, such as rates that are not known: sentences, as a JSON array in "
        "ASCII. Left out where there is nothing to say.",
        "schema": {"type": "string", "contentMediaType": "application/json"},
    }
    return {
        "description": "All rows of the answer that the key may see",
        "headers": {"Peserta-As-Of": as_of, "Peserta-Notes": notes},
    }


def with_questions(paths: Mapping[str, JsonObject], more: JsonObject) -> JsonObject:
    """The paths of a document, each question in place of the one for all. `more`: further fields of an operation."""
    found: JsonObject = {}
    for path, methods in paths.items():
        if path == QUESTION:
            common = methods["get"]
            found |= {
                path.replace("{name}", each.name): {"get": _operation(each, common, more)} for each in questions()
            }
        else:
            found[path] = methods
    return found


def _operation(question: Question, common: JsonObject, more: JsonObject) -> JsonObject:
    responses = {status: answer for status, answer in common["responses"].items() if status != "404"}
    responses["200"] = common["responses"]["200"] | {"content": _content(question)}
    workers = " Rows have tokens of workers." if question.names_workers else ""
    together = "" if question.companies else " Not for a key of some companies: a row speaks of all together."
    return {
        "operationId": f"question_{question.name}",
        "summary": question.title,
        "description": f"{question.sentence}{workers}{together}",
        "parameters": [*map(_parameter, question.asked), FORMAT],
        "responses": responses,
        **more,
    }


def _parameter(parameter: Parameter) -> JsonObject:
    schema: JsonObject = dict(OF_KIND.get(parameter.kind, {"type": "string", "maxLength": TEXT_LENGTH_MAX}))
    if parameter.choices:
        schema = {"enum": list(parameter.choices)}
    default = "" if parameter.is_required or parameter.kind == FLAG else f" Default: {parameter.default}."
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.is_required,
        "description": f"{parameter.meaning}{default}",
        "schema": schema,
    }


def _content(question: Question) -> JsonObject:
    fields = {column.name: _schema(column) for column in question.columns}
    row = {"type": "object", "properties": fields, "required": list(fields)}
    example = {column.name: _sample(column) for column in question.columns}
    found: JsonObject = {}
    for form, media in ANSWERED_AS.items():
        if form is Form.JSON:
            found[media] = {"schema": {"type": "array", "items": row}, "example": [example]}
        elif form is Form.NDJSON:
            found[media] = {"schema": {"type": "string"}, "example": json.dumps(example) + "\n"}
        elif form is Form.CSV:
            found[media] = {"schema": {"type": "string"}}
        else:
            found[media] = {"schema": {"type": "string", "format": "binary"}}
    return found


def _schema(column: Column) -> JsonObject:
    return OF_UNIT.get(column.unit, A_NUMBER) | {"description": column.meaning}


def _sample(column: Column) -> Any:
    return SAMPLES[column.name] if column.name in SAMPLES else OF_UNIT_SAMPLES.get(column.unit, A_COUNT)
