"""Refused requests as `application/problem+json` (RFC 9457). No answer repeats a value of the request."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

PROBLEM: Final = "application/problem+json"
TYPE: Final = "urn:peserta:problem:"

# Name of a problem -> its status and its title. The names are part of the contract with callers.
PROBLEMS: Final[Mapping[str, tuple[HTTPStatus, str]]] = {
    "unreadable": (HTTPStatus.BAD_REQUEST, "The body cannot be read"),
    "wrong-parameter": (HTTPStatus.BAD_REQUEST, "A parameter is wrong"),
    "no-key": (HTTPStatus.UNAUTHORIZED, "A valid key is needed"),
    "not-allowed": (HTTPStatus.FORBIDDEN, "The key does not allow this"),
    "not-found": (HTTPStatus.NOT_FOUND, "There is nothing here"),
    "wrong-method": (HTTPStatus.METHOD_NOT_ALLOWED, "The method is not allowed here"),
    "not-acceptable": (HTTPStatus.NOT_ACCEPTABLE, "The answer is not written in that form"),
    "ended": (HTTPStatus.CONFLICT, "The episode is over"),
    "too-slow": (HTTPStatus.REQUEST_TIMEOUT, "The body did not come in time"),
    "too-large": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    "unknown-form": (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The form of the body is not known"),
    "refused": (HTTPStatus.UNPROCESSABLE_ENTITY, "A fact was refused, and nothing was published"),
    "too-many-rows": (HTTPStatus.UNPROCESSABLE_ENTITY, "The answer has too many rows"),
    "too-many": (HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    "unexpected": (HTTPStatus.INTERNAL_SERVER_ERROR, "An unexpected error"),
    "not-now": (HTTPStatus.SERVICE_UNAVAILABLE, "This cannot be done now"),
}


class Problem(Exception):
    """A request that is answered with a problem. `retry_after_s`: seconds until the client should try again."""

    def __init__(self, name: str, detail: str, *, retry_after_s: int | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.name, self.detail, self.retry_after_s, self.members = name, detail, retry_after_s, members

    @property
    def status(self) -> HTTPStatus:
        """The status of the answer."""
        return PROBLEMS[self.name][0]

    def response(self) -> Response:
        """The answer."""
        status, title = PROBLEMS[self.name]
        fields = {"type": TYPE + self.name, "title": title, "status": status.value, "detail": self.detail}
        headers: dict[str, str] = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.name == "no-key":
            headers["WWW-Authenticate"] = 'Bearer realm="peserta"'
        return Response(json.dumps(fields | self.members), status, headers, PROBLEM)


async def answer_problem(_request: Request, error: Exception) -> Response:
    """The exception handler for Problem."""
    assert isinstance(error, Problem)
    return error.response()
