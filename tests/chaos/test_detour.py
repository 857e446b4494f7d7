"""The proxy of the harness does what the scenarios of the network count on: passes, cuts, slows, swallows, heals."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.chaos.detour import LOOPBACK, PIECE_BYTES, Detour

LIMIT_S = 10.0
PIECE = b"piece"
LONG = bytes(range(256)) * (PIECE_BYTES // 64)  # several pieces, each byte in its place


class Line:
    """A connection to a server that sends everything back."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int) -> "Line":
        return cls(*await asyncio.open_connection(LOOPBACK, port))

    async def back(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), LIMIT_S)

    async def says(self, what: bytes) -> bytes:
        self.writer.write(what)
        return await self.back(len(what))

    async def is_ended(self) -> bool:
        """Once it is; TimeoutError if it stays."""
        try:
            return await asyncio.wait_for(self.reader.read(1), LIMIT_S) == b""
        except ConnectionResetError:
            return True


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE_BYTES):
            writer.write(piece)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_everything_passes_in_its_order_both_ways(port: int) -> None:
    with Detour([port]) as detour:
        assert await (await Line.to(detour.ports[port])).says(LONG) == LONG


async def test_a_cut_ends_every_connection_and_each_new_one_until_it_is_healed(port: int) -> None:
    with Detour([port]) as detour:
        standing = await Line.to(detour.ports[port])
        await standing.says(PIECE)
        detour.cut()
        assert await standing.is_ended()
        assert await (await Line.to(detour.ports[port])).is_ended()
        detour.heal()
        assert await (await Line.to(detour.ports[port])).says(PIECE) == PIECE


async def test_what_is_swallowed_stays_away_and_comes_when_it_is_healed(port: int) -> None:
    with Detour([port]) as detour:
        swallowed, beside = await Line.to(detour.ports[port]), await Line.to(port)
        await swallowed.says(PIECE)
        detour.swallow()
        swallowed.writer.write(PIECE)
        answer = asyncio.create_task(swallowed.back(len(PIECE)))
        for _ in range(20):
            assert await beside.says(LONG) == LONG  # long enough for a piece that passes
        assert not answer.done()
        detour.heal()
        assert await answer == PIECE


async def test_what_is_slow_comes_later_than_what_is_not_and_all_of_it_comes(port: int) -> None:
    with Detour([port]) as detour:
        slow, beside = await Line.to(detour.ports[port]), await Line.to(port)
        await slow.says(PIECE)
        detour.slow(0.5)
        slow.writer.write(PIECE)
        answer = asyncio.create_task(slow.back(len(PIECE)))
        for _ in range(200):
            assert await beside.says(PIECE) == PIECE
        assert not answer.done()
        assert await answer == PIECE


async def test_nothing_is_left_when_it_is_closed(port: int) -> None:
    detour = Detour([port])
    line = await Line.to(detour.ports[port])
    await line.says(PIECE)
    detour.close()
    assert await line.is_ended()
    with pytest.raises(OSError):
        await Line.to(detour.ports[port])
