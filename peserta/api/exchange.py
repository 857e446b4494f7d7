"""Steps for every request and answer: reading the rest of the body before the answer begins, headers, counting."""

import asyncio
import time
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from peserta.api.limits import Limits
from peserta.api.metrics import ApiMetrics

NO_ROUTE: Final = "none"
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self' 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Exchanges:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, limits: Limits, metrics: ApiMetrics) -> None:
        self._app, self._limits, self._metrics = app, limits, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive)
        began_s = time.perf_counter()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not await body.drained(self._limits):
                    headers["Connection"] = "close"
                route = getattr(scope.get("route"), "path", NO_ROUTE)
                self._metrics.answered(route, message["status"], time.perf_counter() - began_s)
            await send(message)

        self._metrics.began()
        try:
            await self._app(scope, body.receive, answer)
        finally:
            self._metrics.ended()


class _Body:
    """The body of a request, and whether it was read to its end."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._headers, self._receive = Headers(scope=scope), receive
        self._ended = "content-length" not in self._headers and "transfer-encoding" not in self._headers
        self._began_s = asyncio.get_running_loop().time()

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._ended = True
        return message

    async def drained(self, limits: Limits) -> bool:
        """Read the rest of an unwanted body, since many clients read the answer only after sending the whole body.

        Returns False if the body does not end within the limits (its time counts from the beginning of the request), or
        if the client waits for `100 Continue`, in which case nothing is read.
        """
        left = limits.drained_bytes
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._began_s + limits.body_seconds):
                while not self._ended and left > 0 and "expect" not in self._headers:
                    left -= len((await self.receive()).get("body", b""))
        return self._ended
