"""Request bodies: memory and time limit their number, and the door reads each body before it answers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest

from peserta.api.limits import Limits
from peserta.api.media import JSON, LINES
from schemas.fact_json import line_of
from tests.support.facts import hire
from tests.support.held_fact_log import HeldFactLog
from tests.support.http_door import HttpDoor

GOOD: Final = line_of(hire("e1", "2025-09-01")).encode()


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def streamed(door: HttpDoor, body: AsyncIterator[bytes], secret: str | None = "") -> tuple[int, dict[str, str]]:
    async with door.client(secret) as client:
        answer = await client.post("/v1/facts", content=body, headers={"Content-Type": LINES})
    return answer.status_code, dict(answer.headers)


async def test_a_body_may_come_in_any_pieces() -> None:
    door = HttpDoor()
    status, _ = await streamed(door, parts(*(bytes([byte]) for byte in GOOD + b"\n" + GOOD)))
    assert (status, len(door.log.sent)) == (200, 2)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in pieces"])
async def test_a_body_that_is_too_large_publishes_nothing(announced: bool) -> None:
    door = HttpDoor(limits=Limits(body_bytes=len(GOOD)))
    assert (await door.post(GOOD)).status_code == 200
    over = GOOD + b"\n"
    status = (await door.post(over)).status_code if announced else (await streamed(door, parts(GOOD, b"\n")))[0]
    assert (status, door.log.calls) == (413, 1)


async def test_a_body_of_all_the_bytes_that_it_may_have() -> None:
    most = Limits().body_bytes
    assert (await HttpDoor().post(GOOD.ljust(most))).json()["accepted"] == 1
    assert (await HttpDoor().post(GOOD.ljust(most + 1))).status_code == 413


async def test_a_body_with_too_many_lines_publishes_nothing() -> None:
    door = HttpDoor()
    assert (await door.post(b"\n" * 10_001, LINES)).status_code == 413
    assert (await door.post(b"[" + b",".join([b"1"] * 10_001) + b"]", JSON)).status_code == 413
    assert door.log.calls == 0


async def test_a_body_that_does_not_end_is_given_up() -> None:
    door = HttpDoor(limits=Limits(body_seconds=0.05))

    async def endless() -> AsyncIterator[bytes]:
        yield GOOD
        await asyncio.Event().wait()

    status, _ = await streamed(door, endless())
    assert (status, door.log.calls) == (408, 0)


async def test_of_all_bodies_no_more_is_held_than_there_is_room_for() -> None:
    door = HttpDoor(HeldFactLog(held=True), limits=Limits(bodies_bytes=len(GOOD) * 3 // 2))
    first = asyncio.create_task(door.post(GOOD))
    await door.log.has_been_called.wait()
    second = await door.post(GOOD)
    assert (second.status_code, "retry-after" in second.headers) == (503, True)
    door.log.release()
    assert (await first).status_code == 200
    for _ in range(3):
        assert (await door.post(GOOD)).status_code == 200


@pytest.mark.parametrize("over", [408, 413, 503])
async def test_the_room_of_a_body_that_was_refused_is_free_again(over: int) -> None:
    limits = Limits(
        body_bytes=len(GOOD) if over == 413 else 10_000, bodies_bytes=len(GOOD), body_seconds=0.1 if over == 408 else 30
    )
    door = HttpDoor(limits=limits)

    async def wrong() -> AsyncIterator[bytes]:
        yield GOOD[:10]
        if over == 408:
            await asyncio.Event().wait()
        yield GOOD

    assert (await streamed(door, wrong()))[0] == over
    assert (await door.post(GOOD)).status_code == 200


async def test_a_body_that_is_not_wanted_is_read_before_it_is_refused() -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield GOOD

    status, headers = await streamed(HttpDoor(), body(), secret=None)
    assert (status, read, "connection" in headers) == (401, 10, False)


async def test_no_more_of_it_than_a_limit() -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1_000):
            read += 1
            yield GOOD

    status, headers = await streamed(HttpDoor(limits=Limits(drained_bytes=5 * len(GOOD))), body(), secret=None)
    assert (status, headers["connection"]) == (401, "close")
    assert read < 20
