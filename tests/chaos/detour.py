"""A network that can be cut, slow, or swallow everything: a TCP proxy before each broker, in a thread of its own."""

import asyncio
import ssl
import threading
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

LOOPBACK: Final = "127.0.0.1"
PIECE_BYTES: Final = 64 * 1024
ANSWER_LIMIT_S: Final = 10.0


class Detour:
    """Proxies to these ports, such as brokers'. Everything passes at first; connections survive `swallow`.

    With `encrypted`, clients connect to the proxies with TLS; behind the proxies connections are plain.
    """

    def __init__(self, ports: Iterable[int], encrypted: ssl.SSLContext | None = None) -> None:
        self._encrypted = encrypted
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="detour", daemon=True)
        self._thread.start()
        self._passes = asyncio.Event()
        self._delay_s = 0.0
        self._is_cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._servers: list[asyncio.Server] = []
        self.ports: Mapping[int, int] = {port: self._do(self._listen(port)) for port in ports}

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(ANSWER_LIMIT_S)

    async def _listen(self, port: int) -> int:
        async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._lead(port, reader, writer)

        self._passes.set()
        server = await asyncio.start_server(lead, LOOPBACK, 0, ssl=self._encrypted)
        self._servers.append(server)
        own: int = server.sockets[0].getsockname()[1]
        return own

    async def _lead(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self._open.add(writer)
        with suppress(OSError):
            if not self._is_cut:
                there, back = await asyncio.open_connection(LOOPBACK, port)
                self._open.add(back)
                ways = [asyncio.create_task(self._carry(*way)) for way in ((reader, back), (there, writer))]
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                for way in ways:
                    way.cancel()
                self._end(back)
        self._end(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                await asyncio.sleep(self._delay_s)
                await self._passes.wait()
                writer.write(piece)
                await writer.drain()

    def _end(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.transport.abort()

    def cut(self) -> None:
        """Reset every connection, also new ones, until `heal`."""
        self._do(self._cut())

    async def _cut(self) -> None:
        self._is_cut = True
        for writer in list(self._open):
            self._end(writer)

    def slow(self, delay_s: float) -> None:
        """Delay each piece by `delay_s` in both directions."""
        self._delay_s = delay_s

    def swallow(self) -> None:
        """Keep and accept connections, but deliver nothing until `heal`."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def heal(self) -> None:
        """Let everything pass again; what was held back is delivered late on connections that still exist."""
        self._is_cut, self._delay_s = False, 0.0
        self._loop.call_soon_threadsafe(self._passes.set)

    def close(self) -> None:
        """Close all connections and stop listening."""
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ANSWER_LIMIT_S)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        await self._cut()
        ways = asyncio.all_tasks() - {asyncio.current_task()}
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
