"""ClickHouse's HTTP interface as its ordinary clients use it (clickhouse-connect, curl), as an ASGI application.

Not supported, and rejected with a clear error: users and passwords, ClickHouse's own block compression (`compress=1`),
external tables. Requests from web pages are rejected, because a page can make a browser on this
machine send them.
"""

import base64
import binascii
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping

from anyio import from_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.embedded.clickhouse.codings import Decoder, encode
from deploy.embedded.clickhouse.form import form_fields, is_form
from deploy.embedded.clickhouse.query import Answer, EngineError, Execute, Query, Session
from deploy.embedded.clickhouse.statement import INSERT_HEAD_BYTES, insert_head, is_insert

SESSION_TIMEOUT_S = 60.0
SESSION_TIMEOUT_MAX_S = 3600.0

NOT_IMPLEMENTED = 48
SYNTAX_ERROR = 62
AUTHENTICATION_FAILED = 516

# Parameters of the protocol; every other parameter is a setting of the query.
_EXCHANGE = frozenset(
    {
        "query",
        "database",
        "default_format",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "user",
        "password",
        "compress",
        "decompress",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
        "role",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
    }
)
# HTTP status by error code, as in ClickHouse; all others are 500.
_STATUS = {
    400: (6, 26, 27, 33, 36, 38, 41, 43, 53, 62, 69, 70, 89, 117, 456),
    403: (164, 192, 193, 497, 516),
    404: (46, 47, 60, 81, 115, 372),
    408: (159, 209),
    501: (48,),
    503: (202,),
}
_STATUS_OF_CODE = {code: status for status, codes in _STATUS.items() for code in codes}
_COUNTS = (
    "read_rows",
    "read_bytes",
    "written_rows",
    "written_bytes",
    "total_rows_to_read",
    "result_rows",
    "result_bytes",
)


class Body:
    """The decompressed body of a request, read piece by piece from the event loop or from the query's thread."""

    def __init__(self, request: Request) -> None:
        """Reads nothing yet. An unknown content coding raises EngineError at the first piece."""
        self._coding = request.headers.get("content-encoding", "")
        self._pieces = self._plain(request)

    async def _plain(self, request: Request) -> AsyncIterator[bytes]:
        decoder = Decoder(self._coding)
        is_empty = True
        async for piece in request.stream():
            is_empty = is_empty and not piece
            if plain := decoder.feed(piece):
                yield plain
        if not is_empty:
            decoder.finish()

    async def next_piece(self) -> bytes:
        """The next bytes, or `b""` at the end. Raises ClientDisconnect if the client has disconnected."""
        return await anext(self._pieces, b"")

    def next_piece_in_thread(self) -> bytes:
        """As `next_piece`, called from a worker thread."""
        return from_thread.run(self.next_piece)

    async def rest(self) -> bytes:
        """The remaining bytes."""
        return b"".join([piece async for piece in self._pieces])


class Interface:
    """Translates requests into queries and answers into responses; `execute` runs the queries."""

    def __init__(self, execute: Execute, *, version: str, timezone: str) -> None:
        """`version` and `timezone` are the engine's, for the headers."""
        self._execute = execute
        self._version = version
        self._timezone = timezone

    def app(self) -> Starlette:
        """The application."""
        routes = [
            Route("/ping", _ping, methods=["GET", "HEAD"]),
            Route("/", self._serve, methods=["GET", "POST"]),
        ]
        own_hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        return Starlette(routes=routes, middleware=[own_hosts])

    async def _serve(self, request: Request) -> Response:
        asked = dict(request.query_params)
        common = {
            "X-ClickHouse-Query-Id": asked.get("query_id") or str(uuid.uuid4()),
            "X-ClickHouse-Server-Display-Name": "chdb",
            "X-ClickHouse-Timezone": self._timezone,
        }
        began = time.perf_counter_ns()
        try:
            answer = await self._answer(request, asked)
        except EngineError as error:
            return self._refusal(error, common)
        except ClientDisconnect:
            return Response(status_code=400)  # The client has gone.
        elapsed_ns = time.perf_counter_ns() - began
        return _response(answer, common, elapsed_ns, request.headers, asked.get("enable_http_compression") == "1")

    async def _answer(self, request: Request, asked: Mapping[str, str]) -> Answer:
        _check(request, asked)
        body, content_type = Body(request), request.headers.get("content-type", "")
        return await self._execute(await _query(request, asked, body, content_type if is_form(content_type) else ""))

    def _refusal(self, error: EngineError, common: Mapping[str, str]) -> Response:
        status = _STATUS_OF_CODE.get(error.code, 500)
        text = f"{error.text} (version {self._version} (official build))\n"
        return PlainTextResponse(text, status, {**common, "X-ClickHouse-Exception-Code": str(error.code)})


async def _ping(request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


def _check(request: Request, asked: Mapping[str, str]) -> None:
    """Raise EngineError for a request that this server does not support."""
    if request.headers.get("origin") or request.headers.get("sec-fetch-site", "none") != "none":
        raise EngineError(AUTHENTICATION_FAILED, "Requests from web pages are refused. (AUTHENTICATION_FAILED)")
    if _credentials(request, asked) != ("default", ""):
        text = "The embedded server has only the user default without a password. (AUTHENTICATION_FAILED)"
        raise EngineError(AUTHENTICATION_FAILED, text)
    if asked.get("compress") == "1" or asked.get("decompress") == "1":
        raise EngineError(NOT_IMPLEMENTED, "Use a content coding, not compress or decompress. (NOT_IMPLEMENTED)")


def _credentials(request: Request, asked: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password
    user = request.headers.get("x-clickhouse-user") or asked.get("user", "default")
    return user, request.headers.get("x-clickhouse-key") or asked.get("password", "")


async def _query(request: Request, asked: Mapping[str, str], body: Body, form: str) -> Query:
    """The request's query. Only the beginning of an insert's data is read here. `form` is the type of a body that has
    fields, which stand beside those of the address."""
    try:
        if form:
            asked = {**asked, **form_fields(form, await body.rest())}
        return await _parsed(request, asked, body)
    except UnicodeDecodeError as error:
        raise EngineError(SYNTAX_ERROR, "The statement is not UTF-8. (SYNTAX_ERROR)") from error


async def _parsed(request: Request, asked: Mapping[str, str], body: Body) -> Query:
    head = asked.get("query", "").encode()
    insert = insert_head(head)
    if insert is None:
        head += b"\n" if head else b""
        while (piece := await body.next_piece()) and len(head) <= INSERT_HEAD_BYTES:
            head += piece
            if not is_insert(head) or (insert := insert_head(head)):
                break
    sql = "" if insert else (head + await body.rest()).decode()
    session, read_only = _session(asked), request.method == "GET"
    return Query(
        sql=sql,
        insert=insert,
        next_piece=body.next_piece_in_thread,
        settings={name: value for name, value in asked.items() if not _is_of_exchange(name)},
        parameters={name.removeprefix("param_"): value for name, value in asked.items() if name.startswith("param_")},
        database=asked.get("database") or request.headers.get("x-clickhouse-database"),
        session=None if read_only else session,  # A link can make a browser send GET, so GET must change nothing.
        default_format=asked.get("default_format") or request.headers.get("x-clickhouse-format") or "TabSeparated",
        read_only=read_only,
    )


def _is_of_exchange(name: str) -> bool:
    return name in _EXCHANGE or name.startswith("param_")


def _session(asked: Mapping[str, str]) -> Session | None:
    name = asked.get("session_id")
    if not name:
        return None
    seconds = asked.get("session_timeout", "")
    timeout_s = min(float(seconds), SESSION_TIMEOUT_MAX_S) if re.fullmatch(r"\d{1,9}", seconds) else SESSION_TIMEOUT_S
    return Session(name, timeout_s, asked.get("session_check") == "1")


def _response(
    answer: Answer, common: Mapping[str, str], elapsed_ns: int, asked: Mapping[str, str], may_compress: bool
) -> Response:
    counts = dict.fromkeys(_COUNTS, 0) | dict(answer.summary) | {"elapsed_ns": elapsed_ns}
    headers = {**common, "X-ClickHouse-Summary": json.dumps({name: str(count) for name, count in counts.items()})}
    if answer.format:
        headers["X-ClickHouse-Format"] = answer.format
    body = answer.body
    if may_compress and body:
        coding, body = encode(asked.get("accept-encoding", ""), body)
        if coding:
            headers["Content-Encoding"] = coding
    return Response(body, headers=headers, media_type="text/plain; charset=UTF-8")
