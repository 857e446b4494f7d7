"""The application: built from the parts that a process passes in, with its table of routes."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CollectorRegistry
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Lifespan

from peserta.api.alerts import AlertsDoor
from peserta.api.answers import FateAnswer, LiveAnswer, ReadyAnswer, TakenAnswer
from peserta.api.bodies import Bodies
from peserta.api.causes import Causes
from peserta.api.companies import CompaniesDoor
from peserta.api.documents import FATE, REASONS, TAKEN, TITLE, document, facts_operation, fate_operation, problems_of
from peserta.api.entrance import Entrance
from peserta.api.exchange import Exchanges
from peserta.api.facts import FactsDoor
from peserta.api.fates import FatesDoor
from peserta.api.handling import HandlingDoor
from peserta.api.limits import Limits
from peserta.api.metrics import ApiMetrics
from peserta.api.page import page
from peserta.api.probes import Probes
from peserta.api.problems import Problem, answer_problem
from peserta.api.questions import QuestionsDoor
from peserta.api.reading_routes import Readers, add_readers
from peserta.api.statements import StatementsDoor
from peserta.api.streams import Streams
from peserta.api.turns import Turns
from peserta.intake.door import Door
from peserta.intake.fact_log import FactLog
from peserta.operations.alert_feed import AlertFeed
from peserta.operations.company_pages import Companies
from peserta.operations.fact_reading import FactFates
from peserta.operations.handling import HandlingWriter
from peserta.operations.keys_known import KnownKeys
from peserta.operations.question_reading import Answers
from peserta.operations.statement import Statements
from schemas.records import Instant

DESCRIPTION: Final = (
    "The door of the book of coverage for other systems: facts in, what became of them, figures and alerts out."
)
VERSION: Final = "1"
# The framework's spans and logs would contain paths, and so event_ids, and the environment decides where they go.
NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False, "metrics": False, "logs": False, "operation_spans": False, "auto_configure": False
}  # fmt: skip
EVERY_CALL: Final = ("no-key", "not-allowed", "too-many", "not-now")


@dataclass(frozen=True)
class Parts:
    """The parts of the application. `now` is the wall clock."""

    door: Door
    log: FactLog
    fates: FactFates
    companies: Companies
    answers: Answers
    statements: Statements
    alerts: AlertFeed
    handling: HandlingWriter
    keys: KnownKeys
    now: Callable[[], Instant]
    limits: Limits = field(default_factory=Limits)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


def make_app(parts: Parts, lifespan: Lifespan[Any] | None = None) -> FastAPI:
    """Build the application. It connects to nothing: the caller starts and stops the parts, and calls
    `app.state.streams.end()` when the process is to stop."""
    metrics = ApiMetrics(parts.registry)
    metrics.feed(parts.alerts.is_current, lambda: len(parts.alerts.alerts))
    app = FastAPI(
        title=TITLE, description=DESCRIPTION, version=VERSION, lifespan=lifespan,
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False,
        telemetry=NO_TELEMETRY,
    )  # fmt: skip
    entrance = Entrance(parts.keys, parts.limits, metrics, parts.now)
    facts = FactsDoor(parts.door, parts.log, entrance, Bodies(parts.limits), metrics)
    _add_facts(app, facts)
    turns = Turns(parts.limits)
    _add_fates(app, FatesDoor(parts.fates, entrance, turns))
    app.state.streams = Streams(parts.alerts, entrance, parts.limits, metrics)
    readers = Readers(
        CompaniesDoor(parts.companies, entrance, turns, parts.limits),
        StatementsDoor(parts.statements, entrance, turns),
        AlertsDoor(parts.alerts, entrance, parts.limits),
        app.state.streams,
        HandlingDoor(parts.alerts, parts.handling, entrance, parts.limits, metrics, parts.now),
        QuestionsDoor(parts.answers, entrance, turns, parts.limits),
    )
    add_readers(app, readers, EVERY_CALL)
    _add_probes(app, Probes(parts.keys, parts.registry))
    _add_documents(app)

    causes = Causes(parts.now)

    async def answer(request: Request, error: Exception) -> Response:
        problem = error if isinstance(error, Problem) else _problem_of(error)
        metrics.problem(problem.name)
        causes.note(problem)
        return await answer_problem(request, problem)

    for kind in (Problem, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
    app.add_middleware(Exchanges, limits=parts.limits, metrics=metrics)
    return app


def _add_facts(app: FastAPI, facts: FactsDoor) -> None:
    app.add_api_route(
        "/v1/facts",
        facts.post,
        methods=["POST"],
        summary="Post facts",
        description="Answers when Kafka has acknowledged every accepted fact. What is sent again with the same "
        "event_id counts once, so that a request without an answer is simply sent again.",
        response_model=None,
        responses={
            200: {
                "description": "Every accepted fact is in Kafka; the others are refused, each with its reason",
                "model": TakenAnswer,
                "content": {"application/json": {"example": TAKEN}},
            },
            **problems_of(*EVERY_CALL, "unreadable", "wrong-parameter", "too-slow", "too-large"),
            **problems_of("unknown-form", "refused"),
        },
        openapi_extra=facts_operation(),
    )


def _add_fates(app: FastAPI, fates: FatesDoor) -> None:
    app.add_api_route(
        # A company_id may contain a slash, an event_id may not.
        "/v1/facts/{company:path}/{event_id}",
        fates.get,
        summary="What became of a fact",
        description="`state` is `unknown`, `recorded` (in the journal, and not judged yet), or the disposition: "
        "`applied`, `no_effect`, `duplicate`, or `dead_letter:` and a reason. `speaks` says up to where in the journal "
        "this was looked at: a fact that was just posted is `unknown` for a moment.",
        response_model=None,
        responses={
            200: {
                "description": "What is known of it",
                "model": FateAnswer,
                "content": {"application/json": {"example": FATE}},
            },
            **problems_of(*EVERY_CALL, "wrong-parameter", "not-found"),  # an id with a line break matches no route
        },
        openapi_extra=fate_operation(),
    )


def _add_probes(app: FastAPI, probes: Probes) -> None:
    unready: dict[int | str, dict[str, Any]] = {503: {"model": ReadyAnswer, "description": "It waits for something"}}
    app.add_api_route("/livez", probes.live, response_model=LiveAnswer, summary="Whether the process answers")
    app.add_api_route(
        "/readyz", probes.ready, response_model=ReadyAnswer, responses=unready, summary="Whether it can serve"
    )
    app.add_api_route(
        "/metrics",
        probes.metrics,
        response_model=None,
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}, "description": "Metrics for Prometheus"}},
        summary="What it has counted",
    )


def _add_documents(app: FastAPI) -> None:
    def said() -> dict[str, Any]:
        if not hasattr(app.state, "document"):
            app.state.document = document(app)
        found: dict[str, Any] = app.state.document
        return found

    async def openapi(request: Request) -> Response:
        return Response(json.dumps(said(), ensure_ascii=False), media_type="application/json")

    async def docs(request: Request) -> Response:
        return HTMLResponse(page(said(), REASONS))

    app.add_api_route("/openapi.json", openapi, include_in_schema=False)
    app.add_api_route("/docs", docs, include_in_schema=False)


def _problem_of(error: Exception) -> Problem:
    """The problem for an error of the framework or an unexpected one. The error's text may repeat the request."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        return Problem("not-found", "The calls are listed at /docs.")
    if status == 405:
        return Problem("wrong-method", "The calls are listed at /docs.")
    return Problem("unexpected", "The service's log says more.")
