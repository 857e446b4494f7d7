"""Lines read ahead in a thread: all arrive in order, none waits for the next, and an error comes after them."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from itertools import count, repeat
from typing import Final

import pytest

from peserta.intake.lines_ahead import LINES_AHEAD_MAX, Line, LinesAhead

LIMIT_S: Final = 30.0
LONG_S: Final = 1.0  # long enough for a reader without a limit to read too far


async def next_lines(batches: AsyncGenerator[list[Line], None]) -> list[Line]:
    """The next batch that is not empty."""
    while not (batch := await anext(batches)):
        pass
    return batch


async def test_all_lines_in_order() -> None:
    lines = [(number, b"x") for number in range(3 * LINES_AHEAD_MAX)]
    taken = [line async for batch in LinesAhead(lines).batches() for line in batch]
    assert taken == lines


async def test_no_lines() -> None:
    assert [batch async for batch in LinesAhead([]).batches()] == []


async def test_a_line_is_there_before_the_next_one_is_written() -> None:
    go_on = threading.Semaphore(0)

    def slow() -> Iterator[tuple[int, bytes]]:
        for number in range(3):
            assert go_on.acquire(timeout=LIMIT_S)
            yield number, b"x"

    async with asyncio.timeout(LIMIT_S), aclosing(LinesAhead(slow()).batches()) as batches:
        for number in range(3):
            go_on.release()
            assert await next_lines(batches) == [(number, b"x")]


async def test_who_waits_for_lines_can_do_something_else_meanwhile() -> None:
    go_on = threading.Event()

    def nothing_yet() -> Iterator[tuple[int, bytes]]:
        assert go_on.wait(LIMIT_S)
        yield 1, b"x"

    async with aclosing(LinesAhead(nothing_yet()).batches()) as batches:
        assert await anext(batches) == []
        go_on.set()
        assert await next_lines(batches) == [(1, b"x")]


async def test_no_more_is_read_than_has_room() -> None:
    is_too_far = threading.Event()

    def endless() -> Iterator[tuple[int, bytes]]:
        for number in count(1):
            if number > 3 * LINES_AHEAD_MAX:
                is_too_far.set()
            yield number, b"x"

    async with aclosing(LinesAhead(endless()).batches()) as batches:
        assert len(await next_lines(batches)) <= LINES_AHEAD_MAX
        assert not await asyncio.to_thread(is_too_far.wait, LONG_S)
        assert len(await next_lines(batches)) == LINES_AHEAD_MAX


async def test_what_goes_wrong_is_raised_behind_the_lines_before_it() -> None:
    def broken() -> Iterator[tuple[int, bytes]]:
        yield 1, b"x"
        raise OSError("gone")

    taken = []
    with pytest.raises(OSError, match="gone"):
        async for batch in LinesAhead(broken()).batches():
            taken += batch
    assert taken == [(1, b"x")]


async def test_who_leaves_early_leaves_no_thread_that_reads_on() -> None:
    before = set(threading.enumerate())
    async with aclosing(LinesAhead(repeat((1, b"x"))).batches()) as batches:
        await next_lines(batches)
        (reading,) = set(threading.enumerate()) - before
        assert reading.is_alive()
    await asyncio.to_thread(reading.join, LIMIT_S)
    assert not reading.is_alive()
