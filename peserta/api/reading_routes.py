"""The routes for readers: companies, alerts, their stream and their handling."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from peserta.api.alerts import AlertsDoor
from peserta.api.answers import (
    AlertsAnswer,
    CompaniesAnswer,
    HandlingAnswer,
    OneCompanyAnswer,
    QuestionsAnswer,
)
from peserta.api.companies import CompaniesDoor
from peserta.api.documents import JsonObject, problems_of
from peserta.api.handling import HandlingDoor
from peserta.api.question_documents import QUESTION, QUESTIONS, answer_documented
from peserta.api.questions import QuestionsDoor
from peserta.api.reading_documents import (
    ALERTS,
    COMPANIES,
    HANDLING,
    ONE_COMPANY,
    STATEMENT,
    alerts_operation,
    companies_operation,
    company_operation,
    handling_operation,
    questions_operation,
    statement_operation,
    stream_answer,
    stream_operation,
)
from peserta.api.statement_answers import StatementAnswer
from peserta.api.statements import StatementsDoor, ends_in_the_id
from peserta.api.streams import Streams

Problems: TypeAlias = dict[int | str, dict[str, Any]]  # by status, as FastAPI takes them


@dataclass(frozen=True, slots=True)
class Readers:
    """What answers readers."""

    companies: CompaniesDoor
    statements: StatementsDoor
    alerts: AlertsDoor
    streams: Streams
    handling: HandlingDoor
    questions: QuestionsDoor


def add_readers(app: FastAPI, readers: Readers, every_call: Sequence[str]) -> None:
    """Add the routes. `every_call`: the problems with which every call may be answered."""
    usual = problems_of(*every_call, "wrong-parameter")
    _add_companies(app, readers, usual)
    _add_alerts(app, readers, usual)
    app.add_api_route(
        "/v1/alerts/{alert_id:path}/handling",  # an alert_id contains slashes
        readers.handling.post,
        methods=["POST"],
        status_code=201,
        summary="Acknowledge, assign or note an alert",
        description="`by` is the name of the key. Handling ends with the episode: 409 once it is resolved. It stops "
        "reminders, never a `resolved`.",
        response_model=None,
        responses={
            201: _example(HandlingAnswer, HANDLING, "It is stored"),
            **problems_of(*every_call, "unreadable", "too-slow", "too-large", "unknown-form", "not-found", "ended"),
        },
        openapi_extra=handling_operation(),
    )
    _add_questions(app, readers.questions, every_call)


def _add_companies(app: FastAPI, readers: Readers, usual: Problems) -> None:
    app.add_api_route(
        "/v1/companies",
        readers.companies.all,
        summary="Companies and their figures",
        description="The companies that the key may see, in order of company_id, a page at a time. Figures are those "
        "of each company's business date, or as of a date as known at an instant.",
        response_model=None,
        responses={200: _example(CompaniesAnswer, COMPANIES, "A page of companies"), **usual},
        openapi_extra=companies_operation(),
    )

    async def get(request: Request) -> Response:  # its name is in the OpenAPI document
        if ends_in_the_id(request):
            request.path_params["company"] += "/statement"
            return await readers.companies.one(request)
        return await readers.statements.get(request)

    app.add_api_route(
        "/v1/companies/{company:path}/statement",  # before the route of one company, which takes slashes too
        get,
        summary="The account of a company over a period",
        description="Opening figures plus `restated` plus `changes` are the closing figures, always. Workers are named "
        "by the publisher's tokens. A period with too many changes is refused: ask for a shorter one. 404 for a "
        "company that the book does not know, and for one that is not of this key's.",
        response_model=None,
        responses={200: _example(StatementAnswer, STATEMENT, "The statement"), **usual, **problems_of("not-found")},
        openapi_extra=statement_operation(),
    )
    app.add_api_route(
        "/v1/companies/{company:path}",  # a company_id may contain a slash
        readers.companies.one,
        summary="One company and its figures",
        description="404 for a company that the book does not know, and for one that is not of this key's.",
        response_model=None,
        responses={200: _example(OneCompanyAnswer, ONE_COMPANY, "The company"), **usual, **problems_of("not-found")},
        openapi_extra=company_operation(),
    )


def _add_alerts(app: FastAPI, readers: Readers, usual: Problems) -> None:
    app.add_api_route(
        "/v1/alerts",
        readers.alerts.get,
        summary="Alerts",
        description="Newest last; those of a company in their order. A page may have fewer alerts than the limit, "
        "even none, while `more` is true: go on with its cursor. A cursor is good at every process, after restarts, "
        "and after a rebuild of the book: then, too, only alerts of later entries of the journal come.",
        response_model=None,
        responses={200: _example(AlertsAnswer, ALERTS, "A page of alerts"), **usual},
        openapi_extra=alerts_operation(),
    )
    app.add_api_route(
        "/v1/alerts/stream",
        readers.streams.get,
        summary="Alerts as they come",
        description="Server-sent events: all alerts behind the cursor, then new ones. At least once, those of a "
        "company in their order; with `Last-Event-ID` nothing is lost and nothing before it comes again.",
        response_model=None,
        responses={200: stream_answer(), **usual},
        openapi_extra=stream_operation(),
    )


def _add_questions(app: FastAPI, door: QuestionsDoor, every_call: Sequence[str]) -> None:
    app.add_api_route(
        "/v1/questions",
        door.all,
        summary="Questions of analysts",
        description="Each with its parameters and the columns of its answer.",
        response_model=None,
        responses={200: _example(QuestionsAnswer, QUESTIONS, "All questions"), **problems_of(*every_call)},
        openapi_extra=questions_operation(),
    )
    app.add_api_route(
        QUESTION,  # the document has each question in its place
        door.one,
        response_model=None,
        responses={
            200: answer_documented(),
            **problems_of(*every_call, "wrong-parameter", "not-found", "not-acceptable", "too-many-rows"),
        },
    )


def _example(model: type, example: JsonObject, description: str) -> dict[str, Any]:
    return {"description": description, "model": model, "content": {"application/json": {"example": example}}}
