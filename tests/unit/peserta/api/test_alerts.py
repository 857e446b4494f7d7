"""`GET /v1/alerts` and the handling of alerts."""

import json
from typing import Any

import pytest

from peserta.api.limits import Limits
from peserta.operations.alert_feed import BELIEVED_S, HandlingLog
from peserta.operations.alert_log import AlertLog, Cursor
from peserta.operations.failure import Unavailable
from schemas.handling import Handling
from schemas.keys import OFFICER, READER
from schemas.public_json import stored_alert_json
from schemas.records import Alert
from tests.support.alerts import alert
from tests.support.http_door import NOW, HttpDoor

NIK = "3273010101900001"
HANDLING = "/v1/alerts/C1/P1/1/handling"


def history(number: int) -> list[Alert]:
    """Alerts of three companies, a firing and its end in turn."""
    return [
        alert(
            f"C{n % 3}", 1 + n // 6, ("firing", "resolved")[n // 3 % 2], policy_id=f"P{n % 3 % 2}", offset=n, at=NOW + n
        )
        for n in range(number)
    ]


def door_with(*alerts: Alert, limits: Limits | None = None) -> HttpDoor:
    door = HttpDoor(limits=limits)
    door.alert(*alerts)
    return door


async def got(door: HttpDoor, query: str = "", **limits: Any) -> Any:
    async with door.client(door.keys.add(READER, **limits)) as client:
        return await client.get(f"/v1/alerts{query}")


async def handle(door: HttpDoor, fields: Any, path: str = HANDLING, secret: str | None = None) -> Any:
    async with door.client(secret or door.keys.add(OFFICER)) as client:
        return await client.post(path, content=json.dumps(fields), headers={"Content-Type": "application/json"})


async def pages(door: HttpDoor, query: str, limit: int, **limits: Any) -> list[dict[str, Any]]:
    """The alerts of all pages, and what follows them."""
    found, cursor, more = [], "", True
    while more:
        answer = (await got(door, f"?limit={limit}{query}{cursor}", **limits)).json()
        found += answer["alerts"]
        more, cursor = answer["more"], f"&cursor={answer['cursor']}"
        assert len(answer["alerts"]) <= limit
    assert (await got(door, f"?{query}{cursor}", **limits)).json()["alerts"] == []
    return found


@pytest.mark.parametrize("limit", [1, 4, 100])
@pytest.mark.parametrize("scanned", [1, 3, 20_000])
@pytest.mark.parametrize(
    ("query", "limits", "wanted"),
    [
        ("", {}, lambda one: True),
        ("", {"companies": ["C1", "C2"]}, lambda one: one.company_id != "C0"),
        ("&company=C1", {}, lambda one: one.company_id == "C1"),
        ("&company=C1", {"companies": ["C2"]}, lambda one: False),
        ("&company=C9", {}, lambda one: False),
        ("&policy=P0&status=firing", {}, lambda one: one.policy_id == "P0" and one.status == "firing"),
    ],
)
async def test_pages_have_the_wanted_alerts_newest_last(
    limit: int, scanned: int, query: str, limits: dict[str, Any], wanted: Any
) -> None:
    alerts = history(14)
    door = door_with(*alerts, limits=Limits(scanned=scanned))
    expected = [stored_alert_json(one) | {"handling": None} for one in alerts if wanted(one)]
    assert await pages(door, query, limit, **limits) == expected


async def test_behind_latest_only_new_alerts_come() -> None:
    alerts = history(6)
    door = door_with(*alerts[:4])
    cursor = (await got(door, "?cursor=latest")).json()["cursor"]
    door.alert(*alerts[4:])
    found = (await got(door, f"?cursor={cursor}")).json()["alerts"]
    assert [one["journal_offset"] for one in found] == [4, 5]


async def test_after_a_rebuild_a_cursor_goes_on_and_the_answer_says_the_generation() -> None:
    alerts = history(6)
    door = door_with(*alerts[:4])
    cursor = (await got(door, "?limit=3")).json()["cursor"]
    later = AlertLog(2)
    for one in alerts:
        later.take(one)
    door.feed.seen(door.clock, later, HandlingLog())
    answer = (await got(door, f"?cursor={cursor}")).json()
    assert ([one["journal_offset"] for one in answer["alerts"]], answer["generation"]) == ([3, 4, 5], 2)


@pytest.mark.parametrize(
    "query", ["status=x", "cursor=x", "cursor=", "limit=x", "company=a&company=b", f"cursor={NIK}"]
)
async def test_a_wrong_parameter_is_refused(query: str) -> None:
    answer = await got(door_with(), f"?{query}")
    assert (answer.status_code, NIK in answer.text) == (400, False)


async def test_alerts_that_were_not_read_lately_are_not_given() -> None:
    door = door_with(*history(2))
    for seen_at_s in (door.clock, None):
        door.feed.seen_at_s = seen_at_s
        door.clock += BELIEVED_S + 0.1
        door.known.seen(door.keys.table, door.clock)
        answers = [await got(door), await got(door, "/stream"), await handle(door, {"action": "acknowledged"})]
        assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * 3


async def test_what_was_done_about_an_alert_is_shown_with_it() -> None:
    door = door_with(alert())
    for fields in (
        {"action": "acknowledged"},
        {"action": "assigned", "to": "tim kepatuhan"},
        {"action": "note", "text": "first\nsecond"},
    ):
        answer = await handle(door, fields)
        assert (answer.status_code, answer.json()["by"], answer.json()["alert_id"]) == (201, "test", "C1/P1/1")
    assert [(one.company_id, one.at) for one in door.writer.written] == [("C1", NOW)] * 3
    door.handled(*door.writer.written)
    (found,) = (await got(door)).json()["alerts"]
    at = "2025-09-01T05:00:00.000Z"
    assert found["handling"] == {
        "acknowledged_by": "test",
        "acknowledged_at": at,
        "assigned_to": "tim kepatuhan",
        "notes": [{"text": "first\nsecond", "by": "test", "at": at}],
    }


async def test_handling_ends_with_its_episode_and_begins_again_with_the_next() -> None:
    door = door_with(alert(offset=1), alert(status="resolved", offset=2), alert(episode=2, offset=3))
    over = await handle(door, {"action": "acknowledged"})
    assert (over.status_code, door.writer.written) == (409, [])
    assert (await handle(door, {"action": "acknowledged"}, "/v1/alerts/C1/P1/2/handling")).status_code == 201


async def test_an_alert_of_another_company_looks_like_none() -> None:
    door = door_with(alert("C2"))
    secret = door.keys.add(OFFICER, companies=["C1"])
    answers = [
        await handle(door, {"action": "acknowledged"}, f"/v1/alerts/{one}/P1/1/handling", secret)
        for one in ("C2", "C9")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content and door.writer.written == []


async def test_an_alert_of_a_company_with_slashes_can_be_handled() -> None:
    door = door_with(alert("A/handling/B"))
    answer = await handle(door, {"action": "acknowledged"}, "/v1/alerts/A/handling/B/P1/1/handling")
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {},
        [],
        {"action": "resolved"},
        {"action": None},
        {"action": "acknowledged", "by": "somebody"},
        {"action": "acknowledged", "text": "x"},
        {"action": "assigned"},
        {"action": "assigned", "to": ""},
        {"action": "assigned", "to": "a\nb"},
        {"action": "assigned", "to": "x" * 65},
        {"action": "note"},
        {"action": "note", "text": " "},
        {"action": "note", "text": "x" * 2001},
        {"action": "note", "text": "\ud800"},
        {"action": "note", "text": "\0"},
        {"action": "note", "text": 7},
        {"action": "note", "text": f"of {NIK}."},
        {"action": "note", "text": "3273-0101-0190-0001"},
        {"action": "assigned", "to": "12345678901"},
    ],
)
async def test_what_is_no_handling_is_refused_and_not_repeated(fields: Any) -> None:
    door = door_with(alert())
    answer = await handle(door, fields)
    assert (answer.status_code, door.writer.written) == (400, [])
    assert "3273" not in answer.text and "12345678901" not in answer.text


@pytest.mark.parametrize(
    ("body", "media", "status"),
    [
        (b"", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"action":"note","action":"acknowledged"}', "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b'{"action":"acknowledged"}', "text/plain", 415),
        (b'{"action":"acknowledged"}', "application/x-ndjson", 415),
        (b" " * 20_000, "application/json", 413),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(body: bytes, media: str, status: int) -> None:
    door = door_with(alert())
    async with door.client(door.keys.add(OFFICER)) as client:
        answer = await client.post(HANDLING, content=body, headers={"Content-Type": media})
    assert (answer.status_code, door.writer.written) == (status, [])


async def test_what_kafka_has_not_acknowledged_is_no_success() -> None:
    door = door_with(alert())
    door.writer.failure = Unavailable(f"no {NIK}")
    answer = await handle(door, {"action": "acknowledged"})
    assert (answer.status_code, answer.headers["retry-after"], NIK in answer.text) == (503, "5", False)


def test_a_handling_that_is_written_again_or_cannot_be_read_counts_once_or_not_at_all() -> None:
    log, one = HandlingLog(), Handling("h1", "C1/P1/1", "C1", "note", "somebody", NOW, text="a")
    for value in (one.encode(), one.encode()):
        log.take(b"h1", value)
    for wrong in (b"", b"{}", b"[" * 100_000, None):
        log.take(b"h2", wrong)
    assert [note.text for note in log.of("C1/P1/1").notes] == ["a"]
    log.take(b"h1", None)
    assert log.of("C1/P1/1").notes == ()


def test_the_end_of_a_log_is_behind_everything_in_it() -> None:
    log = AlertLog()
    for one in history(5):
        log.take(one)
    assert list(log.after(Cursor.decode(log.end().encode()))) == []
