"""`GET /v1/facts/{company}/{event_id}`: the permissions and the answers."""

from typing import Any, Final

import pytest

from peserta.api.documents import FATE
from peserta.operations.fact_reading import FactFate, FactRecord, Reach, records_of
from peserta.operations.failure import Unavailable
from schemas.dates import EPOCH, instant
from schemas.keys import ROLES
from schemas.records import Coordinates
from tests.support.facts import FACTS_TOPIC
from tests.support.http_door import HttpDoor

JOURNAL: Final = "coverage.journal.v1"
APPLIED: Final = FactRecord(
    "applied", "hire", instant("2025-09-01T02:00:01.250Z"), Coordinates(FACTS_TOPIC, 3, 41), Coordinates(JOURNAL, 3, 57)
)


async def asked(door: HttpDoor, path: str, secret: str = "") -> Any:
    async with door.client(secret) as client:
        return await client.get(f"/v1/facts/{path}")


async def test_the_example_of_the_document_is_an_answer() -> None:
    door = HttpDoor()
    door.fates.answer = FactFate("applied", (APPLIED,), False, Reach(3, 60, 59, 60))
    answer = await asked(door, "NPP0001/e1")
    assert (answer.status_code, answer.json()) == (200, FATE)


async def test_what_nobody_knows() -> None:
    answer = await asked(HttpDoor(), "C1/e1")
    assert answer.json() == {
        "state": "unknown",
        "records": [],
        "more": False,
        "speaks": {"partition": 0, "read_to": 7, "judged_to": None, "end": 9},
    }


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("C1/e1", ("C1", "e1")),
        ("C%2F1/e:1", ("C/1", "e:1")),
        ("C/1/e1", ("C/1", "e1")),
        ("%C3%A9/e1", ("é", "e1")),
    ],
)
async def test_ids_are_read_from_the_path(path: str, ids: tuple[str, str]) -> None:
    door = HttpDoor()
    assert (await asked(door, path)).status_code == 200
    assert door.fates.asked == [ids]


@pytest.mark.parametrize("path", ["a%20b/e1", "C1/e%201", f"{'x' * 65}/e1", f"C1/{'x' * 65}", "/e1"])
async def test_ids_that_no_fact_can_have(path: str) -> None:
    door = HttpDoor()
    assert (await asked(door, path)).status_code == 400
    assert door.fates.asked == []


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_ask(role: str) -> None:
    door = HttpDoor()
    answer = await asked(door, "C1/e1", door.keys.add(role))
    assert answer.status_code == (200 if role in ("publisher", "admin") else 403)


@pytest.mark.parametrize(("company", "status"), [("C1", 200), ("C2", 403), ("c1", 403)])
async def test_a_key_asks_about_its_own_companies_only(company: str, status: int) -> None:
    door = HttpDoor()
    assert (await asked(door, f"{company}/e1", door.keys.add(companies=["C1"]))).status_code == status


async def test_while_nobody_answers_it_says_so_and_not_what_they_say() -> None:
    door = HttpDoor()
    door.fates.failure = Unavailable("ClickHouse refuses: 3273010101900001")
    answer = await asked(door, "C1/e1")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert "3273010101900001" not in answer.text


def row(offset: int, came_from: int, disposition: str | None) -> dict[str, Any]:
    return {
        "partition": 3,
        "offset": offset,
        "recorded_at": EPOCH,
        "type": "hire",
        "came_from_topic": FACTS_TOPIC,
        "came_from_partition": 3,
        "came_from_offset": came_from,
        "disposition": disposition,
    }


def test_an_entry_that_the_recorder_repeated_is_passed_over() -> None:
    rows = [row(5, 1, "applied"), row(6, 2, "duplicate"), row(7, 1, ""), row(8, 3, None)]
    found = [(record.state, record.journal) for record in records_of(rows, JOURNAL)]
    assert found == [
        ("applied", Coordinates(JOURNAL, 3, 5)),
        ("duplicate", Coordinates(JOURNAL, 3, 6)),
        ("recorded", Coordinates(JOURNAL, 3, 8)),
    ]
