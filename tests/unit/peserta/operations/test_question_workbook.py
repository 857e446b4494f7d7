"""The workbook of an answer, read back by another library."""

import io
from datetime import UTC, date, datetime
from typing import Any, Final

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peserta.operations import question_workbook
from peserta.operations.failure import Rejected
from peserta.operations.question_workbook import workbook
from peserta.operations.questions import Request, question_named
from peserta.operations.sql_reading import Result
from schemas.dates import instant
from sinks.questions.headers import Question, questions

AT: Final = instant("2025-10-01T02:00:00Z")
VALUES: Final = {"as_of": "2025-09-30", "known_at": "2199-12-31T23:59:59.999Z"}
# Characters that XML cannot have are no part of an id or a name.
TEXTS: Final = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20).map(str.strip)
EVIL: Final = ["=1+1", "+1", "-1", "@SUM(A1)", "1", "2025-09-30", "https://x.y", "{=1}"]
OF_UNIT: Final[dict[str, st.SearchStrategy[Any]]] = {
    "-": st.none() | TEXTS | st.sampled_from(EVIL),
    "date": st.none() | st.dates(date(1900, 3, 1), date(2299, 12, 31)),
    "instant": st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2199, 1, 1)).map(
        lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC)
    ),
}  # fmt: skip
A_NUMBER: Final = st.none() | st.integers(-(10**9), 10**9)


def answers(question: Question) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(*(OF_UNIT.get(column.unit, A_NUMBER) for column in question.columns)), max_size=4)


def written(question: Question, rows: Any) -> Any:
    values = {parameter.name: VALUES.get(parameter.name, "") for parameter in question.parameters}
    result = Result(tuple(column.name for column in question.columns), rows)
    return openpyxl.load_workbook(io.BytesIO(workbook(Request(question, values), result, AT)))


def as_a_sheet_has_it(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    return value


@given(st.data())
@settings(max_examples=15, derandomize=True, database=None)
def test_every_cell_has_its_type_and_no_text_is_a_formula(data: st.DataObject) -> None:
    question = data.draw(st.sampled_from(questions()))
    rows = data.draw(answers(question))
    sheet = written(question, rows).worksheets[0]
    cells = list(sheet.iter_rows(min_row=2, max_row=1 + len(rows), max_col=len(question.columns))) if rows else []
    assert [[cell.value for cell in row] for row in cells] == [[*map(as_a_sheet_has_it, row)] for row in rows]
    assert {cell.data_type for row in cells for cell in row} <= {"s", "n", "d"}, "a formula, or an error"
    assert not any(cell.hyperlink for row in cells for cell in row)


def test_a_head_has_the_unit() -> None:
    sheet = written(question_named("coverage"), []).worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    assert heads[2:4] == ["regency", "active (people)"]
    assert heads[-1] == "coverage_due_bp (basis points)"


def test_dates_and_instants_look_like_what_they_are() -> None:
    rows = [("hris", 2, datetime(2025, 9, 30, 2, tzinfo=UTC), 1, 0, 3)]
    sheet = written(question_named("freshness"), rows).worksheets[0]
    assert sheet["C2"].number_format == "yyyy-mm-dd hh:mm:ss.000"
    fired = ("C1/P1/1", "C1", "P1", date(2025, 9, 1), "crossed", None, None, None)
    assert written(question_named("episodes"), [fired]).worksheets[0]["D2"].number_format == "yyyy-mm-dd"


def test_lists_are_one_text() -> None:
    sheet = written(question_named("disagreement"), [("C1", ["a", "b"], ["c"])]).worksheets[0]
    assert [cell.value for cell in sheet[2]] == ["C1", "a, b", "c"]


def test_a_second_sheet_says_what_was_asked() -> None:
    question = question_named("coverage")
    about = written(question, [])["About"]
    lines = [tuple(cell for cell in line if cell is not None) for line in about.iter_rows(values_only=True)]
    assert lines[0] == ("question", "coverage", question.title)
    assert ("answers", question.sentence) in lines
    assert ("asked at", "2025-10-01T02:00:00.000Z") in lines
    assert ("as_of", "2025-09-30", "The business date of the figures.") in lines
    assert ("known_at", "everything", "Only what was recorded by then counts.") in lines
    assert lines[-len(question.columns) + 3] == ("active", "people", "Inside on the date.")


def test_more_rows_than_a_sheet_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(question_workbook, "ROWS_MAX", 2)
    row = ("C1", ["a"], ["b"])
    written(question_named("disagreement"), [row] * 2)
    with pytest.raises(Rejected, match="has 3 rows, and a sheet takes 2: ask about less, or take --format csv"):
        written(question_named("disagreement"), [row] * 3)
