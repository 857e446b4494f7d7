"""The process of ClickHouse's engine with fault points: `python -m tests.support.faulty_clickhouse --path --port`.

It wraps the plain interface. `POST /faults` adds a rule in JSON, `DELETE /faults` removes all, and `GET /faults`
returns the rules and the queries received. The first rule that matches a query and is not used up applies to it.
"""

import asyncio
import os
import re
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

import uvicorn
from anyio import from_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from deploy.embedded.clickhouse.engine import Engine
from deploy.embedded.clickhouse.interface import Interface
from deploy.embedded.clickhouse.query import Answer, EngineError, Execute, Query
from deploy.embedded.clickhouse.serving import configuration, serve

QUERIES_KEPT = 10_000
TOO_MANY_QUERIES = 202  # The interface answers it with 503.

_connection: ContextVar[asyncio.Transport] = ContextVar("connection")


class Point(StrEnum):
    """When the fault happens: before the query runs, between two pieces of an insert's data, or after it ran."""

    BEFORE = "before"
    IN_BODY = "in_body"
    AFTER = "after"


class Action(StrEnum):
    """What happens: the connection is cut, an error is returned, the query waits, or the process is killed."""

    CUT = "cut"
    REFUSE = "refuse"
    WAIT = "wait"
    EXIT = "exit"


@dataclass
class Rule:
    """A fault for queries whose SQL contains the regular expression `match`: it skips `skip` of them, then hits
    `times`.

    `code` is ClickHouse's error code to return; `seconds` is how long to wait (None: until the rules are deleted).
    `taken` counts the queries that it applies to, `hits` those that have reached its point: who sees a hit `after` a
    query sees what that did.
    """

    action: Action
    point: Point = Point.BEFORE
    match: str = ""
    skip: int = 0
    times: int = 1
    code: int = TOO_MANY_QUERIES
    seconds: float | None = None
    taken: int = 0
    hits: int = 0

    def __post_init__(self) -> None:
        self.action, self.point = Action(self.action), Point(self.point)

    def takes(self, sql: str) -> bool:
        """Count the query; returns whether the rule applies to it."""
        if self.taken >= self.times or not re.search(self.match, sql, re.IGNORECASE | re.DOTALL):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.taken += 1
        return True


class FaultPoints:
    """An `Execute` that wraps another one and applies the rules."""

    def __init__(self, execute: Execute) -> None:
        self._execute = execute
        self._released = asyncio.Event()
        self.rules: list[Rule] = []
        self.queries: deque[dict[str, object]] = deque(maxlen=QUERIES_KEPT)

    async def execute(self, query: Query) -> Answer:
        """Run the query, with the fault of the first rule that applies to it."""
        self.queries.append({"sql": query.text, "settings": dict(query.settings)})
        rule = next((rule for rule in self.rules if rule.takes(query.text)), None)
        if rule is None:
            return await self._execute(query)
        if rule.point is Point.BEFORE:
            await self._act(rule)
        if rule.point is Point.IN_BODY:
            query = replace(query, next_piece=self._interrupted(query, rule).__next__)
        answer = await self._execute(query)
        if rule.point is Point.AFTER:
            await self._act(rule)
        return answer

    def _interrupted(self, query: Query, rule: Rule) -> Iterator[bytes]:
        if query.insert is None or not query.insert.data:
            yield query.next_piece()
        from_thread.run(self._act, rule)
        while True:
            yield query.next_piece()

    async def _act(self, rule: Rule) -> None:
        rule.hits += 1
        match rule.action:
            case Action.CUT:
                _connection.get().abort()
                await asyncio.sleep(0)  # Lets the server notice the cut before it tries to answer.
                raise ClientDisconnect
            case Action.REFUSE:
                raise EngineError(rule.code, "Refused by a fault point.")
            case Action.WAIT:
                await self._wait(rule.seconds)
            case Action.EXIT:
                os.kill(os.getpid(), signal.SIGKILL)

    async def _wait(self, seconds: float | None) -> None:
        released = self._released
        try:
            async with asyncio.timeout(seconds):
                await released.wait()
        except TimeoutError:
            return

    def clear(self) -> None:
        """Remove all rules; waiting queries continue."""
        self.rules.clear()
        self._released.set()
        self._released = asyncio.Event()


class Control:
    """The application around the interface. It tells the fault points which connection is used, and serves
    `/faults`."""

    def __init__(self, app: ASGIApp, faults: FaultPoints, transports: dict[object, asyncio.Transport]) -> None:
        self._app = app
        self._faults = faults
        self._transports = transports

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/faults":
            answer = await self._control(Request(scope, receive))
            await answer(scope, receive, send)
            return
        _connection.set(self._transports[tuple(scope["client"])])
        await self._app(scope, receive, send)

    async def _control(self, request: Request) -> Response:
        if request.method == "POST":
            self._faults.rules.append(Rule(**await request.json()))
        elif request.method == "DELETE":
            self._faults.clear()
        return JSONResponse(
            {"rules": [asdict(rule) for rule in self._faults.rules], "queries": [*self._faults.queries]}
        )


def _protocol(transports: dict[object, asyncio.Transport]) -> type[H11Protocol]:
    """uvicorn's protocol, which also records each open connection by its client's address."""

    class Noted(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            transports[transport.get_extra_info("peername")] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Noted


def faulty(engine: Engine) -> uvicorn.Config:
    """The interface with fault points before the engine."""
    transports: dict[object, asyncio.Transport] = {}
    faults = FaultPoints(engine.execute)
    app = Interface(faults.execute, version=engine.version, timezone=engine.timezone).app()
    return configuration(Control(app, faults, transports), _protocol(transports))


if __name__ == "__main__":
    sys.exit(serve(faulty))
