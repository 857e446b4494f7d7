"""`GET /v1/alerts/stream` over real connections: what comes, where it goes on, and when it ends."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

import httpx2
import pytest

from peserta.api.limits import Limits
from peserta.operations.alert_feed import HandlingLog
from peserta.operations.alert_log import AlertLog, Cursor
from peserta.operations.keys_known import BELIEVED_S
from schemas.keys import READER, Key
from schemas.public_json import stored_alert_json
from schemas.records import Alert
from tests.support.alerts import alert
from tests.support.door_transport import serving, until
from tests.support.http_door import HttpDoor

STREAM: Final = "/v1/alerts/stream"
QUICK: Final = Limits(look_seconds=0.01, slow_seconds=0.05, streams_of_key=2, streams=3)
FIELD: Final = ": "


def alerts(number: int) -> list[Alert]:
    return [alert(f"C{n % 3}", 1 + n // 3, offset=n) for n in range(number)]


class Stream:
    """An open stream, read event by event."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response, self._lines = response, response.aiter_lines()

    async def block(self) -> list[str]:
        """The lines up to the next blank one; empty at the end of the stream."""
        found: list[str] = []
        async for line in self._lines:
            if not line:
                return found
            found.append(line)
        return found

    async def event(self) -> dict[str, str]:
        """The fields of the next event. Comments are passed over."""
        while block := await self.block():
            fields = dict(line.split(FIELD, 1) for line in block)
            if "data" in fields:
                return fields
        raise AssertionError("the stream has ended")

    async def offsets(self, number: int) -> list[int]:
        """The places in the journal of the next alerts."""
        return [json.loads((await self.event())["data"])["journal_offset"] for _ in range(number)]

    async def rest(self) -> str:
        """What comes until the end."""
        return "\n".join([line async for line in self._lines])


@asynccontextmanager
async def opened(
    door: HttpDoor, port: int, secret: str = "", path: str = STREAM, **headers: str
) -> AsyncIterator[Stream]:
    key = {"Authorization": f"Bearer {secret or door.keys.add(READER)}"}
    url = f"http://127.0.0.1:{port}"
    async with (
        httpx2.AsyncClient(base_url=url, headers=key, timeout=60, trust_env=False) as client,
        client.stream("GET", path, headers=headers) as response,
    ):
        yield Stream(response)


async def metrics(door: HttpDoor) -> str:
    async with door.client(secret=None) as client:
        return (await client.get("/metrics")).text


def key_of(door: HttpDoor, secret: str) -> Key:
    found = door.keys.table.of_secret(secret)
    assert found is not None
    return found


async def test_an_event_has_the_cursor_behind_it_and_the_alert() -> None:
    door, (first, second) = HttpDoor(), alerts(2)
    door.alert(first)
    async with serving(door) as port, opened(door, port) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        assert await stream.block() == ["retry: 2000"]
        event = await stream.event()
        assert (event["event"], json.loads(event["data"])) == ("firing", stored_alert_json(first))
        door.alert(replace(second, status="resolved"))
        assert (await stream.event())["event"] == "resolved"
        async with opened(door, port, **{"Last-Event-ID": event["id"]}) as other:
            assert await other.offsets(1) == [1]


@pytest.mark.parametrize(
    ("path", "limits", "expected"),
    [
        ("", {}, [0, 1, 2, 3, 4, 5]),
        ("", {"companies": ["C1", "C2"]}, [1, 2, 4, 5]),
        ("?company=C1", {}, [1, 4]),
        ("?company=C1", {"companies": ["C2"]}, []),
        ("?policy=P1&company=C2", {}, [2, 5]),
        ("?policy=P2", {}, []),
        ("?cursor=latest", {}, [6, 7, 8]),
    ],
)
async def test_only_wanted_alerts_of_the_keys_companies_come(path: str, limits: Any, expected: list[int]) -> None:
    door, sent = HttpDoor(limits=QUICK), alerts(9)
    door.alert(*sent[:6])
    secret = door.keys.add(READER, **limits)
    async with serving(door) as port, opened(door, port, secret, STREAM + path) as stream:
        await stream.block()
        if "latest" in path:
            door.alert(*sent[6:])
        found = await stream.offsets(len(expected))
        door.app.state.streams.end()
        assert (found, "data:" in await stream.rest()) == (expected, False)


async def test_the_last_event_goes_before_the_cursor_of_the_url() -> None:
    door = HttpDoor()
    door.alert(*alerts(3))
    async with serving(door) as port, opened(door, port) as stream:
        cursors = [(await stream.event())["id"] for _ in range(3)]
        path = f"{STREAM}?cursor={cursors[0]}"
        async with opened(door, port, path=path, **{"Last-Event-ID": cursors[1]}) as other:
            assert await other.offsets(1) == [2]


async def test_a_stream_ends_when_its_key_does() -> None:
    door = HttpDoor(limits=QUICK)
    async with serving(door) as port:
        for change in ({"revoked": True}, {"expires_at": door.now}, {"role": "publisher"}):
            secret = door.keys.add(READER)
            async with opened(door, port, secret) as stream:
                await stream.block()
                door.keys.put(replace(key_of(door, secret), **change))
                assert "the key is no longer valid" in await stream.rest()
        async with opened(door, port) as stream:
            await stream.block()
            door.clock += BELIEVED_S + 0.1  # nobody knows any more which keys are valid
            assert "the key is no longer valid" in await stream.rest()
    assert 'peserta_api_streams_ended_total{why="key"} 4.0' in await metrics(door)


async def test_a_company_that_is_taken_from_a_key_is_not_seen_any_more() -> None:
    door = HttpDoor(limits=QUICK)
    secret = door.keys.add(READER, companies=["C0", "C1"])
    async with serving(door) as port, opened(door, port, secret) as stream:
        await stream.block()
        door.keys.put(replace(key_of(door, secret), companies=("C1",)))
        door.alert(*alerts(5))
        assert await stream.offsets(2) == [1, 4]


async def test_a_stop_ends_streams_and_opens_no_others() -> None:
    door = HttpDoor(limits=QUICK)
    async with serving(door) as port, opened(door, port) as stream:
        await stream.block()
        door.app.state.streams.end()
        assert "come back with Last-Event-ID" in await stream.rest()
        async with opened(door, port) as other:
            assert (other.response.status_code, "retry-after" in other.response.headers) == (503, True)


async def test_a_key_and_a_process_have_so_many_streams() -> None:
    door = HttpDoor(limits=QUICK)
    one, other = door.keys.add(READER), door.keys.add(READER)
    async with serving(door) as port:
        async with opened(door, port, one) as first, opened(door, port, one) as second:
            for stream in (first, second):
                await stream.block()
            async with opened(door, port, one) as third:
                assert (third.response.status_code, third.response.headers["retry-after"]) == (429, "30")
            async with opened(door, port, other) as third:
                await third.block()
                async with opened(door, port) as fourth:
                    assert fourth.response.status_code == 503
        await until(lambda: not door.app.state.streams.open)
        async with opened(door, port, one) as again:
            assert again.response.status_code == 200
    assert 'peserta_api_streams_ended_total{why="gone"} 3.0' in await metrics(door)


async def test_while_nothing_happens_a_comment_says_that_the_stream_is_alive() -> None:
    door = HttpDoor(limits=replace(QUICK, heartbeat_seconds=0.0))
    async with serving(door) as port, opened(door, port) as stream:
        await stream.block()
        assert [await stream.block() for _ in range(2)] == [[": nothing new"]] * 2


async def test_a_new_generation_sends_nothing_again_and_goes_on() -> None:
    door, sent = HttpDoor(), alerts(8)
    door.alert(*sent[:4])
    async with serving(door) as port, opened(door, port) as stream:
        found = await stream.offsets(4)
        later = AlertLog(2)
        for one in sent[:6]:
            later.take(one)
        door.feed.seen(door.clock, later, HandlingLog())
        found += await stream.offsets(2)
        door.alert(*sent[6:])
        assert found + await stream.offsets(2) == list(range(8))


async def test_a_new_generation_with_other_alerts_at_the_place_sends_all_of_that_entry() -> None:
    door, (first, second, third) = HttpDoor(), (alert("C1", n, offset=7) for n in (1, 2, 3))
    door.alert(first, second)
    async with serving(door) as port, opened(door, port) as stream:
        assert await stream.offsets(2) == [7, 7]
        later = AlertLog(2)
        for one in (first, third):
            later.take(one)
        door.feed.seen(door.clock, later, HandlingLog())
        events = [await stream.event() for _ in range(2)]
        assert [json.loads(one["data"])["alert_id"] for one in events] == ["C1/P1/1", "C1/P1/3"]
        assert Cursor.decode(events[-1]["id"]).generation == 2


async def test_a_reader_that_takes_nothing_is_ended_and_has_little_in_memory() -> None:
    door, many = HttpDoor(limits=QUICK), 20_000
    door.alert(*alerts(many))
    async with serving(door) as port:
        with socket.socket() as idle:
            idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            idle.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(idle, ("127.0.0.1", port))
            head = f"GET {STREAM} HTTP/1.1\r\nHost: door\r\nAuthorization: Bearer {door.keys.add(READER)}\r\n\r\n"
            await loop.sock_sendall(idle, head.encode())
            await until(lambda: door.app.state.streams.open == 1)
            await until(lambda: door.app.state.streams.open == 0)
    text = await metrics(door)
    assert 'peserta_api_streams_ended_total{why="slow"} 1.0' in text
    sent = next(line for line in text.splitlines() if line.startswith("peserta_api_alerts_sent_total"))
    assert float(sent.split()[-1]) < many / 2  # what fits into the sockets' own memory
