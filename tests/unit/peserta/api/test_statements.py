"""`GET /v1/companies/{id}/statement`: what is asked of the book, and what is said when there is no answer."""

from typing import Any

import pytest

from peserta.api.statements import CHANGES_MAX
from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.statement import Asked, WrongPeriod
from schemas.dates import day, instant
from schemas.keys import READER
from tests.support.http_door import HttpDoor

PERIOD = "from=2025-09-01&to=2025-09-30"
NIK = "3273010101900001"


def door_with(*companies: str) -> HttpDoor:
    door = HttpDoor()
    door.statements.companies.update(companies)
    return door


async def got(door: HttpDoor, path: str, **limits: Any) -> Any:
    async with door.client(door.keys.add(READER, **limits)) as client:
        return await client.get(f"/v1/companies/{path}")


async def test_a_statement() -> None:
    answer = await got(door_with("C1"), f"C1/statement?{PERIOD}")
    assert answer.status_code == 200
    assert answer.json() == {
        "company_id": "C1",
        "from": "2025-09-01",
        "to": "2025-09-30",
        "known_at": None,
        "opening": {"on": "2025-08-31", "active": 7, "covered": 3, "uncovered": 4},
        "restated": [],
        "changes": [
            {
                "value_on": "2025-09-01",
                "recorded_at": "2025-09-01T05:00:00.000Z",
                "type": "hire",
                "event_id": "e1",
                "worker_id": "w1",
                "active_change": 1,
                "covered_change": 0,
                "cause": "fact",
                "late_days": 2,
                "active": 8,
                "covered": 3,
            }
        ],
        "closing": {"on": "2025-09-30", "active": 8, "covered": 3, "uncovered": 5},
    }


@pytest.mark.parametrize("company", ["C1", "A/B", "A/statement"])
async def test_the_book_is_asked_for_it(company: str) -> None:
    door = door_with(company)
    answer = await got(door, f"{company}/statement?{PERIOD}&known_at=2025-09-02T00:00:00%2B07:00")
    assert answer.json()["known_at"] == "2025-09-01T17:00:00.000Z"
    known_at = instant("2025-09-02T00:00:00+07:00")
    assert door.statements.asked == [Asked(company, day("2025-09-01"), day("2025-09-30"), known_at, CHANGES_MAX)]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param("", "from and to must be given", id="no period"),
        pytest.param("from=2025-09-01", "from and to must be given", id="half a period"),
        pytest.param("from=2025-09-31&to=2025-10-01", "from must be a date", id="a date that does not exist"),
        pytest.param(f"{PERIOD}&from=2025-09-02", "from is given more than once", id="twice"),
        pytest.param(f"{PERIOD}&known_at=now", "known_at must be an instant", id="no instant"),
    ],
)
async def test_wrong_parameters(query: str, says: str) -> None:
    door = door_with("C1")
    answer = await got(door, f"C1/statement?{query}")
    assert (answer.status_code, door.statements.asked) == (400, [])
    assert says in answer.json()["detail"]


async def test_a_company_that_is_not_known_or_not_of_the_key() -> None:
    door = door_with("C1")
    answers = [
        await got(door, f"C2/statement?{PERIOD}"),
        await got(door, f"C1/statement?{PERIOD}", companies=["C2"]),
        await got(door, f"{NIK}x y/statement?{PERIOD}"),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert [asked.company_id for asked in door.statements.asked] == ["C2"]


@pytest.mark.parametrize(
    ("failure", "status", "says"),
    [
        (WrongPeriod("The period has more than 5 changes: choose a shorter one."), 400, "choose a shorter one"),
        (Unavailable(f"ClickHouse does not answer: {NIK}"), 503, "does not answer at the moment"),
        (Rejected(f"ClickHouse refuses: {NIK}"), 503, "does not answer at the moment"),
    ],
)
async def test_no_answer(failure: Any, status: int, says: str) -> None:
    door = door_with("C1")
    door.statements.failure = failure
    answer = await got(door, f"C1/statement?{PERIOD}")
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert NIK not in answer.text
