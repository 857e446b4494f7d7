"""Reading a body completely before answering, with limits for each body and for all bodies together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from peserta.api.limits import Limits
from peserta.api.problems import Problem

RETRY_S = 1


class Bodies:
    """The bodies in the memory of a process."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held_bytes = 0

    @asynccontextmanager
    async def body_of(self, request: Request) -> AsyncIterator[bytes]:
        """The body of a request, kept in memory while inside the context. Raises Problem if it is too large or too
        slow, or if other bodies take all the room."""
        chunks: list[bytes] = []
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                await self._read(request, chunks)
        except TimeoutError:
            self._held_bytes -= sum(map(len, chunks))
            raise Problem(
                "too-slow", f"The whole body must come within {self._limits.body_seconds:g} seconds."
            ) from None
        except BaseException:
            self._held_bytes -= sum(map(len, chunks))
            raise
        body = b"".join(chunks)
        chunks.clear()
        try:
            yield body
        finally:
            self._held_bytes -= len(body)

    async def _read(self, request: Request, chunks: list[bytes]) -> None:
        own_bytes, most = 0, self._limits.body_bytes
        if _announced_bytes(request) > most:
            raise self._too_large()
        async for chunk in request.stream():
            own_bytes += len(chunk)
            if own_bytes > most:
                raise self._too_large()
            if self._held_bytes + len(chunk) > self._limits.bodies_bytes:
                raise Problem(
                    "not-now", "Too many bodies are read at the moment. Send it again.", retry_after_s=RETRY_S
                )
            self._held_bytes += len(chunk)
            chunks.append(chunk)

    def _too_large(self) -> Problem:
        return Problem("too-large", f"A body may have {self._limits.body_bytes} bytes: send it in several requests.")


def _announced_bytes(request: Request) -> int:
    """The value of Content-Length, 0 without it. The server has checked that it is a number."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
