"""The files of questions: each has a whole header and one SELECT over the views, with the parameters of the header."""

import re
from typing import Final

import pytest

from sinks.clickhouse.migrations import tables, views
from sinks.questions.headers import (
    DATE,
    EMPTY,
    EVERYTHING,
    FLAG,
    FOLDER,
    INSTALLED,
    INSTANT,
    LATEST,
    MONTH,
    NO,
    NUMBER,
    OF_AS_OF,
    OF_REGENCY,
    RATES,
    REQUIRED,
    RUPIAH,
    TEXT,
    TURN,
    Column,
    Parameter,
    Question,
    question_of,
    questions,
)

NAMES: Final = [question.name for question in questions()]
UNITS: Final = {"-", "people", "basis points", "date", "instant", "days", "changes", "spells", "facts", "records"} | {
    "companies",
    "rupiah",
    "ppm",
}
# Kind -> the defaults that it may have, beside REQUIRED.
DEFAULTS: Final = {DATE: {LATEST}, INSTANT: {EVERYTHING}, TEXT: {EMPTY}, FLAG: {NO}, NUMBER: {"60"}} | {
    MONTH: {OF_AS_OF},
    RUPIAH: {OF_REGENCY},
    RATES: {INSTALLED},
    TURN: {"0", "1"},
}
TEXT_OF_ONE: Final = """-- A title
--
-- What does it
-- answer?
--
-- parameter | kind | default | meaning
-- by | one of a, b | a | What it is split by,
-- | in two lines.
--
-- column | unit | meaning
-- n | people | How many.
SELECT 1 AS n;
"""


def named(name: str) -> Question:
    return next(question for question in questions() if question.name == name)


def test_every_file_is_a_question() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.sql")) == NAMES


def test_a_header_is_read() -> None:
    assert question_of("one", TEXT_OF_ONE) == Question(
        "one",
        "A title",
        "What does it answer?",
        (Parameter("by", "one of a, b", "a", "What it is split by, in two lines."),),
        (Column("n", "people", "How many."),),
        "SELECT 1 AS n",
        TEXT_OF_ONE,
    )
    assert question_of("one", TEXT_OF_ONE).parameters[0].choices == ("a", "b")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        pytest.param("-- answer?\n--\n", "", "has title, sentence", id="a part is missing"),
        pytest.param("-- column | unit | meaning\n", "", "begins with column", id="a table without its head"),
        pytest.param("n | people |", "n |", "has 3 cells", id="a line with too few cells"),
    ],
)
def test_a_header_of_another_form_is_a_defect(old: str, new: str, says: str) -> None:
    with pytest.raises(AssertionError, match=says):
        question_of("one", TEXT_OF_ONE.replace(old, new))


@pytest.mark.parametrize("name", NAMES)
def test_a_header_is_whole(name: str) -> None:
    question = named(name)
    assert question.title
    assert question.sentence.endswith("?")
    assert question.sentence.count("?") == 1
    for parameter in question.parameters:
        assert parameter.default in {REQUIRED, *DEFAULTS.get(parameter.kind, parameter.choices)}
        assert parameter.meaning.endswith(".")
    assert [column for column in question.columns if column.unit not in UNITS or column.meaning[-1] != "."] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_select_takes_the_parameters_of_the_header(name: str) -> None:
    question = named(name)
    assert question.select.startswith(("SELECT", "WITH"))
    assert ";" not in question.select
    assert set(re.findall(r"\{(\w+):\w+\}", question.select)) == {
        parameter.name for parameter in question.parameters if parameter.kind != FLAG
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_select_reads_views_only(name: str) -> None:
    select = named(name).select
    read = set(re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", select)) - set(re.findall(r"\b(\w+) AS\s*\(", select))
    read -= set(re.findall(r"ARRAY JOIN\s+(\w+)", select))

    assert read
    assert read <= set(views())
    assert not read & set(tables())


@pytest.mark.parametrize("name", [name for name in NAMES if any(p.kind == FLAG for p in named(name).parameters)])
def test_a_flag_has_the_question_that_it_stands_for(name: str) -> None:
    for flag in (each.name for each in named(name).parameters if each.kind == FLAG):
        other = named(f"{name}_{flag}")
        assert {each.name for each in other.parameters} == {each.name for each in named(name).parameters} - {flag}


OF_ONE_COMPANY: Final = [name for name in NAMES if any(p.name == "company" for p in named(name).parameters)]
IN_TURNS: Final = [name for name in NAMES if [p.name for p in named(name).parameters if p.kind == TURN]]


def test_what_can_be_asked_of_a_few_can_be_put_together_from_several() -> None:
    assert [name for name in NAMES if named(name).part and not named(name).is_of_workers] == OF_ONE_COMPANY
    assert [name for name in NAMES if named(name).is_of_workers] == IN_TURNS == ["moves"]


def test_nobody_who_asks_gives_a_turn() -> None:
    moves = named("moves")
    hidden = [(each.name, each.default) for each in moves.parameters if each not in moves.asked]
    assert hidden == [("turn", "0"), ("turns", "1")]


@pytest.mark.parametrize("name", OF_ONE_COMPANY + IN_TURNS)
def test_the_part_and_the_last_step_are_the_whole_select(name: str) -> None:
    question = named(name)
    assert question.part is not None
    part, last = question.part, question.put_together("SELECT 1 AS n")
    called = "of_workers" if question.is_of_workers else "of_companies"
    head = part.removesuffix(f"SELECT *\nFROM {called}")
    step = last.removeprefix(f"WITH {called} AS (\nSELECT 1 AS n\n)\n")
    assert head + step == question.select
    assert step.startswith("SELECT")
    assert "{" not in step, "the last step has no parameters"


def test_a_select_without_a_part_is_asked_as_it_is() -> None:
    for question in (question_of("one", TEXT_OF_ONE), named("contributions")):
        assert question.part is None
        with pytest.raises(AssertionError, match="has no part"):
            question.put_together("SELECT 1")


@pytest.mark.parametrize("part", ["changes", "workers"])
def test_what_several_files_say_of_workers_is_the_same_text(part: str) -> None:
    """Each file runs alone in any client, so they repeat it. Only which lines and facts count is their own."""
    blocks = {
        name: re.sub(r" +WHERE .*\n", "", found[1])
        for name in NAMES
        if (found := re.search(rf"^    {part} AS\n    \(\n(.*?)^    \)", named(name).select, re.DOTALL | re.MULTILINE))
        and "worker_id" in found[1]
    }
    assert len(blocks) >= 3
    assert len(set(blocks.values())) == 1, sorted(blocks)
