"""`GET /v1/companies`: pages, past figures, and what is said when there is no answer."""

from datetime import date
from typing import Any

import pytest

from peserta.api.problems import PROBLEM
from peserta.operations.company_pages import Asked
from peserta.operations.failure import Rejected, Unavailable
from schemas.dates import day, instant
from schemas.keys import READER
from tests.support.http_door import HttpDoor

NIK = "3273010101900001"


def row(company: str) -> dict[str, Any]:
    return {
        "company_id": company,
        "as_of": date(2025, 9, 30),
        "name": "Maju",
        "regency": "Jepara",
        "kbli": "15201",
        "active": 10,
        "coverage_bp": None,
    }


def door_with(*companies: str) -> HttpDoor:
    door = HttpDoor()
    door.companies.rows = [row(company) for company in companies]
    return door


async def got(door: HttpDoor, path: str, **limits: Any) -> Any:
    async with door.client(door.keys.add(READER, **limits)) as client:
        return await client.get(f"/v1/companies{path}")


async def test_a_company_has_figures_and_states_of_policies() -> None:
    answer = await got(door_with("C1"), "/C1")
    assert answer.json() == {
        "as_of": None,
        "known_at": None,
        "data_as_of": "1970-01-01T00:00:00.000Z",
        "company_id": "C1",
        "name": "Maju",
        "regency": "Jepara",
        "kbli": "15201",
        "figures": {"as_of": "2025-09-30", "active": 10, "coverage_bp": None},
        "policies": [
            {
                "policy_id": "P1",
                "version": 1,
                "threshold_bp": 8000,
                "state": "met",
                "since": None,
                "gap_people": 0,
            }
        ],
    }


@pytest.mark.parametrize("size", [1, 2, 3, 7])
@pytest.mark.parametrize("limits", [{}, {"companies": ["C0", "C3", "C4", "C9"]}])
async def test_pages_of_any_size_are_all_companies_of_the_key(size: int, limits: dict[str, list[str]]) -> None:
    door = door_with(*(f"C{number}" for number in range(6)))
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        answer = (await got(door, f"?limit={size}{cursor and f'&cursor={cursor}'}", **limits)).json()
        found += [company["company_id"] for company in answer["companies"]]
        cursor = answer["cursor"]
    assert found == (["C0", "C3", "C4"] if limits else [f"C{number}" for number in range(6)])


async def test_figures_as_of_a_date_as_known_at_an_instant_leave_policies_out() -> None:
    door = door_with("C1")
    for path in ("", "/C1"):
        answer = (await got(door, f"{path}?as_of=2025-08-31&known_at=2025-09-01T00:00:00%2B07:00")).json()
        assert (answer["as_of"], answer["known_at"]) == ("2025-08-31", "2025-08-31T17:00:00.000Z")
        assert (answer["companies"][0] if path == "" else answer)["policies"] is None
    assert [(asked.as_of, asked.known_at) for asked in door.companies.asked if isinstance(asked, Asked)] == [
        (day("2025-08-31"), instant("2025-08-31T17:00:00Z"))
    ] * 2


async def test_a_registered_company_without_facts_has_no_figures() -> None:
    door = HttpDoor()
    door.companies.names = [{"company_id": "C7", "name": "Baru"}]
    answer = await got(door, "/C7")
    assert (answer.status_code, answer.json()["name"], answer.json()["figures"]) == (200, "Baru", None)


@pytest.mark.parametrize(
    "path, company",
    [
        ("A%2Fstatement", "A/statement"),
        ("A%2fstatement?as_of=2025-09-30", "A/statement"),
        ("A/B%2Fstatement", "A/B/statement"),
        ("statement", "statement"),
        ("A/statement/B", "A/statement/B"),
    ],
)
async def test_a_company_id_may_end_like_the_path_of_a_statement(path: str, company: str) -> None:
    answer = await got(door_with("A", company), f"/{path}")
    assert (answer.status_code, answer.json().get("company_id")) == (200, company)


@pytest.mark.parametrize(
    "path, company",
    [
        ("A/statement", "A"),
        ("A/%73tatement", "A"),
        ("A%2Fstatement/statement", "A/statement"),
        ("A/statement/statement", "A/statement"),
    ],
)
async def test_such_a_company_has_a_statement_too(path: str, company: str) -> None:
    door = HttpDoor()
    door.statements.companies = {company}
    answer = await got(door, f"/{path}?from=2025-09-01&to=2025-09-30")
    assert (answer.status_code, [asked.company_id for asked in door.statements.asked]) == (200, [company])


@pytest.mark.parametrize("path", ["A/B", "A%2FB"])
async def test_a_company_id_may_have_a_slash_in_it(path: str) -> None:
    assert (await got(door_with("A/B"), f"/{path}")).json()["company_id"] == "A/B"


@pytest.mark.parametrize("company", ["C9", "C2", "a%20b", "x" * 65, "", NIK])
async def test_what_is_not_there_and_what_is_not_for_the_key_look_alike(company: str) -> None:
    door = door_with("C1", "C2")
    answer = await got(door, f"/{company}", companies=["C1", "C9"])
    unknown = await got(door, "/C8")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert answer.content == unknown.content


@pytest.mark.parametrize("failure", [Unavailable(f"no {NIK}"), Rejected(f"ClickHouse refuses {NIK}")])
@pytest.mark.parametrize("path", ["", "/C1"])
async def test_without_clickhouse_it_says_when_to_come_back(failure: Any, path: str) -> None:
    door = door_with("C1")
    door.companies.failure = failure
    answer = await got(door, path)
    assert (answer.status_code, answer.headers["retry-after"], NIK in answer.text) == (503, "2", False)


@pytest.mark.parametrize(
    "query",
    [
        "as_of=2025-02-30",
        "as_of=1969-12-31",
        "as_of=2200-01-02",
        f"as_of={NIK}",
        "as_of=",
        "as_of=2025-01-01&as_of=2025-01-02",
        "known_at=2025-09-01",
        "known_at=2025-09-01T00:00:00",
        "known_at=2025-09-01T00:00:00+07:00",
        "known_at=2200-01-01T00:00:00Z",
        "known_at=%00",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=%C2%B2",
        "limit=99999999999999999999",
        "cursor=",
        "cursor=%C3%A9",
        "cursor=YSBi",
        "cursor=QzE%3D",
        "cursor=" + "Q" * 5000,
    ],
)
async def test_a_wrong_parameter_is_named_and_not_repeated(query: str) -> None:
    door = door_with("C1")
    answer = await got(door, f"?{query}")
    assert (answer.status_code, door.companies.asked) == (400, [])
    assert answer.json()["detail"].startswith(query.split("=")[0])
    assert NIK not in answer.text
