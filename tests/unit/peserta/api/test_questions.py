"""`GET /v1/questions`: what a request asks of ClickHouse, in which form, and what is refused before it is asked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peserta.api.limits import Limits
from peserta.api.problems import PROBLEM
from peserta.api.questions import NOTES_LENGTH_MAX
from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.questions import Form, TooManyRows
from schemas.dates import day_text
from schemas.keys import OFFICER, READER, ROLES
from sinks.questions.headers import questions
from tests.support.alerts import ON
from tests.support.http_door import HttpDoor

NIK = "3273010101900001"
PERIOD = "from=2025-09-01&to=2025-09-30"
READS = {"accept": "*/*"}
TOGETHER = ("freshness", "refused", "time_to_cover", "trend")


async def got(door: HttpDoor, path: str, role: str = READER, headers: dict[str, str] = READS, **limits: Any) -> Any:
    async with door.client(door.keys.add(role, **limits)) as client:
        return await client.get(f"/v1/questions{path}", headers=headers)


async def test_the_list_has_every_question_with_its_parameters_and_columns() -> None:
    door = HttpDoor()
    found = (await got(door, "")).json()["questions"]
    assert [each["name"] for each in found] == [question.name for question in questions()]
    for each, question in zip(found, questions(), strict=True):
        assert (each["title"], each["sentence"]) == (question.title, question.sentence)
        assert [one["name"] for one in each["parameters"]] == [one.name for one in question.asked]
        assert [one["name"] for one in each["columns"]] == [one.name for one in question.columns]
    assert [each["name"] for each in found if each["names_workers"]] == ["overdue_workers", "to_enroll"]
    (coverage,) = (each for each in found if each["name"] == "coverage")
    assert coverage["columns"][3] == {"name": "active", "unit": "people", "meaning": "Inside on the date."}
    assert coverage["parameters"][0] == {
        "name": "as_of",
        "kind": "date",
        "choices": [],
        "required": False,
        "default": "latest",
        "meaning": "The business date of the figures.",
    }
    assert door.answers.asked == []


async def test_a_key_of_some_companies_may_not_have_what_speaks_of_all_together() -> None:
    found = (await got(HttpDoor(), "", companies=["C1"])).json()["questions"]
    assert tuple(each["name"] for each in found if not each["allowed"]) == TOGETHER


async def test_what_is_given_reaches_the_operation_in_its_form_with_the_companies_of_the_key() -> None:
    door = HttpDoor()
    query = f"/moves?{PERIOD}&within_days=07&known_at=2025-10-01T00:00:00%2B07:00"
    assert (await got(door, query, companies=["C1", "C2"])).status_code == 200
    (wanted,) = door.answers.asked
    assert wanted.request.values == {
        "from": "2025-09-01",
        "to": "2025-09-30",
        "within_days": "7",
        "as_of": "latest",
        "known_at": "2025-09-30T17:00:00.000Z",
        "turn": "0",
        "turns": "1",
    }
    assert (wanted.companies, wanted.form, wanted.rows_max) == (("C1", "C2"), Form.JSON, Limits().answer_rows)


@pytest.mark.parametrize(("said", "name"), [("", "overdue"), ("?workers=true", "overdue_workers")])
async def test_a_flag_is_true_or_false(said: str, name: str) -> None:
    door = HttpDoor()
    await got(door, f"/overdue{said}")
    assert [wanted.request.question.name for wanted in door.answers.asked] == [name]


@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("path", ["/to_enroll", "/overdue_workers", "/overdue?workers=true"])
async def test_tokens_of_workers_are_for_the_roles_that_may_read_answers(role: str, path: str) -> None:
    door = HttpDoor()
    answer = await got(door, path, role, companies=["C1"])
    assert answer.status_code == (403 if role == "publisher" else 200)
    assert [wanted.companies for wanted in door.answers.asked] == ([] if role == "publisher" else [("C1",)])


FORMS = [
    ("", "*/*", Form.JSON),
    ("", "", Form.JSON),
    ("", "text/html, application/xhtml+xml, */*;q=0.8", Form.JSON),
    ("", "text/csv", Form.CSV),
    ("", "text/*", Form.CSV),
    ("", "TEXT/CSV;q=0.5, application/json;q=0.4", Form.CSV),
    ("", "application/json;q=0, */*;q=0.1", Form.NDJSON),
    ("", "application/vnd.apache.parquet, application/json;q=0.9", Form.PARQUET),
    ("", "application/*;q=0.1, application/vnd.apache.arrow.file", Form.ARROW),
    ("", "application/x-ndjson; charset=utf-8", Form.NDJSON),
    ("", "text/csv;q=NaN, application/json;q=0.1", Form.JSON),
    ("?format=csv", "application/json", Form.CSV),
    ("?format=arrow", "text/html", Form.ARROW),
]
MEDIA = {
    Form.JSON: "application/json",
    Form.NDJSON: "application/x-ndjson",
    Form.CSV: "text/csv; charset=utf-8",
    Form.PARQUET: "application/vnd.apache.parquet",
    Form.ARROW: "application/vnd.apache.arrow.file",
}


@pytest.mark.parametrize(("query", "accept", "form"), FORMS)
async def test_the_form_is_the_one_that_is_named_or_preferred(query: str, accept: str, form: Form) -> None:
    door = HttpDoor()
    answer = await got(door, f"/coverage{query}", headers={"accept": accept})
    assert [wanted.form for wanted in door.answers.asked] == [form]
    assert (answer.headers["content-type"], answer.headers["vary"]) == (MEDIA[form], "Accept")
    assert answer.headers["peserta-as-of"] == day_text(ON)


@given(st.lists(st.text(max_size=900), max_size=12))
async def test_notes_are_a_header_whatever_they_name(said: list[str]) -> None:
    door = HttpDoor()
    door.answers.notes = tuple(said)
    header = (await got(door, "/contributions")).headers.get("peserta-notes")
    noted = [] if header is None else json.loads(header)
    assert noted == said[: len(noted)]
    assert header is None or (header.isascii() and len(header) <= NOTES_LENGTH_MAX)
    fits = len(json.dumps(said[: len(noted) + 1])) <= NOTES_LENGTH_MAX
    assert fits == (noted == said)


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*"])
async def test_a_form_that_is_not_written_is_refused(accept: str) -> None:
    door = HttpDoor()
    answer = await got(door, "/coverage", headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"], door.answers.asked) == (406, PROBLEM, [])


WRONG = [
    ("/coverage?asof=2025-09-01", "the parameters of coverage are as_of, known_at."),
    (f"/coverage?{NIK}=1", "the parameters of coverage are as_of, known_at."),
    ("/disagreement?as_of=2025-09-01", "there are no parameters."),
    ("/coverage?as_of=2025-02-30", "as_of must be a date"),
    (f"/coverage?as_of={NIK}", "as_of must be a date"),
    ("/coverage?as_of=2025-09-01&as_of=2025-09-02", "as_of is given more than once."),
    ("/coverage?known_at=2025-09-01T00:00:00", "known_at must be an instant"),
    ("/movement?from=2025-09-01", "movement needs to."),
    ("/movement?from=2025-09-02&to=2025-09-01", "from must not be after to."),
    (f"/trend?{PERIOD}&by={NIK}", "by: one of none, regency"),
    (f"/moves?{PERIOD}&within_days={NIK}", "within_days: a whole number from 0 to"),
    (f"/moves?{PERIOD}&turn=1", "the parameters of moves are from, to, within_days, as_of, known_at."),
    (f"/gaps?policy={NIK * 5}", "policy: at most 64 characters."),
    ("/overdue?company=C1%20C2", "company: the id of one company, which has no space."),
    ("/overdue?workers=yes", "workers must be true or false."),
    ("/coverage?format=xlsx", "format must be one of json, ndjson, csv, parquet, arrow."),
]


@pytest.mark.parametrize(("path", "says"), WRONG)
async def test_a_wrong_parameter_is_named_and_not_repeated(path: str, says: str) -> None:
    door = HttpDoor()
    answer = await got(door, path)
    assert (answer.status_code, door.answers.asked) == (400, [])
    assert answer.json()["detail"].startswith(says)
    assert NIK not in answer.text


@pytest.mark.parametrize("name", ["covrage", NIK, "coverage/", "../livez"])
async def test_an_unknown_question_is_not_found(name: str) -> None:
    answer = await got(HttpDoor(), f"/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)
    assert NIK not in answer.text


@pytest.mark.parametrize("name", TOGETHER)
async def test_what_speaks_of_all_companies_together_is_not_for_a_key_of_some(name: str) -> None:
    door = HttpDoor()
    query = "" if name == "freshness" else f"?{PERIOD}"
    answer = await got(door, f"/{name}{query}", OFFICER, companies=["C1"])
    assert (answer.status_code, door.answers.asked) == (403, [])
    assert (await got(door, f"/{name}{query}", OFFICER)).status_code == 200


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Unavailable(NIK), 503), (Rejected(NIK), 503), (TooManyRows("The answer has more than 7 rows."), 422)],
    ids=["without ClickHouse", "ClickHouse refuses", "too many rows"],
)
async def test_without_an_answer_it_says_why(failure: Any, status: int) -> None:
    door = HttpDoor()
    door.answers.failure = failure
    answer = await got(door, "/coverage")
    assert (answer.status_code, answer.headers["content-type"], NIK in answer.text) == (status, PROBLEM, False)


async def test_answers_have_no_room_while_too_many_are_being_sent() -> None:
    door = HttpDoor(limits=Limits(answers_bytes=1))
    inner: list[Any] = []

    async def asking_meanwhile(message: Any) -> None:
        if message["type"] == "http.response.body" and not inner:
            inner.append(await got(door, "/coverage"))

    await _sent_to(door, asking_meanwhile)
    assert (inner[0].status_code, inner[0].headers["retry-after"]) == (503, "2")
    assert (await got(door, "/coverage")).status_code == 200, "what was sent takes no room any more"


async def _sent_to(door: HttpDoor, send: Any) -> None:
    """A request whose answer goes to `send`."""
    headers = [(b"authorization", f"Bearer {door.keys.add(READER)}".encode())]
    path = "/v1/questions/coverage"
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
    }
    scope |= {"headers": headers, "client": ("192.0.2.1", 1), "http_version": "1.1", "scheme": "http", "server": None}

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    await door.app(scope, receive, send)
