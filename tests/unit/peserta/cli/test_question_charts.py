"""The pictures of answers: at 80 columns, without colour, with every number beside its bar."""

import io
from datetime import date
from typing import Any, Final

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from peserta.cli.question_charts import CHARTS, ROWS_MAX, Bars, Chart
from peserta.cli.questions import ask
from peserta.cli.screen import Screen
from peserta.operations.questions import Request, question_named
from peserta.operations.sql_reading import Result
from sinks.questions.headers import questions

VALUES: Final = {"as_of": "2025-09-30", "from": "2025-09-01", "to": "2025-09-30", "by": "none", "policy": "P1"}
LISTS: Final = {"disagreement", "overdue_workers", "restated", "to_enroll"}


def drawn(name: str, rows: list[dict[str, Any]], width: int | None = None, **values: str) -> list[str]:
    """The lines of the picture of these rows; columns that are not given are null, and counts 0."""
    question, file = question_named(name), io.StringIO()
    columns = tuple(column.name for column in question.columns)
    cells = [tuple(row.get(column) for column in columns) for row in rows]
    own = {each.name: (VALUES | values).get(each.name, "") for each in question.parameters}
    Screen(file=file, width=width).print(Chart(Request(question, own), Result(columns, cells)))
    assert "\x1b" not in file.getvalue()
    return file.getvalue().splitlines()


def coverage(company: str, covered: int, active: int) -> dict[str, Any]:
    bp = covered * 10_000 // active if active else None
    return {"company_id": company, "covered": covered, "active": active, "coverage_bp": bp}


def test_every_question_is_drawn_or_a_list() -> None:
    assert {question.name for question in questions()} == set(CHARTS) | LISTS
    for name, kind in CHARTS.items():
        columns = {column.name for column in question_named(name).columns}
        assert not isinstance(kind, Bars) or {*kind.labels, kind.value, *kind.notes} <= columns


def test_a_share_fills_its_part_of_the_width() -> None:
    lines = drawn("coverage", [coverage("A", 0, 5), coverage("B", 5, 10), coverage("C", 10, 10), coverage("D", 0, 0)])
    assert lines[0] == "Coverage of every company (as_of 2025-09-30)"
    empty, half, whole, unknown = lines[2:6]
    assert empty.count("█") == unknown.count("█") == 0
    assert 2 * half.count("█") == pytest.approx(whole.count("█"), abs=1)
    assert whole.count("█") > 40
    alone = drawn("coverage", [coverage("B", 5, 10)])[2]
    assert alone.count("█") == half.count("█"), "a share does not depend on the other rows"
    assert [line.split()[-3:] for line in (empty, whole, unknown)] == [
        ["%", "0", "5"], ["%", "10", "10"], ["–", "0", "0"]
    ]  # fmt: skip


@pytest.mark.parametrize("width", [None, 60, 80])
@pytest.mark.parametrize("company", ["C1", "a-company-with-a-very-long-name-of-its-own-64-characters-long-xyzw"])
def test_no_line_is_wider_than_the_screen_and_no_name_is_cut(width: int | None, company: str) -> None:
    lines = drawn("coverage", [coverage(company, 3, 7)] * 2, width)
    assert max(map(cell_len, lines)) <= (width or 80)
    names = "".join(character for line in lines[2:-1] for character in line.split("█")[0].split("  ")[0])
    assert names.count(company) == 2


def test_a_change_goes_to_the_right_or_to_the_left() -> None:
    more, less, none = (
        {"company_id": name, "change_bp": bp, "active_to": 9} for name, bp in (("A", 1250), ("B", -5), ("C", None))
    )
    lines = drawn("movement", [more, less, none])
    assert [line.split()[-2:] for line in lines[2:5]] == [["+12.50", "9"], ["-0.05", "9"], ["–", "9"]]
    assert lines[2].index("█") > 30


def test_a_trend_of_all_has_a_bar_for_each_date_and_one_by_group_a_line_for_each_group() -> None:
    dates = [date(2025, 7, 31), date(2025, 8, 31)]
    rows = [
        {"date": on, "key": key, "covered": 5, "active": 10, "coverage_bp": bp}
        for key, shares in (("Batam", (0, 10_000)), (None, (5000, 5000)))
        for on, bp in zip(dates, shares, strict=True)
    ]
    assert [line.split()[0] for line in drawn("trend", rows[:2])[2:4]] == ["2025-07-31", "2025-08-31"]
    lines = drawn("trend", rows, by="regency")
    assert [line.split() for line in lines[2:4]] == [
        ["Batam", "▁█", "0.00", "%", "100.00", "%", "10"],
        ["–", "▄▄", "50.00", "%", "50.00", "%", "10"],
    ]


def test_an_episode_lasts_from_its_firing_to_its_end() -> None:
    ended = {"alert_id": "A/P/1", "fired_on": date(2025, 9, 1), "resolved_on": date(2025, 9, 15), "days": 14}
    fires = {"alert_id": "B/P/1", "fired_on": date(2025, 9, 16), "resolved_on": None, "days": None}
    lines = drawn("episodes", [ended, fires])
    first, last = lines[2].index("█"), lines[3].index("█")
    assert lines[2].rindex("█") <= last and first < last
    assert (lines[2].split()[-1], lines[3].split()[-1]) == ("14", "fires")


def test_spells_are_parts_of_their_whole() -> None:
    row = {"employment_type": "daily", "spells": 4, "covered": 3, "within_grace": 1, "median_days": 7}
    line = drawn("time_to_cover", [row])[2]
    assert "…" not in line
    assert line.count("█") == pytest.approx(line.count("░"), abs=1)
    assert line.count("▒") == pytest.approx(2 * line.count("░"), abs=2)


def test_what_is_not_drawn_is_said() -> None:
    rows = [coverage(f"C{number}", 1, 2) for number in range(ROWS_MAX + 1)]
    assert drawn("coverage", rows)[-1] == (
        f"The first {ROWS_MAX} of {ROWS_MAX + 1} lines are drawn; without --chart all are shown."
    )
    assert drawn("coverage", [])[-1] == "There are no rows to draw."


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["disagreement", "--chart"], "disagreement has no chart"),
        (["coverage", "--chart", "--format", "csv"], "leave out --format csv"),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is_asked(options: list[str], says: str) -> None:
    found = CliRunner().invoke(ask, options, env={"COLUMNS": "200"})
    assert (found.exit_code, says in " ".join(found.output.split())) == (2, True)
