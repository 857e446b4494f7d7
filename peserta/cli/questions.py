"""`peserta ask`: the questions of analysts, a command each, made of the headers of their files."""

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_group

from peserta.cli.deferred import extras_named
from peserta.cli.question_charts import CHARTS, Chart
from peserta.cli.screen import counted, err, out, progress, table
from peserta.operations.contributions import remarks
from peserta.operations.discovery import find_installation
from peserta.operations.questions import (
    BINARY,
    YES,
    Form,
    Request,
    answer,
    check_known,
    request,
    sql_of,
    written_answer,
)
from peserta.operations.questions_in_turn import OnTurn
from peserta.settings import Settings
from sinks.questions.headers import (
    DATE,
    EMPTY,
    FLAG,
    INSTANT,
    MONTH,
    NUMBER,
    RATES,
    RUPIAH,
    TURN,
    Parameter,
    Question,
    questions,
)
from streams.clock import now_ms

TABLE: Final = "table"
XLSX: Final = "xlsx"
Format = StrEnum("Format", {each.upper(): each for each in (TABLE, *Form, XLSX)})  # type: ignore[misc]
METAVARS: Final = {
    DATE: "DATE", INSTANT: "INSTANT", NUMBER: "NUMBER", MONTH: "YYYY-MM", RUPIAH: "RUPIAH", RATES: "FILE.yaml"
}  # fmt: skip
SAMPLES: Final = {"from": "2025-09-01", "to": "2025-09-30", "policy": "pact-20pp"}

FORMATS: Final = "table; csv; json (one array); ndjson (an object a line); parquet, arrow, xlsx (for a file or a pipe)."
OWN_OPTIONS: Final = {
    "as_format": Annotated[Format, typer.Option("--format", help=FORMATS)],
    "as_chart": Annotated[bool, typer.Option("--chart", help="Draw the answer.", show_default=False)],
    "as_sql": Annotated[bool, typer.Option("--sql", help="Print the SQL that would run, and run nothing.")],
}


class Questions(TyperGroup):
    """The group of all questions: their files are read when it is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        made = typer.Typer(rich_markup_mode="markdown")
        for question in questions():
            made.command(question.name, help=_help(question), short_help=question.sentence)(_command(question))
        for name, command in get_group(made).commands.items():
            self.add_command(command, name)


ask = typer.Typer(cls=Questions, invoke_without_command=True)


@ask.callback()
def list_questions(context: typer.Context) -> None:
    """Answer a question of analysts from ClickHouse; without a name, list the questions.

    The SQL is in sinks/questions and runs in any client: `--sql` prints it with its parameters.
    """
    if context.invoked_subcommand is None:
        rows = [(question.name, question.sentence) for question in questions()]
        out.print(table(counted(len(rows), "question"), ("name", "answers"), rows, prose=("answers",)))


def _command(question: Question) -> Callable[..., None]:
    """The command of a question, with an option for each parameter."""

    def run(as_format: str, as_chart: bool, as_sql: bool, **options: str | bool | None) -> None:
        given = {name.removesuffix("_"): value for name, value in options.items() if isinstance(value, str)}
        given |= {name.removesuffix("_"): YES for name, value in options.items() if value is True}
        if as_chart:
            _check_chart(question, Format(as_format))
        _answer(question, given, Format(as_format), as_chart, as_sql)

    own = {"as_format": Format(TABLE), "as_chart": False, "as_sql": False}
    parameters = [_parameter(each) for each in question.parameters if each.kind != TURN]
    parameters += [_keyword(name, OWN_OPTIONS[name], default) for name, default in own.items()]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def _parameter(parameter: Parameter) -> inspect.Parameter:
    if parameter.kind == FLAG:
        flag = typer.Option(f"--{parameter.name}", help=parameter.meaning, show_default=False)
        return _keyword(f"{parameter.name}_", Annotated[bool, flag], False)
    default = "" if parameter.is_required or parameter.default == EMPTY else f" Default: {parameter.default}."
    choices = f" One of {', '.join(parameter.choices)}." if parameter.choices else ""
    option = typer.Option(
        f"--{parameter.name.replace('_', '-')}",
        help=f"{parameter.meaning}{choices}{default}",
        metavar=METAVARS.get(parameter.kind, "TEXT"),
        show_default=False,
    )
    if parameter.is_required:
        return _keyword(f"{parameter.name}_", Annotated[str, option], inspect.Parameter.empty)
    return _keyword(f"{parameter.name}_", Annotated[str | None, option], None)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    # Python's own words, such as `from`, are no names of parameters: hence `from_`.
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _help(question: Question) -> str:
    columns = "\n".join(f"- {column.name}{_unit(column.unit)}: {column.meaning}" for column in question.columns)
    given = " ".join(f"--{each.name} {SAMPLES[each.name]}" for each in question.parameters if each.is_required)
    example = f"Example: peserta ask {question.name} {given}".rstrip()
    return f"{question.sentence}\n\nColumns:\n\n{columns}\n\n{example}"


def _unit(unit: str) -> str:
    return "" if unit == "-" else f" ({unit})"


def _answer(question: Question, given: dict[str, str], form: Format, as_chart: bool, as_sql: bool) -> None:
    settings = find_installation()
    if RATES in given:  # a file here; callers of other doors have the installation's
        settings = settings.model_copy(update={"rates_file": Path(given.pop(RATES))})
    wanted = request(settings, question.name, given)
    if as_sql:
        typer.echo(sql_of(wanted), nl=False)
        return
    check_known(settings, wanted)
    if form == TABLE:
        with _turns() as on_turn:
            found = answer(settings, wanted, on_turn)
        rows = table(counted(len(found.rows), "row"), found.columns, found.rows, records=True)
        out.print(Chart(wanted, found) if as_chart else rows)
    else:
        if form in (*BINARY, XLSX) and sys.stdout.isatty():
            raise typer.BadParameter(f"{form} is for a file or a pipe: write `> {question.name}.{form}`")
        with _turns() as on_turn:
            if form == XLSX:
                content = _workbook(settings, wanted, on_turn)
            else:
                content = written_answer(settings, wanted, Form(form), on_turn)
        typer.echo(content, nl=False)
    for remark in remarks(settings, wanted):
        err.print(f"Note: {remark}")


def _check_chart(question: Question, form: Format) -> None:
    if form != TABLE:
        raise typer.BadParameter(f"--chart is drawn at the terminal: leave out --format {form}")
    if question.name not in CHARTS:
        raise typer.BadParameter(f"{question.name} has no chart, its answer is a list. Drawn are: {', '.join(CHARTS)}")


@contextmanager
def _turns() -> Iterator[OnTurn]:
    """A bar on standard error, for a question that is asked in turns."""
    with progress() as bar:
        task = bar.add_task("Asking about workers, some at a time", total=None, visible=False)
        yield lambda done, turns: bar.update(task, completed=done, total=turns, visible=True)


def _workbook(settings: Settings, wanted: Request, on_turn: OnTurn) -> bytes:
    with extras_named("ask --format xlsx"):
        from peserta.operations.question_workbook import workbook
    return workbook(wanted, answer(settings, wanted, on_turn), now_ms())
