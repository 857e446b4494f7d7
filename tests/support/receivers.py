"""Receivers of notices on the loopback address, which behave as well or as badly as a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Receiver:
    """A real HTTP server, and what it was sent: path, headers and body of each request."""

    port: int = 0
    scheme: str = "http"
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))  # one for each request
    released: asyncio.Event = field(default_factory=asyncio.Event)  # set when the test is over: lets those go who hang

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}/hook"


RECEIVER: Final = web.AppKey("receiver", Receiver)


@asynccontextmanager
async def receiving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """A receiver that answers with this handler."""
    receiver = Receiver(scheme="https" if tls else "http")

    async def take(request: web.Request) -> web.StreamResponse:
        receiver.requests.append((request.path, dict(request.headers), await request.read()))
        receiver.arrived.release()
        return await handler(request)

    app = web.Application()
    app[RECEIVER] = receiver
    app.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        receiver.released.set()
        await runner.cleanup()


@asynccontextmanager
async def talking(talk: Talk) -> AsyncIterator[Receiver]:
    """A server that says what it likes, in TCP."""
    receiver = Receiver()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except ConnectionError:
            pass  # the other side had enough
        finally:
            writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.close()


def answering(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Handler:
    """Always this answer."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers, body=body)

    return answer


async def hanging(request: web.Request) -> web.StreamResponse:
    """No answer as long as the test lasts."""
    await request.app[RECEIVER].released.wait()
    return web.Response()
