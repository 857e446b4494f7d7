"""The HTTP application of a test for clients that block or are other processes, and answers that are lost."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import httpx2
import uvicorn
from tenacity import AsyncRetrying, retry_if_result, stop_after_delay, wait_fixed

from tests.support.http_door import HttpDoor
from tests.support.waiting import LIMIT_S, wait_until

INTERVAL_S: Final = 0.005


class BlockingDoor(httpx2.BaseTransport):
    """An ASGI application without a socket, each request on an event loop of this transport's own."""

    def __init__(self, application: object) -> None:
        self._asgi = httpx2.ASGITransport(application, raise_app_exceptions=False)  # type: ignore[arg-type]
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """See BaseTransport."""
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        copy = httpx2.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._asgi.handle_async_request(copy)
        return httpx2.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    def close(self) -> None:
        """Close the event loop."""
        self._runner.close()


class LosingAnswers(httpx2.AsyncBaseTransport):
    """Requests reach the other transport; of the first answers each is lost by one of these errors."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, errors: list[httpx2.TransportError]) -> None:
        self._transport, self._errors = transport, errors

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See AsyncBaseTransport."""
        answer = await self._transport.handle_async_request(request)
        if self._errors:
            raise self._errors.pop(0)
        return answer


@contextmanager
def served(door: HttpDoor) -> Iterator[str]:
    """The URL of the door on the loopback address."""
    server = uvicorn.Server(uvicorn.Config(door.app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@asynccontextmanager
async def serving(door: HttpDoor) -> AsyncIterator[int]:
    """The port of the door on the loopback address, served on this event loop. Its streams end with the context."""
    server = uvicorn.Server(uvicorn.Config(door.app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        door.app.state.streams.end()
        server.should_exit = True
        await task


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds, and let this event loop go on meanwhile."""
    looks = AsyncRetrying(
        retry=retry_if_result(lambda held: not held), wait=wait_fixed(INTERVAL_S), stop=stop_after_delay(LIMIT_S)
    )

    async def look() -> bool:
        return condition()

    await looks(look)
