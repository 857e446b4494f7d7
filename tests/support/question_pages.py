"""`python -m tests.support.question_pages` writes docs/questions: a page for each question, with a real answer.

What a page says of parameters and columns is the header of the question's file. The answer is that of ClickHouse's
engine for the small demonstration (`demo_in_clickhouse`).
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from deploy.embedded.stack import Stack
from peserta.cli.question_charts import CHARTS, Chart
from peserta.cli.screen import Screen
from peserta.cli.tables import plain
from peserta.operations.questions import Request, answer, request
from peserta.operations.sql_reading import Result
from peserta.settings import Settings, read_settings
from schemas.dates import day, day_text, instant_text, jakarta_midnight
from sinks.questions.headers import FLAG, NO_UNIT, RATES, Parameter, Question, questions
from tests.support.demo_in_clickhouse import SCALE, put_demo
from tests.support.sink_database import shared_database

FOLDER: Final = Path(__file__).parents[2] / "docs" / "questions"
COMMAND: Final = "python -m tests.support.question_pages"
AS_OF: Final = "2025-12-31"
EARLIER: Final = day_text(day(AS_OF) - 60)
PERIOD: Final = {"from": "2025-10-01", "to": AS_OF}
# What each page asks; what is not here has its default.
GIVEN: Final[dict[str, dict[str, str]]] = {
    "episodes": PERIOD,
    "forecast": {"policy": "pact-20pp"},
    "gaps": {"policy": "pact-20pp"},
    "movement": PERIOD,
    "moves": {"from": "2025-01-01", "to": AS_OF},
    "refused": {"from": "2024-10-01", "to": AS_OF},
    "restated": {"as_of": EARLIER, "known_at": instant_text(jakarta_midnight(day(EARLIER) + 1))},
    "time_to_cover": PERIOD,
    "trend": {"from": "2025-01-01", "to": AS_OF},
    "turnover": PERIOD,
}
# Why an answer has no rows; every other one has some.
WITHOUT_ROWS: Final = {"moves": "The answer has no rows: in this story nobody moves from one company to another.\n"}
ROWS_SHOWN: Final = 8
ADDRESS: Final = "http://127.0.0.1:8080"
MADE: Final = f"<!-- Made by `{COMMAND}`. -->\n\n"


def pages(settings: Settings) -> dict[str, str]:
    """File name -> its text, for the book that the settings lead to."""
    return {"README.md": index()} | {f"{each.name}.md": page(settings, each) for each in questions()}


def index() -> str:
    """The list of all questions."""
    rows = [(f"[{each.name}]({each.name}.md)", each.title, each.sentence) for each in questions()]
    return (
        f"# Questions of analysts\n\n{MADE}"
        "A page for each question: its parameters, its columns and a real answer. How to ask in general is said on\n"
        "the [page for analysts](../analysts.md#questions).\n\n"
        f"{_table(('question', 'title', 'answers'), rows)}\n"
        "The answers on these pages are those of the demonstration's twelve invented companies, in small:\n\n"
        f"```sh\npeserta demo --keep playground --scale {SCALE}\nPESERTA_DATA_DIR=playground peserta up\n```\n"
    )


def page(settings: Settings, question: Question) -> str:
    """The page of a question."""
    given = GIVEN.get(question.name, {})
    wanted = request(settings, question.name, given)
    found = answer(settings, wanted)
    parts = [
        f"# {question.title}\n\n{MADE}{question.sentence}\n",
        f"## Parameters\n\n{_parameters(question)}",
        f"## Columns\n\n{_columns(question)}",
        f"## An answer\n\nOf the [demonstration's companies](README.md):\n\n{_sh(_asked(question, given))}",
        *(_rows_and_picture(question, given, wanted, found) if found.rows else [WITHOUT_ROWS[question.name]]),
        f"## The same elsewhere\n\n{_elsewhere(question, given, wanted)}",
    ]
    return "\n".join(parts)


def _parameters(question: Question) -> str:
    if not question.asked:
        return "It has none.\n"
    rows = [
        (f"`{each.name}`", _kind(each), "" if each.is_required else each.default, each.meaning)
        for each in question.asked
    ]
    return _table(("parameter", "kind", "default", "meaning"), rows)


def _kind(parameter: Parameter) -> str:
    return f"{parameter.kind}, must be given" if parameter.is_required else parameter.kind


def _columns(question: Question) -> str:
    rows = [(f"`{each.name}`", "" if each.unit == NO_UNIT else each.unit, each.meaning) for each in question.columns]
    return _table(("column", "unit", "meaning"), rows)


def _rows(found: Result) -> str:
    shown = [tuple(plain(value) for value in row) for row in found.rows[:ROWS_SHOWN]]
    more = len(found.rows) - len(shown)
    return _table(found.columns, shown) + (f"\n... and {more} more rows.\n" if more else "")


def _rows_and_picture(question: Question, given: dict[str, str], wanted: Request, found: Result) -> Iterator[str]:
    yield _rows(found)
    if question.name in CHARTS:
        file = io.StringIO()
        Screen(file=file).print(Chart(wanted, Result(found.columns, found.rows[: ROWS_SHOWN * 2])))
        drawn = "\n".join(line.rstrip() for line in file.getvalue().splitlines())
        yield f"Drawn:\n\n{_sh(_asked(question, given) + ' --chart')}\n```text\n{drawn}\n```\n"


def _elsewhere(question: Question, given: dict[str, str], wanted: Request) -> str:
    query = f"?{urlencode(given)}" if given else ""
    of_sql = urlencode({"database": "peserta"} | {f"param_{name}": value for name, value in wanted.values.items()})
    flags = "".join(
        f"With `--{each.name}`, over HTTP `{each.name}=true`, it is [{question.name}_{each.name}]"
        f"({question.name}_{each.name}.md).\n\n"
        for each in question.parameters
        if each.kind == FLAG
    )
    lines = (
        f"""curl '{ADDRESS}/v1/questions/{question.name}{query}' -H "Authorization: Bearer $(cat officer)\"""",
        f"{_asked(question, given)} --sql | clickhouse-client --database peserta --multiquery",
        *(
            [f"""curl "$PESERTA_CLICKHOUSE_URL/?{of_sql}" --data-binary @sinks/questions/{question.name}.sql"""]
            if all(each.kind != RATES for each in question.parameters)  # those are long
            else []
        ),
    )
    sql = f"[sinks/questions/{question.name}.sql](../../sinks/questions/{question.name}.sql)"
    return f"{flags}[Over HTTP](../http.md#questions-of-analysts), and by its SQL, {sql}:\n\n{_sh(*lines)}"


def _asked(question: Question, given: dict[str, str]) -> str:
    return " ".join(
        ["peserta ask", question.name, *(f"--{name.replace('_', '-')} {value}" for name, value in given.items())]
    )


def _sh(*lines: str) -> str:
    return "```sh\n" + "".join(f"{line}\n" for line in lines) + "```\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write all pages."""
    with Stack(kafka=False) as stack:
        name, _ = shared_database(stack.clickhouse_url, put_demo)
        settings = read_settings(clickhouse_url=stack.clickhouse_url, clickhouse_database=name)
        FOLDER.mkdir(exist_ok=True)
        for file, text in pages(settings).items():
            (FOLDER / file).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
