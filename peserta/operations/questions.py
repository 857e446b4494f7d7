"""Questions: what analysts ask (SEMANTICS 14), with parameters checked before ClickHouse is asked, read only."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from peserta.operations.clickhouse_reading import ANSWER_LIMIT_S, analyst
from peserta.operations.coverage_reading import EVERYTHING_KNOWN, is_company, latest_as_of
from peserta.operations.failure import Failed, Rejected, Unavailable
from peserta.operations.questions_in_turn import IDS_BYTES_MAX, OnTurn, Query, id_size, in_turn, no_turn, of_companies
from peserta.operations.rates import RUPIAH_MAX, rates_text
from peserta.operations.rates_file import month_text, read_rates
from peserta.operations.sql_reading import EMPTY_FOR_NULL, Result, quoted
from peserta.settings import Settings
from schemas.dates import day, day_text, instant, instant_text
from sinks.questions.headers import (
    COMPANY_PARAMETER,
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
LISTED_MAX: Final = 10  # policies that an error names
TEXT_LENGTH_MAX: Final = 64  # of ids, in code points
# Instants as RFC 3339, and one array of objects for the form JSON.
WRITTEN: Final = EMPTY_FOR_NULL | {"date_time_output_format": "iso"}
ONE_ARRAY: Final = {"output_format_json_array_of_rows": 1}
ORDER: Final = "\nORDER BY "  # at the end of every SELECT; its keys are columns of the answer
TOO_MANY_ROWS_CODE: Final = 396  # of ClickHouse, like the next
NO_COLUMN_CODE: Final = 47


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


class WrongParameter(Rejected):
    """A parameter is wrong. `rule` says what it must be, and never repeats what was given."""

    def __init__(self, sentence: str, rule: str) -> None:
        super().__init__(sentence)
        self.rule = rule


class TooManyRows(Failed):
    """The answer has more rows than were allowed."""


def question_named(name: str) -> Question:
    """The question of this name. Rejected names the nearest when there is none."""
    named = {question.name: question for question in questions()}
    if name not in named:
        raise Rejected(f"{name!r} is no question{_nearest(name, named)}.")
    return named[name]


def request(settings: Settings, name: str, given: Mapping[str, str]) -> Request:
    """A question and what was given for its parameters; the rest has its defaults. Rejected for an unknown question,
    and like `checked` and `resolved`. ClickHouse is asked only for the latest date."""
    return resolved(settings, checked(question_named(name), given))


def checked(question: Question, given: Mapping[str, str]) -> Request:
    """The same with words of the header for values that only `resolved` knows. WrongParameter for one that is unknown,
    missing or has a value that is none."""
    values = _checked(question, given)
    for flag in [each.name for each in question.parameters if each.kind == FLAG]:
        if values.pop(flag) == YES:
            question = question_named(f"{question.name}_{flag}")
    return Request(question, values)


def resolved(settings: Settings, wanted: Request, limit_s: int = ANSWER_LIMIT_S) -> Request:
    """The request with the latest date, its month and the installation's rates where the header's words stand for them.
    Failed when ClickHouse does not answer, and for rates that are wrong."""
    values = dict(wanted.values)
    if LATEST in values.values():
        with analyst(settings, limit_s=limit_s) as client:
            latest = day_text(latest_as_of(client))
        values = {name: latest if value == LATEST else value for name, value in values.items()}
    for name, value in values.items():
        if value == OF_AS_OF:
            values[name] = values["as_of"][: len("YYYY-MM")]
        elif value == INSTALLED:
            values[name] = rates_text(read_rates(settings.rates_file))
    return Request(wanted.question, values)


def check_known(settings: Settings, wanted: Request) -> None:
    """Rejected for a policy or a company that the book does not have: its answer would be empty, like a right one.
    Failed when ClickHouse does not answer."""
    policy, company = wanted.values.get("policy"), wanted.values.get("company")
    if not policy and not company:
        return
    with analyst(settings) as client:
        if policy:
            known = [name for (name,) in client.query("SELECT policy_id FROM policies ORDER BY policy_id").result_rows]
            if policy not in known:
                has = ", ".join(known[:LISTED_MAX]) + (", ..." if len(known) > LISTED_MAX else "") or "none"
                raise Rejected(f"The book has no policy {policy!r}{_nearest(policy, known)}. Its policies: {has}.")
        if company and not is_company(client, company):
            raise Rejected("The book has no such company: `peserta coverage` lists its companies.")


def answer(settings: Settings, wanted: Request, on_turn: OnTurn = no_turn) -> Result:
    """The rows of the answer; Failed when ClickHouse does not answer. For `on_turn` see `questions_in_turn`."""
    with _asked(settings) as client:
        query = in_turn(client, wanted.question, wanted.values, on_turn)
        found = client.query(query.select, parameters=dict(query.parameters), settings=dict(query.settings))
    # ClickHouse names no columns where there are no rows; the header does.
    return Result(tuple(column.name for column in wanted.question.columns), found.result_rows)


def written_answer(settings: Settings, wanted: Request, form: Form, on_turn: OnTurn = no_turn) -> bytes:
    """The answer as ClickHouse writes it, texts in UTF-8; Failed like `answer`."""
    with _asked(settings) as client:
        return _written(client, in_turn(client, wanted.question, wanted.values, on_turn), form)


def limited_answer(
    settings: Settings,
    wanted: Request,
    form: Form,
    companies: Sequence[str] | None = None,
    rows_max: int | None = None,
    limit_s: int = ANSWER_LIMIT_S,
) -> bytes:
    """The answer from one query, which ends within `limit_s` seconds. With `companies`, only rows that speak of no
    other; with `rows_max`, TooManyRows when there are more."""
    query = limited_query(wanted, companies)
    limits = {} if rows_max is None else {"max_result_rows": rows_max, "result_overflow_mode": "throw"}
    with _asked(settings, limit_s) as client:
        try:
            return _written(client, Query(query.select, query.parameters, limits), form)
        except ClickHouseError as error:
            if rows_max is not None and getattr(error, "code", None) == TOO_MANY_ROWS_CODE:
                raise TooManyRows(f"The answer has more than {rows_max} rows.") from error
            raise


def limited_query(wanted: Request, companies: Sequence[str] | None) -> Query:
    """The query whose rows speak of these companies alone (None: of all). A question about workers looks at no other
    company's, unless the ids are too many for a parameter."""
    question, values = wanted.question, wanted.values
    if companies is None:
        return Query(question.select, values)
    if companies and values.get(COMPANY_PARAMETER) == "" and sum(map(id_size, companies)) <= IDS_BYTES_MAX:
        values = of_companies(values, companies)
    return Query(_only_of(question, companies), values)


@contextmanager
def _asked(settings: Settings, limit_s: int = ANSWER_LIMIT_S) -> Iterator[Client]:
    """A connection to ask a question of this release with."""
    with analyst(settings, limit_s=limit_s) as client:
        try:
            yield client
        except ClickHouseError as error:
            if getattr(error, "code", None) == NO_COLUMN_CODE:
                raise Unavailable(
                    "The views in ClickHouse are of an earlier release, and lack what is asked for: start the sink of "
                    "this one, which brings them."
                ) from error
            raise


def _written(client: Client, query: Query, form: Form) -> bytes:
    options = WRITTEN | (ONE_ARRAY if form is Form.JSON else {}) | dict(query.settings)
    return client.raw_query(query.select, parameters=dict(query.parameters), settings=options, fmt=WRITERS[form])


def sql_of(wanted: Request) -> str:
    """What runs, for ClickHouse's own client: a SET for each parameter, then the question's file."""
    sets = "".join(f"SET param_{name} = {quoted(value)};\n" for name, value in wanted.values.items())
    return sets + wanted.question.text


def _only_of(question: Question, companies: Sequence[str]) -> str:
    """The SELECT without rows that speak of other companies; figures and order are those of the whole answer."""
    assert question.companies, f"a row of {question.name} speaks of many companies together"
    listed = ", ".join(map(quoted, companies))
    rule = " AND ".join(f"{column} IN ({listed})" for column in question.companies) if listed else "false"
    rows, order, keys = question.select.rpartition(ORDER)
    return f"SELECT * FROM (\n{rows}\n)\nWHERE {rule}{order}{keys}"


def _checked(question: Question, given: Mapping[str, str]) -> dict[str, str]:
    known = {each.name: each for each in question.asked}
    for name in given:
        if name not in known:
            has = f"the parameters of {question.name} are {', '.join(known)}" if known else "there are no parameters"
            raise WrongParameter(f"{question.name} has no parameter {name!r}{_nearest(name, known)}.", f"{has}.")
    missing = [name for name, parameter in known.items() if parameter.is_required and name not in given]
    if missing:
        raise _alike(f"{question.name} needs {', '.join(missing)}.")
    values = {each.name: _value(each, given.get(each.name)) for each in question.parameters}
    if "from" in values and "to" in values and values["from"] > values["to"]:
        sentence = f"{question.name}: from {values['from']} is after to {values['to']}."
        raise WrongParameter(sentence, "from must not be after to.")
    return values


def _alike(sentence: str) -> WrongParameter:
    return WrongParameter(sentence, sentence)


def _value(parameter: Parameter, text: str | None) -> str:
    """The value of a parameter as the SQL takes it; a word of the header where it is found later."""
    if text is None:
        return {EVERYTHING: instant_text(EVERYTHING_KNOWN), EMPTY: "", OF_REGENCY: ""}.get(
            parameter.default, parameter.default
        )
    try:
        return _read(parameter, text)
    except ValueError as error:
        raise WrongParameter(f"{parameter.name}: {text!r}: {error}.", f"{parameter.name}: {error}.") from error


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
    if parameter.name == COMPANY_PARAMETER and " " in text:
        raise ValueError("the id of one company, which has no space")
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
