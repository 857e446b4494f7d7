"""Questions: what analysts ask (SEMANTICS 14), with parameters checked before ClickHouse is asked, read only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from clickhouse_connect.driver.client import Client

from peserta.operations.clickhouse_reading import analyst
from peserta.operations.coverage_reading import EVERYTHING_KNOWN, latest_as_of
from peserta.operations.failure import Rejected
from peserta.operations.rates import RUPIAH_MAX, rates_text
from peserta.operations.rates_file import month_text, read_rates
from peserta.operations.sql_reading import EMPTY_FOR_NULL, Result
from peserta.settings import Settings
from schemas.dates import day, day_text, instant, instant_text
from sinks.questions.headers import (
    DATE,
    EMPTY,
    EVERYTHING,
    FLAG,
    INSTALLED,
    INSTANT,
    LATEST,
    MONTH,
    NO,
    NUMBER,
    OF_AS_OF,
    OF_REGENCY,
    RUPIAH,
    Parameter,
    Question,
    questions,
)

NUMBER_MAX: Final = 1_000_000
YES: Final = "yes"
TEXT_LENGTH_MAX: Final = 64  # of ids, in code points
# Instants as RFC 3339, and one array of objects for the form JSON.
WRITTEN: Final = EMPTY_FOR_NULL | {"date_time_output_format": "iso"}
ONE_ARRAY: Final = {"output_format_json_array_of_rows": 1}


class Form(StrEnum):
    """How an answer is written: the value is the name by which it is requested."""

    CSV = "csv"
    JSON = "json"  # one array of objects
    NDJSON = "ndjson"  # one object a line
    PARQUET = "parquet"
    ARROW = "arrow"


WRITERS: Final = {
    Form.CSV: "CSVWithNames",
    Form.JSON: "JSONEachRow",
    Form.NDJSON: "JSONEachRow",
    Form.PARQUET: "Parquet",
    Form.ARROW: "Arrow",
}
BINARY: Final = frozenset((Form.PARQUET, Form.ARROW))


@dataclass(frozen=True, slots=True)
class Request:
    """A question with a value for each of its parameters, as its SQL takes them."""

    question: Question
    values: Mapping[str, str]


def question_named(name: str) -> Question:
    """The question of this name. Rejected names the nearest when there is none."""
    named = {question.name: question for question in questions()}
    if name not in named:
        raise Rejected(f"{name!r} is no question{_nearest(name, named)}.")
    return named[name]


def request(settings: Settings, name: str, given: Mapping[str, str]) -> Request:
    """A question and what was given for its parameters; the rest has its defaults. Rejected for an unknown question or
    parameter, a value that is none, or a parameter that is missing. ClickHouse is asked only for the latest date."""
    question = question_named(name)
    values = _checked(question, given)
    for flag in [each.name for each in question.parameters if each.kind == FLAG]:
        if values.pop(flag) == YES:
            question = question_named(f"{name}_{flag}")
    if LATEST in values.values():
        with analyst(settings) as client:
            latest = day_text(latest_as_of(client))
        values = {name: latest if value == LATEST else value for name, value in values.items()}
    for name, value in values.items():
        if value == OF_AS_OF:
            values[name] = values["as_of"][: len("YYYY-MM")]
        elif value == INSTALLED:
            values[name] = rates_text(read_rates(settings.rates_file))
    return Request(question, values)


def answer(settings: Settings, wanted: Request) -> Result:
    """The rows of the answer; Failed when ClickHouse does not answer."""
    with analyst(settings) as client:
        rows = client.query(wanted.question.select, parameters=dict(wanted.values)).result_rows
    # ClickHouse names no columns where there are no rows; the header does.
    return Result(tuple(column.name for column in wanted.question.columns), rows)


def written_answer(settings: Settings, wanted: Request, form: Form) -> bytes:
    """The answer as ClickHouse writes it, texts in UTF-8; Failed like `answer`."""
    with analyst(settings) as client:
        return _written(client, wanted, form)


def sql_of(wanted: Request) -> str:
    """What runs, for ClickHouse's own client: a SET for each parameter, then the question's file."""
    sets = "".join(f"SET param_{name} = {_quoted(value)};\n" for name, value in wanted.values.items())
    return sets + wanted.question.text


def _written(client: Client, wanted: Request, form: Form) -> bytes:
    options = WRITTEN | (ONE_ARRAY if form is Form.JSON else {})
    return client.raw_query(wanted.question.select, parameters=dict(wanted.values), settings=options, fmt=WRITERS[form])


def _checked(question: Question, given: Mapping[str, str]) -> dict[str, str]:
    known = {each.name: each for each in question.parameters if each.default != INSTALLED}
    for name in given:
        if name not in known:
            raise Rejected(f"{question.name} has no parameter {name!r}{_nearest(name, known)}.")
    missing = [name for name, parameter in known.items() if parameter.is_required and name not in given]
    if missing:
        raise Rejected(f"{question.name} needs {', '.join(missing)}.")
    values = {each.name: _value(each, given.get(each.name)) for each in question.parameters}
    if "from" in values and "to" in values and values["from"] > values["to"]:
        raise Rejected(f"{question.name}: from {values['from']} is after to {values['to']}.")
    return values


def _value(parameter: Parameter, text: str | None) -> str:
    """The value of a parameter as the SQL takes it; a word of the header where it is found later."""
    if text is None:
        return {EVERYTHING: instant_text(EVERYTHING_KNOWN), EMPTY: "", OF_REGENCY: ""}.get(
            parameter.default, parameter.default
        )
    try:
        return _read(parameter, text)
    except ValueError as error:
        raise Rejected(f"{parameter.name}: {text!r}: {error}.") from error


def _read(parameter: Parameter, text: str) -> str:
    if parameter.kind == DATE:
        return day_text(day(text))
    if parameter.kind == INSTANT:
        return instant_text(instant(text))
    if parameter.kind == NUMBER:
        return _number(text, NUMBER_MAX)
    if parameter.kind == RUPIAH:
        return text and _number(text, RUPIAH_MAX)
    if parameter.kind == MONTH:
        return month_text(text)
    if parameter.kind == FLAG:
        return _flag(text)
    if parameter.choices and text not in parameter.choices:
        raise ValueError(f"one of {', '.join(parameter.choices)}{_nearest(text, parameter.choices)}")
    if len(text) > TEXT_LENGTH_MAX:
        raise ValueError(f"at most {TEXT_LENGTH_MAX} characters")
    return text


def _number(text: str, highest: int) -> str:
    if not (text.isascii() and text.isdigit() and int(text) <= highest):
        raise ValueError(f"a whole number from 0 to {highest}")
    return str(int(text))


def _flag(text: str) -> str:
    if text not in (YES, NO):
        raise ValueError(f"{YES} or {NO}")
    return text


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; the nearest is {near[0]}" if near else ""


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
