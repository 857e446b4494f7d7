"""The demonstration asks every question: its check holds for a right ClickHouse, and finds each answer that is not."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from deploy.embedded.stack import Stack
from peserta.demo.asked import CHECKS, Answers, ask_every_question, prove_answered
from peserta.demo.evidence import Evidence
from peserta.settings import Settings, read_settings
from sinks.questions.headers import questions
from tests.support.demo_in_clickhouse import demo, put_demo
from tests.support.question_pages import FOLDER, pages
from tests.support.sink_database import shared_database

WITHOUT_ROWS = {"moves", "restated"}  # in the last 90 days nobody moved, and all that is known is known now
NOT_COMPARED = {"moves", "time_to_cover"}


@pytest.fixture(scope="module")
def settings(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    name, _ = shared_database(stack.clickhouse_url, put_demo)
    folder: Path = tmp_path_factory.mktemp("demo")
    yield read_settings(clickhouse_url=stack.clickhouse_url, clickhouse_database=name, data_dir=folder)


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return demo().evidence()


@pytest.fixture(scope="module")
def answers(settings: Settings, evidence: Evidence) -> Answers:
    return ask_every_question(settings, evidence)


def test_every_question_is_asked_and_agrees(evidence: Evidence, answers: Answers) -> None:
    finding = prove_answered(evidence, answers)
    assert finding.holds, finding.named
    assert answers.keys() == {question.name for question in questions()} == CHECKS.keys() | NOT_COMPARED
    assert {name for name, rows in answers.items() if not rows} == WITHOUT_ROWS


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - WITHOUT_ROWS))
def test_a_row_too_few_is_found(evidence: Evidence, answers: Answers, name: str) -> None:
    assert not prove_answered(evidence, {**answers, name: answers[name][:-1]}).holds


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - WITHOUT_ROWS))
def test_a_wrong_number_is_found(evidence: Evidence, answers: Answers, name: str) -> None:
    """Of what is compared, the first number or word of the last row is another one."""
    rows = deepcopy(answers[name])
    compared = {"people", "active", "state", "met", "fired_on", "facts", "joined", "records"} & rows[-1].keys()
    for column in compared:
        rows[-1][column] = rows[-1][column] + 1 if isinstance(rows[-1][column], int) else "another"
    assert not compared or not prove_answered(evidence, {**answers, name: rows}).holds


def test_a_question_without_an_answer_is_found(evidence: Evidence, answers: Answers) -> None:
    without = {name: rows for name, rows in answers.items() if name != "moves"}
    assert prove_answered(evidence, without).named == ["missing: ('moves', 'was answered')"]


def test_a_book_without_companies_is_asked_nothing(settings: Settings, evidence: Evidence) -> None:
    empty = Evidence(evidence.report)
    assert ask_every_question(settings, empty) == {}
    assert prove_answered(empty, {}).holds


def test_the_pages_have_the_headers_and_the_answers(settings: Settings) -> None:
    written = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.md")}
    assert written == pages(settings), "run python -m tests.support.question_pages"
