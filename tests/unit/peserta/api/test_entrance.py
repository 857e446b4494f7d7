"""Access to the HTTP door: keys and their limits, and the answers to requests without a valid key."""

import asyncio
from dataclasses import replace
from typing import Final

import pytest

from peserta.api.allowances import Allowances, Window, network_of
from peserta.api.limits import Limits
from peserta.api.media import LINES
from peserta.api.problems import PROBLEM, Problem
from peserta.operations.keys_known import BELIEVED_S
from schemas.fact_json import line_of
from schemas.keys import ROLES
from tests.support.facts import hire
from tests.support.held_fact_log import HeldFactLog
from tests.support.http_door import NOW, HttpDoor, lines

GOOD: Final = line_of(hire("e1", "2025-09-01"))


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer peserta_", f"Bearer peserta_{'A' * 43}", f"Bearer {'x' * 9000}"],
)
async def test_without_a_valid_key_nobody_comes_in(authorization: str) -> None:
    door = HttpDoor()
    answer = await door.post(GOOD, secret=None, headers={"Authorization": authorization})
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert door.log.calls == 0


async def test_the_scheme_is_written_as_one_likes() -> None:
    door = HttpDoor()
    answer = await door.post(GOOD, secret=None, headers={"Authorization": f"bearer  {door.secret} "})
    assert answer.status_code == 200


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_post(role: str) -> None:
    door = HttpDoor()
    answer = await door.post(GOOD, secret=door.keys.add(role))
    assert answer.status_code == (200 if role in ("publisher", "admin") else 403)


async def test_a_key_stops_when_it_is_revoked_and_when_it_expires() -> None:
    door = HttpDoor()
    key = door.keys.table.of_secret(door.secret)
    assert key is not None
    door.keys.put(replace(key, expires_at=NOW + 1))
    assert (await door.post(GOOD)).status_code == 200
    door.now += 1
    assert (await door.post(GOOD)).status_code == 401
    door.keys.put(replace(key, revoked=True))
    door.now = NOW
    assert (await door.post(GOOD)).status_code == 401


async def test_keys_that_were_not_read_lately_open_nothing() -> None:
    door = HttpDoor()
    door.clock += BELIEVED_S
    assert (await door.post(GOOD)).status_code == 200
    door.clock += 0.1
    answer = await door.post(GOOD)
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    async with door.client() as client:
        ready = await client.get("/readyz")
    assert (ready.status_code, list(ready.json()["waits_for"])) == (503, ["KEYS"])


async def test_guessing_is_counted_and_bounded_and_disturbs_no_key() -> None:
    door = HttpDoor(limits=Limits(failures_per_minute=3))
    answers = [(await door.post(GOOD, secret="peserta_guess")).status_code for _ in range(5)]
    assert answers == [401, 401, 401, 429, 429]
    assert (await door.post(GOOD)).status_code == 200
    async with door.client("peserta_guess", address="198.51.100.7") as elsewhere:
        assert (await elsewhere.post("/v1/facts", content=GOOD)).status_code == 401
    async with door.client() as client:
        assert "peserta_api_authentication_failures_total 6.0" in (await client.get("/metrics")).text
    door.pass_s(60)
    assert (await door.post(GOOD, secret="peserta_guess")).status_code == 401


async def test_a_key_has_so_many_requests_a_minute_and_another_key_its_own() -> None:
    door = HttpDoor(limits=Limits(requests_per_minute=2))
    answers = [await door.post(GOOD) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60
    assert (await door.post(GOOD, secret=door.keys.add())).status_code == 200
    door.pass_s(60)
    assert (await door.post(GOOD)).status_code == 200


async def test_a_key_has_so_many_requests_at_once() -> None:
    door = HttpDoor(HeldFactLog(held=True), limits=Limits(requests_at_once=1))
    first = asyncio.create_task(door.post(lines([GOOD]), LINES))
    await door.log.has_been_called.wait()
    second = await door.post(lines([GOOD]), LINES)
    assert (second.status_code, second.headers["retry-after"]) == (429, "1")
    door.log.release()
    assert (await first).status_code == 200
    assert (await door.post(lines([GOOD]), LINES)).status_code == 200


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
    ],
)
def test_whose_failures_are_counted_together(address: str, counted_as: str) -> None:
    assert network_of(address) == counted_as


def test_no_more_names_are_remembered_than_there_is_room_for() -> None:
    window = Window(1, 2, lambda: 0.0)
    assert [window.add(name) for name in ("a", "b", "a", "c", "b")] == [None, None, 60, None, None]


def test_a_request_that_ends_in_an_error_is_no_longer_under_way() -> None:
    allowances = Allowances(Limits(requests_at_once=1), lambda: 0.0)
    for _ in range(2):
        with pytest.raises(KeyError), allowances.request_of("k1"):
            raise KeyError
    with allowances.request_of("k1"), pytest.raises(Problem), allowances.request_of("k1"):
        pass
