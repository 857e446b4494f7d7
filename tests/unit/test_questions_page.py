"""The list of questions in docs/analysts.md is that of their headers, and the answer shown there has their columns."""

from pathlib import Path
from typing import Final

from sinks.questions.headers import TURN, Question, questions

PAGE: Final = (Path(__file__).parents[2] / "docs" / "analysts.md").read_text(encoding="utf-8")


def row(question: Question) -> str:
    parameters = ", ".join(f"`{each.name}`" for each in question.parameters if each.kind != TURN)
    return f"| `{question.name}` | {parameters} | {question.sentence} |"


def test_every_question_is_listed_with_its_parameters_and_its_sentence() -> None:
    _, _, section = PAGE.partition("| question | parameters | answers |\n|---|---|---|\n")
    table, _, _ = section.partition("\n\n")

    assert table.splitlines() == [row(question) for question in questions()]


def test_the_answer_that_is_shown_has_the_columns_of_its_question() -> None:
    _, _, shown = PAGE.partition("peserta ask to_enroll --company C1 --as-of 2025-09-09 --format csv\n")
    _, _, answer = shown.partition("```text\n")
    (asked,) = (question for question in questions() if question.name == "to_enroll")

    assert answer.splitlines()[0] == ",".join(f'"{column.name}"' for column in asked.columns)
