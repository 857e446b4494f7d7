"""The ways to a question on ClickHouse's own engine: HTTP, `peserta ask` and the file's SQL have the same rows."""

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from typer.testing import CliRunner

from deploy.embedded.stack import Stack
from peserta.api.accept import ANSWERED_AS
from peserta.api.limits import Limits
from peserta.cli.questions import ask
from peserta.operations import questions_in_turn
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.failure import Rejected, Unavailable
from peserta.operations.question_reading import BookAnswers
from peserta.operations.questions import Form, answer, limited_answer, limited_query, request, written_answer
from peserta.settings import Settings, read_settings
from schemas.dates import day, day_text
from schemas.keys import READER
from schemas.public_json import row_json
from sinks.questions.headers import FLAG, Question, questions
from tests.support.contribution_answers import RATES, not_asked, rates_yaml
from tests.support.http_door import HttpDoor
from tests.support.question_books import QuestionBook, put_book, random_book
from tests.support.question_draws import ANSWERS
from tests.support.sink_database import Database, made_database, shared_database
from tests.support.sink_records import fact_entry, inside, journal_values, ledger_record, ledger_value, line

SEED: Final = 17  # with it every question has rows
OWN: Final = ("C1", "C3", "C6")
GIVEN: Final = {
    "as_of": "2025-05-20",
    "known_at": "2025-05-28T00:00:00.000Z",
    "from": "2025-03-20",
    "to": "2025-05-20",
    "policy": "B",
    "company": "",
    "within_days": "60",
    "month": "2025-05",
    "wage": "3122805",
    "by": "regency",
}


@dataclass(frozen=True)
class Asked:
    """A book in ClickHouse, the settings to ask it with, and the HTTP application on it."""

    book: QuestionBook
    settings: Settings
    door: HttpDoor

    async def got(self, path: str, door: HttpDoor | None = None, **key: Any) -> httpx2.Response:
        """The answer to a reader."""
        door = door or self.door
        async with door.client(door.keys.add(READER, **key)) as client:
            return await client.get(f"/v1/questions/{path}")


@pytest.fixture(scope="module")
def asked(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    book = random_book(SEED)

    async def fill(database: Database) -> None:
        await put_book(database, book)

    name, _ = shared_database(stack.clickhouse_url, fill)
    folder: Path = tmp_path_factory.mktemp("doors")
    (folder / "rates.yaml").write_text(rates_yaml(RATES), encoding="utf-8")
    options = {"clickhouse_url": stack.clickhouse_url, "clickhouse_database": name}
    settings = read_settings(**options, data_dir=folder, rates_file=folder / "rates.yaml")
    with pytest.MonkeyPatch.context() as environment:
        for variable, value in settings.environment().items():
            environment.setenv(variable, value)
        yield Asked(book, settings, HttpDoor(book=BookAnswers(settings)))


def given(question: Question) -> dict[str, str]:
    return {each.name: GIVEN[each.name] for each in question.asked if each.kind != FLAG}


def path(question: Question, **more: str) -> str:
    return f"{question.name}?{httpx2.QueryParams(given(question) | more)}"


def asked_in_the_terminal(question: Question) -> Any:
    options = [word for name, value in given(question).items() for word in (f"--{name.replace('_', '-')}", value)]
    found = CliRunner().invoke(ask, [question.name, *options, "--format", "json"])
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout_bytes)


def sent_as_it_is(asked: Asked, question: Question) -> list[Any]:
    """What the file gives to any client that speaks HTTP."""
    parameters = {f"param_{name}": value for name, value in (given(question) | not_asked(question)).items()}
    options = {"default_format": "JSONEachRow", "date_time_output_format": "iso"}
    where = {"database": asked.settings.clickhouse_database}
    found = httpx2.post(
        asked.settings.clickhouse_url, params=where | parameters | options, content=question.text, trust_env=False
    )
    assert found.is_success, found.text
    return [json.loads(line) for line in found.text.splitlines()]


@pytest.mark.parametrize("question", questions(), ids=lambda question: question.name)
async def test_http_the_command_and_the_file_have_the_rows_of_the_naive_book(asked: Asked, question: Question) -> None:
    columns = [column.name for column in question.columns]
    wanted = [row_json(dict(zip(columns, r, strict=True))) for r in ANSWERS[question.name](asked.book, given(question))]
    assert wanted, "nothing to compare"
    got = await asked.got(path(question))
    assert (got.status_code, got.json()) == (200, wanted)
    assert asked_in_the_terminal(question) == wanted
    assert sent_as_it_is(asked, question) == wanted


@pytest.mark.parametrize("question", [q for q in questions() if q.part], ids=lambda question: question.name)
@pytest.mark.parametrize(("together", "in_a_turn"), [(1, 20), (60, 100)], ids=["each company alone", "a few at a time"])
async def test_what_is_asked_in_turns_has_the_answer_of_one_go(
    asked: Asked, question: Question, together: int, in_a_turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(asked.settings, question.name, given(question))
    whole = {form: written_answer(asked.settings, wanted, form) for form in Form}
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(questions_in_turn, "RECORDS_MAX", together)
    monkeypatch.setattr(questions_in_turn, "TURN_RECORDS_MAX", in_a_turn)

    in_turn = written_answer(asked.settings, wanted, Form.JSON, lambda done, turns: told.append((done, turns)))

    assert json.loads(in_turn) == (await asked.got(path(question))).json() == asked_in_the_terminal(question)
    assert {form: written_answer(asked.settings, wanted, form) for form in Form} == whole
    turns, companies = len(told) - 1, len(asked.book.business_dates)
    assert told == [(done, turns) for done in range(turns + 1)]
    if question.is_of_workers:
        assert turns == ceil(records(asked) / in_a_turn) > 1
    else:
        assert turns == companies if together == 1 else 1 < turns < companies


def records(asked: Asked) -> int:
    """How many facts or lines the book has, whichever are more."""
    with analyst(asked.settings) as client:
        (counts,) = client.query("SELECT (SELECT count() FROM dispositions), (SELECT count() FROM ledger)").result_rows
    return int(max(counts))


@pytest.mark.parametrize(
    ("name", "instead"), [("overdue_workers", "of one company at a time"), ("moves", "about a shorter period")]
)
async def test_what_all_have_to_say_has_a_limit(
    asked: Asked, name: str, instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(asked.settings, name, given(named(name)))
    monkeypatch.setattr(questions_in_turn, "RECORDS_MAX", 1)
    monkeypatch.setattr(questions_in_turn, "TURN_RECORDS_MAX", 20)
    monkeypatch.setattr(questions_in_turn, "GATHERED_BYTES_MAX", 300)
    with pytest.raises(Rejected, match=f"more than 0 MB: ask {instead}"):
        answer(asked.settings, wanted)


def named(name: str) -> Question:
    return next(question for question in questions() if question.name == name)


# Whatever an id may have: quotes, backslashes, what looks like a parameter, the end of a list, and long letters.
ODD: Final = ["C'1", "C\\'2", "{company:String}", "']),#", "Ç🙂", "東" * 64]
WORKERS_OF_EACH: Final = 250


def test_ids_are_gathered_as_they_are(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    people = sorted((each, f"{'工' * 60}{n}") for each in ODD for n in range(WORKERS_OF_EACH))

    async def fill(database: Database) -> None:
        entries, records = [], []
        for number, (company_id, worker) in enumerate(people):
            entries.append(fact_entry(number, worker_id=worker, company_id=company_id))
            records.append(ledger_record(number, [line("2025-01-01", None, inside())], company_id=company_id))
        await database.put("coverage.journal.v1", journal_values(entries))
        await database.put("coverage.ledger.v1", map(ledger_value, records))

    name, _ = shared_database(stack.clickhouse_url, fill)
    settings = read_settings(clickhouse_url=stack.clickhouse_url, clickhouse_database=name)
    wanted = request(settings, "overdue_workers", {"as_of": "2025-12-31"})
    whole = answer(settings, wanted).rows
    assert [row[:2] for row in whole] == people
    assert len(str(whole).encode()) > 1 << 18, "no more than a query has without being asked"
    for together in (1, 2 * WORKERS_OF_EACH):
        monkeypatch.setattr(questions_in_turn, "RECORDS_MAX", together)
        assert answer(settings, wanted).rows == whole


def test_a_company_with_many_facts_and_few_lines_is_asked_about_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fill(database: Database) -> None:
        for number in range(6):
            company_id, lines = ("C2", []) if number else ("C1", [line("2025-01-01", None, inside())])
            entry = fact_entry(number, worker_id=f"w{number}", company_id=company_id)
            await database.put("coverage.journal.v1", journal_values([entry]), first=number)
            record = ledger_record(number, lines, company_id=company_id)
            await database.put("coverage.ledger.v1", [ledger_value(record)], first=number)

    name, _ = shared_database(stack.clickhouse_url, fill)
    settings = read_settings(clickhouse_url=stack.clickhouse_url, clickhouse_database=name)
    monkeypatch.setattr(questions_in_turn, "RECORDS_MAX", 5)
    told: list[tuple[int, int]] = []

    found = answer(settings, request(settings, "overdue", {"as_of": "2025-12-31"}), lambda *turn: told.append(turn))

    assert [row[:2] for row in found.rows] == [("C1", 1)]
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_a_key_of_some_companies_looks_at_the_workers_of_no_other(asked: Asked) -> None:
    wanted = request(asked.settings, "overdue", {"as_of": GIVEN["as_of"]})
    of_one = request(asked.settings, "overdue", {"as_of": GIVEN["as_of"], "company": "C1"})
    too_many = ["C" * 64] * 2_000

    assert limited_query(wanted, OWN).parameters == {**wanted.values, "company": "C1 C3 C6"}
    assert limited_query(of_one, OWN).parameters == of_one.values
    for companies in (None, (), too_many):
        assert limited_query(wanted, companies).parameters == wanted.values


async def test_views_of_an_earlier_release_say_what_is_to_be_done(
    clickhouse_url: str, clickhouse_database: str
) -> None:
    settings = read_settings(clickhouse_url=clickhouse_url, clickhouse_database=clickhouse_database)
    async with made_database(clickhouse_url, clickhouse_database) as database:
        await database.client.command(
            "CREATE OR REPLACE VIEW policy_status AS SELECT company_id, 'A' AS policy_id, 'met' AS state, "
            "as_of AS since, 0 AS gap_people, 0 AS threshold_bp FROM snapshots"
        )

        with pytest.raises(Unavailable, match=r"views .* of an earlier release.* start the sink of this one"):
            await asyncio.to_thread(answer, settings, request(settings, "gaps", {"policy": "A"}))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("gaps --policy C9", "The book has no policy 'C9'; the nearest is C. Its policies: A, B, C, D."),
        ("forecast --policy AB --format csv", "The book has no policy 'AB'"),
        ("to_enroll --company C99", "The book has no such company: `peserta coverage` lists its companies."),
    ],
)
def test_the_command_refuses_what_the_book_does_not_have(asked: Asked, words: str, says: str) -> None:
    with pytest.raises(Rejected, match=re.escape(says)):
        CliRunner().invoke(ask, words.split(), catch_exceptions=False)
    assert CliRunner().invoke(ask, [*words.split(), "--sql"], catch_exceptions=False).exit_code == 0


def test_a_question_that_goes_over_its_memory_says_how_to_ask_for_less(asked: Asked) -> None:
    wanted = request(asked.settings, "overdue", {"as_of": GIVEN["as_of"]})
    little = wanted.question.select.rstrip().rstrip(";") + " SETTINGS max_memory_usage = 100000"
    with (
        pytest.raises(Rejected, match=r"has not enough memory .* one company at a time"),
        analyst(asked.settings) as client,
    ):
        client.query(little, parameters=dict(wanted.values))


OF_COMPANIES: Final = [question for question in questions() if question.companies]


@pytest.mark.parametrize("question", OF_COMPANIES, ids=lambda question: question.name)
async def test_a_key_of_some_companies_has_their_rows_in_the_same_order(asked: Asked, question: Question) -> None:
    whole = (await asked.got(path(question))).json()
    own = (await asked.got(path(question), companies=list(OWN))).json()
    assert own == [row for row in whole if all(row[column] in OWN for column in question.companies)]
    assert own or question.name in ("moves", "disagreement")
    assert (await asked.got(path(question), companies=["C'\\"])).json() == []


async def test_a_flag_has_the_rows_of_the_question_that_it_stands_for(asked: Asked) -> None:
    flagged = await asked.got(f"overdue?as_of={GIVEN['as_of']}&workers=true")
    assert flagged.json() == (await asked.got(f"overdue_workers?as_of={GIVEN['as_of']}")).json() != []


@pytest.mark.parametrize("form", Form)
async def test_every_form_is_what_the_command_writes(asked: Asked, form: Form) -> None:
    wanted = request(asked.settings, "episodes", {"from": GIVEN["from"], "to": GIVEN["to"]})
    got = await asked.got(f"episodes?from={GIVEN['from']}&to={GIVEN['to']}&format={form}")
    assert got.content == limited_answer(asked.settings, wanted, form) == written_answer(asked.settings, wanted, form)
    assert got.headers["content-type"].startswith(ANSWERED_AS[form])


async def test_without_a_date_it_speaks_of_the_latest_one(asked: Asked) -> None:
    got = await asked.got("coverage")
    latest = day_text(max(asked.book.business_dates.values()))
    assert got.headers["peserta-as-of"] == latest
    assert got.json() == (await asked.got(f"coverage?as_of={latest}")).json()
    assert day(latest) != day(GIVEN["as_of"])


async def test_an_answer_is_whole_or_refused(asked: Asked) -> None:
    rows = len((await asked.got("coverage")).json())
    own = len((await asked.got("coverage", companies=list(OWN))).json())
    assert own < rows
    for most, key, status in ((rows, {}, 200), (rows - 1, {}, 422), (own, {"companies": list(OWN)}, 200)):
        door = HttpDoor(limits=Limits(answer_rows=most), book=BookAnswers(asked.settings))
        assert (await asked.got("coverage", door, **key)).status_code == status
