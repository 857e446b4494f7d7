"""The questions of analysts on ClickHouse's own engine: equal to an independent answer, before and after merges."""

import asyncio
import csv
import io
import json
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from deploy.embedded.stack import Stack
from peserta.operations.clickhouse_reading import analyst
from peserta.operations.questions import Form, answer, question_named, request, written_answer
from peserta.settings import Settings, read_settings
from schemas.public_json import row_json
from sinks.questions.headers import Question, questions
from tests.questions.books import STRIDE, compare_books
from tests.support.contribution_answers import RATES, rates_yaml
from tests.support.question_answers import Rows, Values
from tests.support.question_books import QuestionBook, put_book, random_book
from tests.support.question_draws import ANSWERS, DRAWS, drawn
from tests.support.sink_database import Database, opened_database, shared_database

SEEDS: Final = (5, 6, 15)  # among them every reason of `gaps`
DRAWS_MERGED: Final = 1  # of them are asked again after a merge


@dataclass(frozen=True)
class Asked:
    """What was asked of a book: the rows before its parts were merged, and after it if that was asked again."""

    values: Values
    before: Rows
    after: Rows | None


@dataclass(frozen=True)
class Case:
    """A book, the settings to ask it with, and the answers to every question."""

    book: QuestionBook
    settings: Settings
    asked: dict[str, list[Asked]]


def draws_of(book: QuestionBook, question: Question, seed: int) -> list[Values]:
    """What is asked of the book of a seed: four of six kinds of draws, so that two books are asked each kind."""
    random = Random(f"{question.name}{seed}")
    draws = [drawn(book, question, random, number) for number in range(DRAWS)]
    return [values for number, values in enumerate(draws) if number % len(SEEDS) != SEEDS.index(seed)]


def plain(rows: Any) -> Rows:
    return [tuple(row) for row in rows]


def ask_all(
    settings: Settings, book: QuestionBook, seed: int, draws: int | None = None
) -> dict[str, list[tuple[Values, Rows]]]:
    found: dict[str, list[tuple[Values, Rows]]] = {}
    for question in questions():
        for values in draws_of(book, question, seed)[:draws]:
            got = answer(settings, request(settings, question.name, values))
            found.setdefault(question.name, []).append((values, plain(got.rows)))
    return found


@pytest.fixture(scope="module", params=SEEDS)
def case(request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Case:
    seed: int = request.param
    book = random_book(seed)

    async def fill(database: Database) -> None:
        await put_book(database, book, stride=STRIDE)

    async def merge() -> None:
        async with opened_database(stack.clickhouse_url, name) as database:
            await database.merge()

    name, _ = shared_database(stack.clickhouse_url, fill)
    folder: Path = tmp_path_factory.mktemp("questions")
    (folder / "rates.yaml").write_text(rates_yaml(RATES), encoding="utf-8")
    options = {"clickhouse_url": stack.clickhouse_url, "clickhouse_database": name}
    settings = read_settings(**options, data_dir=folder, rates_file=folder / "rates.yaml")
    before = ask_all(settings, book, seed)
    asyncio.run(merge())
    after = ask_all(settings, book, seed, DRAWS_MERGED)
    asked = {
        name: [
            Asked(values, rows, after[name][number][1] if number < DRAWS_MERGED else None)
            for number, (values, rows) in enumerate(before[name])
        ]
        for name in before
    }
    return Case(book, settings, asked)


def test_every_question_has_an_independent_answer() -> None:
    assert {question.name for question in questions()} == ANSWERS.keys()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_question_has_the_answer_that_a_recount_gives(case: Case, name: str) -> None:
    for asked in case.asked[name]:
        wanted = ANSWERS[name](case.book, asked.values)
        assert asked.before == wanted, asked.values
        assert asked.after in (None, wanted), asked.values


@pytest.mark.parametrize("name", ANSWERS)
def test_the_random_books_have_something_to_answer(name: str) -> None:
    books = [(random_book(seed), seed) for seed in SEEDS]

    question = question_named(name)
    assert any(ANSWERS[name](book, values) for book, seed in books for values in draws_of(book, question, seed))


async def test_the_long_run_goes_through_books_and_finds_a_wrong_answer(clickhouse_url: str, tmp_path: Path) -> None:
    """`make questions`, on one book, with a recount that counts one person too many in one question."""
    name = f"t{uuid.uuid4().hex[:10]}"
    settings = read_settings(clickhouse_url=clickhouse_url, clickhouse_database=name, data_dir=tmp_path)

    def wrong(book: QuestionBook, values: Values) -> Rows:
        return [(*row[:-1], row[-1] + 1) for row in ANSWERS["programmes"](book, values)]

    found = [each async for each in compare_books(settings, (2,), 1, ANSWERS | {"programmes": wrong})]
    assert [(each.answers, each.merged) for each in found] == [(len(ANSWERS), True)]
    assert [sentence.split()[2] for each in found for sentence in each.wrong] == ["programmes"]
    (only,) = [each async for each in compare_books(settings, (2,), 2, {"freshness": ANSWERS["freshness"]})]
    assert (only.answers, {*only.rows}, only.wrong) == (2, {"freshness"}, [])


# Unit in a header -> the type that its columns have, but for Nullable and LowCardinality.
TYPES: Final = {"-": {"String", "Array(String)"}, "date": {"Date32"}, "instant": {"DateTime64(3, 'UTC')"}}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_header_lists_the_columns_that_come_back(case: Case, name: str) -> None:
    wanted = request(case.settings, name, case.asked[name][0].values)
    with analyst(case.settings) as client:
        found = client.query(f"DESCRIBE TABLE ({wanted.question.select})", parameters=dict(wanted.values)).result_rows

    assert [row[0] for row in found] == [column.name for column in wanted.question.columns]
    for row, column in zip(found, wanted.question.columns, strict=True):
        plain_type = re.sub(r"(?:Nullable|LowCardinality)\((\w+(?:\([^()]*\))?)\)", r"\1", row[1])
        plain_type = re.sub(r"(?:Nullable|LowCardinality)\((\w+(?:\([^()]*\))?)\)", r"\1", plain_type)
        assert plain_type in TYPES.get(column.unit, {"Int64"}), column


async def test_a_file_runs_as_it_is(case: Case) -> None:
    """Its header and its semicolon included, with parameters as any HTTP client gives them."""
    async with opened_database(case.settings.clickhouse_url, case.settings.clickhouse_database) as database:
        for name in ANSWERS:
            wanted = request(case.settings, name, case.asked[name][0].values)
            rows = await database.client.raw_query(wanted.question.text, parameters=dict(wanted.values))
            assert len(rows.splitlines()) == len(case.asked[name][0].before), name


def written(case: Case, form: Form) -> bytes:
    return written_answer(case.settings, request(case.settings, "freshness", {}), form)


def test_an_answer_is_written_as_text(case: Case) -> None:
    wanted = request(case.settings, "freshness", {})
    got = answer(case.settings, wanted)
    objects = [row_json(dict(zip(got.columns, row, strict=True))) for row in got.rows]

    assert json.loads(written(case, Form.JSON)) == objects
    assert [json.loads(line) for line in written(case, Form.NDJSON).splitlines()] == objects
    cells = list(csv.DictReader(io.StringIO(written(case, Form.CSV).decode())))
    assert cells == [{name: str(value) for name, value in each.items()} for each in objects]


@pytest.mark.parametrize("form", [Form.PARQUET, Form.ARROW])
async def test_an_answer_is_written_as_a_file_that_can_be_read(case: Case, form: Form) -> None:
    wanted = request(case.settings, "freshness", {})
    async with opened_database(case.settings.clickhouse_url, case.settings.clickhouse_database) as database:
        made = f"CREATE OR REPLACE TABLE back_{form} ENGINE = Memory AS {wanted.question.select} LIMIT 0"
        await database.client.command(made, parameters=dict(wanted.values))
        await database.client.raw_insert(f"back_{form}", insert_block=written(case, form), fmt=form.capitalize())
        rows = await database.rows(f"SELECT * FROM back_{form}")

    assert [tuple(row.values()) for row in rows] == ANSWERS["freshness"](case.book, dict(wanted.values))
