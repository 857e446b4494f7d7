"""The client's readers against the real HTTP door, also through a proxy that cuts the stream wherever it likes."""

import asyncio
import random
from contextlib import aclosing
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from typing import Any, Final

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.api.streams import event
from peserta.operations.alert_feed import HandlingLog
from peserta.operations.alert_log import AlertLog, Cursor
from peserta_client import AsyncReader, Reader, Rejected, RetryPolicy, Unavailable, UnreadableAlert, UnreadableAnswer
from peserta_client.alerts import alert_of
from peserta_client.events import EventReader
from schemas.dates import day_text, instant_text
from schemas.handling import Handling
from schemas.keys import READER
from schemas.public_json import stored_alert_json
from schemas.records import Alert
from tests.support.alerts import alert
from tests.support.cutting_proxy import cutting
from tests.support.door_transport import BlockingDoor, serving
from tests.support.http_door import NOW, HttpDoor
from tests.support.journals import deterministic

CUTS: Final = 60
PASSED_MAX: Final = 4_000  # bytes, more than the head and some events
AT_FIRST: Final = 30


async def at_once(_seconds: float) -> None:
    """A pause without waiting."""


def alerts(number: int) -> list[Alert]:
    """Alerts of five companies in two partitions, up to three of them of one entry."""
    return [
        replace(alert(f"C{n % 5}", 1 + n // 5, offset=n // 3, at=NOW + n // 3), journal_partition=n % 5 % 2)
        for n in range(number)
    ]


def doors() -> tuple[HttpDoor, HttpDoor, str]:
    """Two processes of one door, with the same keys, and the secret of a reader."""
    one, other = HttpDoor(), HttpDoor()
    secret = one.keys.add(READER)
    assert other.keys.add(READER) == secret
    return one, other, secret


def rebuilt(door: HttpDoor, there: list[Alert]) -> None:
    """Another generation of the book has become current at this process."""
    log = AlertLog(2)
    for one in there:
        log.take(one)
    door.feed.seen(door.clock, log, HandlingLog())


@pytest.mark.parametrize("seed", range(4))
async def test_through_cuts_at_any_byte_every_alert_comes_once_and_in_order(seed: int) -> None:
    chance, sent = random.Random(seed), alerts(150)
    first, second, secret = doors()
    for door in (first, second):
        door.alert(*sent[:AT_FIRST])
    there = {id(first): AT_FIRST, id(second): AT_FIRST}

    def more() -> None:
        """Some more alerts come, the two processes not equally far, and in the middle there is a rebuild."""
        for door in (first, second):
            had = there[id(door)]
            to = max(had, min(len(sent), len(seen) + chance.randrange(0, 25)))
            door.alert(*sent[had:to])
            there[id(door)] = to
            if len(seen) == 70 + 10 * (door is second):
                rebuilt(door, sent[:to])
        if len(seen) >= max(there.values()):
            for door in (first, second):  # never wait for what does not come
                door.alert(*sent[there[id(door)] : len(seen) + 1])
                there[id(door)] = max(there[id(door)], len(seen) + 1)

    seen: list[Any] = []
    passed = iter([chance.randrange(PASSED_MAX) for _ in range(CUTS)])
    async with (
        serving(first) as one,
        serving(second) as other,
        cutting((one, other), passed) as proxy,
        AsyncReader(f"http://127.0.0.1:{proxy.port}", secret, pause=at_once) as reader,
        aclosing(reader.follow_alerts()) as following,
    ):
        async for followed in following:
            seen.append(followed.alert)
            if len(seen) == len(sent):
                break
            more()
    assert proxy.cuts > CUTS // 3
    assert sorted(one.alert_id for one in seen) == sorted(one.alert_id for one in sent)
    for company in {one.company_id for one in sent}:
        own = [one.alert_id for one in seen if one.company_id == company]
        assert own == [one.alert_id for one in sent if one.company_id == company]


async def test_a_reader_that_blocks_follows_likewise() -> None:
    first, second, secret = doors()
    sent = alerts(40)
    for door in (first, second):
        door.alert(*sent)
    passed = iter([700, 1, 1500, 0, 2500, 1900])

    def read(port: int) -> list[tuple[str, str]]:
        with Reader(f"http://127.0.0.1:{port}", secret, pause=lambda _: None) as reader:
            found = reader.follow_alerts(company="C1")
            return [(next(found).alert.alert_id, "") for _ in range(8)]

    async with serving(first) as one, serving(second) as other, cutting((one, other), passed) as proxy:
        found = await asyncio.to_thread(read, proxy.port)
    assert [name for name, _ in found] == [one.alert_id for one in sent if one.company_id == "C1"]


def events_of(sent: list[Alert]) -> list[bytes]:
    """The events of these alerts as the door sends them."""
    log = AlertLog()
    for one in sent:
        log.take(one)
    return [event(known, Cursor(1, {}).after(known)).encode() for known in log.after(log.beginning())]


EVENTS: Final = events_of(alerts(4))
STREAM: Final = b"".join((b"retry: 2000\n\n", EVENTS[0], b": nothing new\n\n", *EVENTS[1:]))


@given(st.lists(st.integers(1, 400), max_size=40), st.integers(0, len(STREAM)))
@deterministic
def test_only_whole_events_are_read_however_the_bytes_come(sizes: list[int], cut: int) -> None:
    reader, found, rest = EventReader(), [], STREAM[:cut]
    for size in (*sizes, len(STREAM)):
        found += reader.take(rest[:size])
        rest = rest[size:]
    whole = sum(one in STREAM[:cut] for one in EVENTS)
    assert found == EventReader().take(b"".join(EVENTS))[:whole]


def test_an_event_without_an_id_has_not_that_of_the_one_before() -> None:
    found = EventReader().take(b"id: a\nevent: firing\ndata: 1\n\ndata: 2\r\ndata:3\r\n\r\n")
    assert [(one.id, one.name, one.data) for one in found] == [("a", "firing", "1"), (None, "message", "2\n3")]


@given(st.binary(max_size=200))
@deterministic
def test_bytes_of_any_kind_are_no_error(sent: bytes) -> None:
    EventReader().take(sent)


async def answers(*given: httpx2.Response | httpx2.TransportError) -> tuple[list[httpx2.Request], AsyncReader]:
    """A reader whose requests get these answers, and the requests."""
    asked: list[httpx2.Request] = []

    class Given(httpx2.AsyncBaseTransport):
        """Answers that are given."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            asked.append(request)
            answer = given[min(len(asked), len(given)) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

    return asked, AsyncReader("http://door", "k", transport=Given(), pause=at_once, retry=RetryPolicy(attempts=3))


@pytest.mark.parametrize(("status", "error", "times"), [(401, Rejected, 1), (404, Rejected, 1), (503, Unavailable, 3)])
async def test_following_ends_when_repeating_is_of_no_use(status: int, error: type[Exception], times: int) -> None:
    asked, reader = await answers(httpx2.Response(status))
    with pytest.raises(error):
        async for _ in reader.follow_alerts(retry=RetryPolicy(attempts=3)):
            raise AssertionError
    assert len(asked) == times


async def test_an_event_that_is_no_alert_is_said() -> None:
    for sent in (b"id: x\ndata: <html>\n\n", b'id: x\ndata: {"a":1}\n\n', b"data: " + b"x" * 1_000_001):
        _, reader = await answers(httpx2.Response(200, content=sent))
        with pytest.raises((UnreadableAlert, UnreadableAnswer)):
            async for _ in reader.follow_alerts():
                raise AssertionError


@pytest.mark.parametrize("cursor", [None, "latest", "AQ"])
async def test_the_first_connection_begins_where_it_is_told(cursor: str | None) -> None:
    asked, reader = await answers(httpx2.Response(401))
    with pytest.raises(Rejected):
        async for _ in reader.follow_alerts(cursor=cursor, policy="P1"):
            raise AssertionError
    assert asked[0].headers.get("last-event-id") == ("AQ" if cursor == "AQ" else None)
    assert dict(asked[0].url.params) == {"policy": "P1"} | ({"cursor": cursor} if cursor == "latest" else {})


def door_with_figures() -> HttpDoor:
    door = HttpDoor()
    door.companies.rows = [
        {"company_id": f"C/{n}", "name": "", "regency": "", "kbli": "", "active": n} for n in range(250)
    ]
    return door


async def test_companies_come_page_by_page_and_one_by_its_id() -> None:
    door = door_with_figures()
    transport = httpx2.ASGITransport(door.app, raise_app_exceptions=False)
    async with AsyncReader("http://door", door.keys.add(READER), transport=transport) as reader:
        found = [company["company_id"] async for company in reader.companies()]
        one = await reader.company("C/7", as_of=date(2025, 8, 31), known_at=datetime(2025, 9, 1, tzinfo=UTC))
        with pytest.raises(Rejected) as refused:
            await reader.company("C 9")
    assert (found, refused.value.status) == (sorted(f"C/{n}" for n in range(250)), 404)
    assert (one["figures"], one["as_of"], one["known_at"]) == ({"active": 7}, "2025-08-31", "2025-09-01T00:00:00.000Z")


def test_a_reader_that_blocks_reads_companies_and_alerts() -> None:
    door = door_with_figures()
    door.alert(*alerts(5))
    door.handled(Handling("h1", "C1/P1/1", "C1", "acknowledged", "somebody", NOW))
    with Reader("http://door", door.keys.add(READER), transport=BlockingDoor(door.app)) as reader:
        assert len(list(reader.companies())) == 250
        assert reader.company("C/7")["figures"] == {"active": 7}
        page = reader.alerts(limit=2)
        rest = reader.alerts(cursor=page.cursor)
        with pytest.raises(ValueError, match="time zone"):
            reader.company("C/7", known_at=datetime(2025, 9, 1))
    assert (len(page.alerts), page.more, len(rest.alerts), rest.more, rest.generation) == (2, True, 3, False, 1)
    assert {**page.handling, **rest.handling}["C1/P1/1"]["acknowledged_by"] == "somebody"


async def test_alerts_by_cursor_are_filtered() -> None:
    door = HttpDoor()
    door.alert(*alerts(10))
    transport = httpx2.ASGITransport(door.app, raise_app_exceptions=False)
    async with AsyncReader("http://door", door.keys.add(READER), transport=transport) as reader:
        page = await reader.alerts(company="C1", policy="P1", status="firing")
    assert {one.company_id for one in page.alerts} == {"C1"}


def test_an_alert_of_json_has_every_field_as_it_was() -> None:
    one = alert(on=20_333, at=NOW)
    expected = asdict(one) | {
        "business_date": date.fromisoformat(day_text(20_333)),
        "episode_start": date.fromisoformat(day_text(20_333)),
        "recorded_at": datetime.fromisoformat(instant_text(NOW)),
    }
    assert asdict(alert_of(stored_alert_json(one) | {"later_field": 1})) == expected
