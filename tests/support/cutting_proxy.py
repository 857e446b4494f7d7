"""A TCP proxy on the loopback address that cuts each connection after so many bytes of the answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from typing import Final

LOOPBACK: Final = "127.0.0.1"
PIECE_BYTES: Final = 4096


class CuttingProxy:
    """Leads the connections to these ports in turn. Of connection n, `passed[n]` bytes of the answer pass; behind the
    end of `passed` all do."""

    def __init__(self, ports: Sequence[int], passed: Iterator[int]) -> None:
        self._ports, self._passed = ports, passed
        self._number = count()
        self.cuts = 0
        self.port = 0

    async def lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        left = next(self._passed, None)
        there, back = await asyncio.open_connection(LOOPBACK, self._ports[next(self._number) % len(self._ports)])
        asking = asyncio.create_task(_carry(reader, back))
        with suppress(OSError):
            while (left is None or left > 0) and (piece := await there.read(min(left or PIECE_BYTES, PIECE_BYTES))):
                writer.write(piece)
                await writer.drain()
                left = None if left is None else left - len(piece)
        self.cuts += left == 0
        asking.cancel()
        for each in (back, writer):
            each.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cutting(ports: Sequence[int], passed: Iterator[int]) -> AsyncIterator[CuttingProxy]:
    """A proxy before these ports."""
    proxy = CuttingProxy(ports, passed)
    server = await asyncio.start_server(proxy.lead, LOOPBACK, 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
