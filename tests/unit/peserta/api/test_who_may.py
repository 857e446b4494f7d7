"""Every call of the application, by every role, about the key's own company and about another's."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final

import httpx2
import pytest

from schemas.fact_json import line_of
from schemas.keys import ADMIN, OFFICER, PUBLISHER, READER, ROLES
from tests.support.alerts import alert
from tests.support.door_transport import until
from tests.support.facts import hire
from tests.support.http_door import HttpDoor

OWN: Final = "COWN"
OTHER: Final = "COTHER"
UNKNOWN: Final = "CNOBODY"
STREAM: Final = "/v1/alerts/stream"
EVERYBODY: Final = frozenset((*ROLES, "nobody"))


@dataclass(frozen=True)
class Call:
    """A route, the request to it about a company, and who may make it. `other`: the status about another's company."""

    may: frozenset[str]
    path: Callable[[str], str]
    own: int = 200
    other: int = 200
    body: Callable[[str], Any] = lambda company: None
    media: str = "application/json"
    hidden: bool = field(default=False)  # another's company looks like one that does not exist


READERS: Final = frozenset((READER, OFFICER, ADMIN))
PUBLISHERS: Final = frozenset((PUBLISHER, ADMIN))

# Copied by hand from SEMANTICS 12. A route that is not here fails the test.
CALLS: Final[Mapping[tuple[str, str], Call]] = {
    ("POST", "/v1/facts"): Call(
        PUBLISHERS, lambda c: "/v1/facts", body=lambda c: line_of(hire("e1", "2025-09-01", company=c))
    ),
    ("GET", "/v1/facts/{company:path}/{event_id}"): Call(PUBLISHERS, lambda c: f"/v1/facts/{c}/e1", other=403),
    ("GET", "/v1/companies"): Call(READERS, lambda c: "/v1/companies"),
    ("GET", "/v1/companies/{company:path}"): Call(READERS, lambda c: f"/v1/companies/{c}", other=404, hidden=True),
    ("GET", "/v1/companies/{company:path}/statement"): Call(
        READERS, lambda c: f"/v1/companies/{c}/statement?from=2025-09-01&to=2025-09-30", other=404, hidden=True
    ),
    ("GET", "/v1/alerts"): Call(READERS, lambda c: f"/v1/alerts?company={c}", hidden=True),
    ("GET", STREAM): Call(READERS, lambda c: f"{STREAM}?company={c}"),
    ("POST", "/v1/alerts/{alert_id:path}/handling"): Call(
        frozenset((OFFICER, ADMIN)),
        lambda c: f"/v1/alerts/{c}/P1/1/handling",
        own=201,
        other=404,
        body=lambda c: '{"action":"acknowledged"}',
        hidden=True,
    ),
    ("GET", "/v1/questions"): Call(READERS, lambda c: "/v1/questions"),
    ("GET", "/v1/questions/{name}"): Call(READERS, lambda c: f"/v1/questions/to_enroll?company={c}", hidden=True),
    **{("GET", path): Call(EVERYBODY, lambda c, path=path: path)  # type: ignore[misc]
       for path in ("/livez", "/readyz", "/metrics", "/openapi.json", "/docs")},
}  # fmt: skip


def door() -> HttpDoor:
    """A door with figures and an alert of both companies."""
    found = HttpDoor()
    for company in (OWN, OTHER):
        found.companies.rows.append(
            {"company_id": company, "name": "", "regency": "", "kbli": "", "active": 7, "policies": ()}
        )
        found.statements.companies.add(company)
        found.alert(alert(company, offset=len(found.feed.alerts)))
    return found


async def answered(door: HttpDoor, name: tuple[str, str], company: str, secret: str | None) -> httpx2.Response:
    """The whole answer; a stream is ended once it has sent what there is."""
    call, streams = CALLS[name], door.app.state.streams
    async with door.client(secret) as client:
        headers = {"Content-Type": call.media}
        asking = asyncio.create_task(
            client.request(name[0], call.path(company), content=call.body(company), headers=headers)
        )
        if name[1] == STREAM:
            await until(lambda: asking.done() or streams.waiting > 0)
            streams.end()
        return await asking


def secret_of(door: HttpDoor, role: str, **limits: Any) -> str | None:
    return None if role == "nobody" else door.keys.add(role, **limits)


def routes(given: Any) -> Iterator[tuple[str, str]]:
    for route in given:
        for method in route.methods - {"HEAD"}:
            yield method, route.path


def test_every_route_of_the_application_is_in_the_table() -> None:
    assert sorted(routes(HttpDoor().app.routes)) == sorted(CALLS)


@pytest.mark.parametrize(("name", "role"), list(product(CALLS, sorted(EVERYBODY))), ids=str)
async def test_a_role_may_make_its_calls_and_no_others(name: tuple[str, str], role: str) -> None:
    here, call = door(), CALLS[name]
    answer = await answered(here, name, OWN, secret_of(here, role))
    refused = 401 if role == "nobody" else 403
    assert answer.status_code == (call.own if role in call.may else refused)
    if role not in call.may:
        assert not here.log.sent and not here.writer.written and not here.companies.asked and not here.fates.asked
        assert not here.answers.asked
        assert OWN not in answer.text


@pytest.mark.parametrize(("name", "role"), list(product(CALLS, ROLES)), ids=str)
async def test_a_key_of_one_company_gets_nothing_of_anothers(name: tuple[str, str], role: str) -> None:
    here, call = door(), CALLS[name]
    secret = secret_of(here, role, companies=[OWN])
    answer = await answered(here, name, OTHER, secret)
    assert answer.status_code == (call.other if role in call.may else 403)
    assert OTHER not in answer.text
    assert not here.log.sent and not here.writer.written
    if call.hidden:
        unknown = await answered(here, name, UNKNOWN, secret)
        assert unknown.content == answer.content


@pytest.mark.parametrize("name", [("GET", "/v1/companies"), ("GET", "/v1/alerts"), ("GET", STREAM)], ids=str)
@pytest.mark.parametrize("role", sorted(READERS))
async def test_what_a_key_without_limits_sees_is_there_to_be_seen(name: tuple[str, str], role: str) -> None:
    here = door()
    answer = await answered(here, name, OTHER, secret_of(here, role))
    assert OTHER in answer.text
